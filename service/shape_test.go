package service_test

import (
	"context"
	"reflect"
	"testing"

	"cpis/service"
	"cpis/service/identity"
)

// notAsked are methods that are told of a caller without being asked anything.
var notAsked = map[string]bool{"Meet": true, "Refuse": true}

// A face passes every request on in the same way.
func TestUseCases_HaveOneShape(t *testing.T) {
	t.Parallel()
	found := 0
	for room := range reflect.TypeFor[service.Service]().Fields() {
		for method := range room.Type.Methods() {
			if !takesCaller(method.Type) || notAsked[method.Name] {
				continue
			}
			found++
			if why := misshapen(method); why != "" {
				t.Errorf("%s.%s %s", room.Name, method.Name, why)
			}
		}
	}
	if found < 35 {
		t.Errorf("only %d use cases were found", found)
	}
}

func takesCaller(method reflect.Type) bool {
	return method.NumIn() > 2 && method.In(1) == reflect.TypeFor[context.Context]() && method.In(2) == reflect.TypeFor[*identity.Caller]()
}

// misshapen says what keeps a method from being
// (ctx, *identity.Caller, *Request) (*Answer, error). A stream has a function
// besides: for the parts that come, or for the messages that go.
func misshapen(method reflect.Method) string {
	of := method.Type
	stream := of.NumIn() == 5 && of.In(4).Kind() == reflect.Func
	switch {
	case of.NumIn() != 4 && !stream, !isStruct(of.In(3)):
		return "does not take one request"
	case of.Out(of.NumOut()-1) != reflect.TypeFor[error]():
		return "does not return an error last"
	case stream && of.NumOut() == 1:
		return "" // what it answers goes to the function
	case of.NumOut() != 2 || !isStruct(of.Out(0)):
		return "does not return one answer"
	}
	return ""
}

func isStruct(p reflect.Type) bool {
	return p.Kind() == reflect.Pointer && p.Elem().Kind() == reflect.Struct
}
