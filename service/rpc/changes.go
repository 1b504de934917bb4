package rpc

// Changes are the use cases behind PlanService that concern persons.
type Changes interface{}
