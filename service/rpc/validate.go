package rpc

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
)

// newValidate creates the check of requests against the rules of the contract.
// Its errors are faults; it never quotes what was sent.
func newValidate() (func(proto.Message) error, error) {
	v, err := protovalidate.New(
		protovalidate.WithDisableLazy(), // a rule that does not compile is found now
		protovalidate.WithMessageDescriptors(requests()...),
	)
	if err != nil {
		return nil, fmt.Errorf("compiling the rules of the contract: %w", err)
	}
	return func(m proto.Message) error {
		if err := foldTexts(m); err != nil {
			return err
		}
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

// requests are the messages that the procedures of the contract take.
func requests() []protoreflect.MessageDescriptor {
	var all []protoreflect.MessageDescriptor
	contract := cpisv1.File_cpis_v1_common_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				all = append(all, methods.Get(j).Input())
			}
		}
		return true
	})
	return all
}

func violationsOf(broken *protovalidate.ValidationError) []domain.Violation {
	violations := make([]domain.Violation, len(broken.Violations))
	for i, v := range broken.Violations {
		violations[i] = domain.Violation{
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
	"string.len":         "must be %v characters long",
	"string.max_len":     "must not be longer than %v characters",
	"bytes.max_len":      "must not be longer than %v bytes",
	"repeated.min_items": "must hold at least %v",
	"repeated.max_items": "must not hold more than %v",
	"int32.gt":           "must be more than %v",
	"int32.gte":          "must not be less than %v",
	"int32.lte":          "must not be more than %v",
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
