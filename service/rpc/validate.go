package rpc

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service"
)

// newValidate makes the check of requests against the rules of the contract.
// Its errors are faults; it never quotes what was sent.
func newValidate() (func(proto.Message) error, error) {
	v, err := protovalidate.New(
		protovalidate.WithDisableLazy(), // a rule that does not compile is found now
		protovalidate.WithMessages(
			&cpisv1.LookUpRequest{}, &cpisv1.LookUpManyRequest{},
			&cpisv1.RegisterPlanRequest{}, &cpisv1.EndPlanRequest{}, &cpisv1.GetPersonRequest{},
			&cpisv1.UploadRequest{},
			&cpisv1.GetCheckpointRequest{}, &cpisv1.GetInclusionProofRequest{},
		),
	)
	if err != nil {
		return nil, fmt.Errorf("compiling the rules of the contract: %w", err)
	}
	return func(m proto.Message) error {
		err := v.Validate(m)
		if err == nil {
			return nil
		}
		if broken, ok := errors.AsType[*protovalidate.ValidationError](err); ok {
			return newFault(nil, violationsOf(broken)...)
		}
		return errors.New("the rules of the contract could not be evaluated") // not err: it may quote
	}, nil
}

func violationsOf(broken *protovalidate.ValidationError) []service.Violation {
	violations := make([]service.Violation, len(broken.Violations))
	for i, v := range broken.Violations {
		violations[i] = service.Violation{
			Field:   protovalidate.FieldPathString(v.Proto.GetField()),
			Problem: problemOf(v),
		}
	}
	return violations
}

// problems says what each rule of the contract asks for. The value that goes
// into it is the rule's, never the request's.
var problems = map[string]string{
	"required":           "is required",
	"enum.defined_only":  "must be one of the values of the contract",
	"enum.not_in":        "is required",
	"string.min_len":     "is required",
	"string.max_len":     "must not be longer than %v characters",
	"bytes.max_len":      "must not be longer than %v bytes",
	"repeated.min_items": "must hold at least %v",
	"repeated.max_items": "must not hold more than %v",
	"int32.gt":           "must be more than %v",
	"int64.gte":          "must not be less than %v",
}

func problemOf(v *protovalidate.Violation) string {
	problem, ok := problems[v.Proto.GetRuleId()]
	switch {
	case !ok:
		return "is not valid"
	case strings.Contains(problem, "%v"):
		return fmt.Sprintf(problem, v.RuleValue.Interface())
	}
	return problem
}
