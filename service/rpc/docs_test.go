package rpc_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"cpis/service/domain"
	"cpis/service/rpc"
)

func guide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatalf("reading the guide: %v", err)
	}
	return string(text)
}

// An example in the guide names its message, and is one; requests are valid.
func TestExamplesInTheGuideAreMessages(t *testing.T) {
	t.Parallel()
	validate, err := rpc.NewValidate()
	if err != nil {
		t.Fatalf("NewValidate: %v", err)
	}
	examples := regexp.MustCompile("(?s)```json (cpis\\.v1\\.\\w+)\n(.*?)```").FindAllStringSubmatch(guide(t), -1)
	if len(examples) < 15 {
		t.Errorf("found only %d examples", len(examples))
	}
	for _, e := range examples {
		kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(e[1]))
		if err != nil {
			t.Errorf("%s: %v", e[1], err)
			continue
		}
		m := kind.New().Interface()
		if err := protojson.Unmarshal([]byte(e[2]), m); err != nil {
			t.Errorf("%s: %v in\n%s", e[1], err, e[2])
		}
		if strings.HasSuffix(e[1], "Request") && validate(m) != nil {
			t.Errorf("%s: is not valid:\n%s", e[1], e[2])
		}
	}
}

func TestTheGuideNamesEveryProcedureActionAndAnswer(t *testing.T) {
	t.Parallel()
	text := guide(t)
	for path, action := range rpc.Actions() {
		if !strings.Contains(text, "| `"+path+"` | `"+action+"`") {
			t.Errorf("the guide lacks %s with %s", path, action)
		}
	}
	for _, a := range rpc.Answers() {
		row := regexp.MustCompile("\\| `" + a[0] + "` \\| \\d{3} \\| " + regexp.QuoteMeta(a[1]) + " \\|")
		if !row.MatchString(text) {
			t.Errorf("the guide lacks a row for %s, %q", a[0], a[1])
		}
	}
}

// What the rules of the contract require is said to be required, in the guide
// and in the contract.
func TestTheGuideSaysWhatIsRequired(t *testing.T) {
	t.Parallel()
	validate, err := rpc.NewValidate()
	if err != nil {
		t.Fatalf("NewValidate: %v", err)
	}
	rows := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (.*) \\|.*\\|$").FindAllStringSubmatch(guide(t), -1) {
		rows[row[1]] = row[2]
	}
	protoregistry.GlobalTypes.RangeMessages(func(kind protoreflect.MessageType) bool {
		name := kind.Descriptor().Name()
		if kind.Descriptor().ParentFile().Package() != "cpis.v1" || !strings.HasSuffix(string(name), "Request") || name == "UploadRequest" {
			return true
		}
		invalid, ok := errors.AsType[*domain.InvalidError](validate(kind.New().Interface()))
		if !ok {
			return true
		}
		for _, v := range invalid.Violations {
			if !strings.Contains(rows[string(name)], "`"+v.Field+"`") {
				t.Errorf("the guide does not say that %s of %s is required", v.Field, name)
			}
		}
		return true
	})
}
