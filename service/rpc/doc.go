// Package rpc is the face of the service that programs talk to: Connect, gRPC
// and gRPC-Web on one port, as proto/cpis/v1 says. It translates between the
// wire and the use cases and decides nothing.
//
// # The way of a request
//
// Interceptors surround every procedure, in this order:
//
//	trace         if traces are wanted
//	observe       gives the request its id, counts it, logs one line
//	answer        turns errors and panics into the fixed texts of one table
//	authenticate  token and certificate become a caller, before the body is read
//	admit         request id, size, form and the rules of the contract
//
// What admit refuses was asked by somebody and is therefore recorded in the
// audit log before the refusal leaves, like everything that a use case refuses.
//
// # What never leaves
//
// No text of an error, no part of a request and no panic value reaches the
// wire, the operator's log, a metric or a trace: texts are fixed, and labels
// come from closed lists. Answers to look-ups are brought to one size, are never
// compressed and must not be stored, so that their length says nothing.
package rpc
