package main

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// field is one field of a request, that a flag or an argument sets or that is
// asked for.
type field struct {
	path []protoreflect.FieldDescriptor // from the request on
	// target is a structure with one field, which the parser sets: *string, or
	// bool. It is not valid for what is asked for.
	target reflect.Value
}

// timestampName is the message that is one field here.
const timestampName = "google.protobuf.Timestamp"

// fieldsOf returns the fields of a request, those of messages in it in their
// place. Repeated ones come as JSON only.
func fieldsOf(request protoreflect.MessageDescriptor) []*field {
	var all []*field
	var walk func(protoreflect.MessageDescriptor, []protoreflect.FieldDescriptor)
	walk = func(m protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor) {
		for i := range m.Fields().Len() {
			fd := m.Fields().Get(i)
			f := &field{path: append(slices.Clip(above), fd)}
			switch {
			case fd.IsList() || answersOnly[string(fd.FullName())]:
			case fd.Message() != nil && fd.Message().FullName() != timestampName:
				walk(fd.Message(), f.path)
			default:
				f.makeTarget()
				all = append(all, f)
			}
		}
	}
	walk(request, nil)
	return all
}

// leaf is the field itself.
func (f *field) leaf() protoreflect.FieldDescriptor { return f.path[len(f.path)-1] }

// personal reports whether the field says who somebody is.
func (f *field) personal() bool { return personal[string(f.leaf().Name())] }

// isArgument reports whether the field is what the verb is about: it stands behind
// the verb, without the name of a flag.
func (f *field) isArgument() bool {
	return len(f.path) == 1 && f.leaf().Number() == 1 && strings.HasSuffix(string(f.leaf().Name()), "_id")
}

// flag is the name of the flag.
func (f *field) flag() string {
	var names []string
	for _, fd := range f.path {
		if name := string(fd.Name()); !inPlace[name] {
			names = append(names, strings.ReplaceAll(name, "_", "-"))
		}
	}
	return strings.Join(names, ".")
}

// label is the name of the field for people.
func (f *field) label() string {
	text := wordsOf(string(f.leaf().Name()))
	if len(f.path) > 1 && !inPlace[string(f.path[len(f.path)-2].Name())] {
		text += " of the " + string(f.path[len(f.path)-2].Name())
	}
	return text
}

// makeTarget makes what the parser sets.
func (f *field) makeTarget() {
	if f.personal() {
		return
	}
	tag := fmt.Sprintf(`name:%q help:%q`, f.flag(), f.help())
	switch {
	case f.isArgument():
		tag += ` arg:"" optional:""`
	case f.leaf().Kind() != protoreflect.BoolKind:
		tag += fmt.Sprintf(` placeholder:%q`, f.placeholder())
	}
	var value any = (*string)(nil)
	if f.leaf().Kind() == protoreflect.BoolKind {
		value = false
	}
	f.target = fieldWith(reflect.ValueOf(value), tag)
}

func (f *field) help() string {
	text := flagHelp[f.flag()]
	request := string(f.path[0].ContainingMessage().Name())
	if own, ok := flagHelp[strings.TrimSuffix(request, "Request")+" "+f.flag()]; ok {
		text = own
	}
	if f.leaf().Enum() != nil {
		text += " One of " + strings.Join(enumWords(f.leaf().Enum()), ", ") + "."
	}
	return text
}

func (f *field) placeholder() string {
	switch f.leaf().Kind() { //nolint:exhaustive // the others are texts
	case protoreflect.EnumKind:
		return "WORD"
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		return "N"
	}
	return "TEXT"
}

// given returns what stood on the command line.
func (f *field) given() (text string, ok bool) {
	if !f.target.IsValid() {
		return "", false
	}
	switch value := f.target.Field(0).Interface().(type) {
	case bool:
		return "true", value
	case *string:
		if value != nil {
			return *value, true
		}
	}
	return "", false
}

// in returns the message that the field is in, and creates it if it is not there.
func (f *field) in(request protoreflect.Message) protoreflect.Message {
	for _, fd := range f.path[:len(f.path)-1] {
		request = request.Mutable(fd).Message()
	}
	return request
}

// set sets the field from a text.
func (f *field) set(request protoreflect.Message, text string) error {
	value, err := parseValue(f.leaf(), text)
	switch {
	case err != nil && f.personal():
		return fmt.Errorf("%s %w", f.label(), err)
	case err != nil:
		return fmt.Errorf("--%s %w", f.flag(), err)
	}
	f.in(request).Set(f.leaf(), value)
	return nil
}

// needed reports whether the messages that the field is in are there, or must be.
func (f *field) needed(request protoreflect.Message) bool {
	for _, fd := range f.path[:len(f.path)-1] {
		rules, _ := proto.GetExtension(fd.Options(), validate.E_Field).(*validate.FieldRules)
		if !request.Has(fd) && !rules.GetRequired() {
			return false
		}
		request = request.Get(fd).Message()
	}
	return true
}

// parseValue reads the value of a field.
func parseValue(fd protoreflect.FieldDescriptor, text string) (protoreflect.Value, error) {
	switch fd.Kind() { //nolint:exhaustive // requests have no others
	case protoreflect.StringKind:
		if read := texts[fd.FullName()]; read != nil {
			var err error
			if text, err = read(text); err != nil {
				return protoreflect.Value{}, err
			}
		}
		return protoreflect.ValueOfString(text), nil
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(text == "true"), nil
	case protoreflect.Int32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return protoreflect.Value{}, fmt.Errorf("must be a number from 0 to %d", math.MaxInt32)
		}
		return protoreflect.ValueOfInt32(int32(n)), nil
	case protoreflect.Int64Kind:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return protoreflect.Value{}, fmt.Errorf("must be a number from 0 to %d", int64(math.MaxInt64))
		}
		return protoreflect.ValueOfInt64(n), nil
	case protoreflect.EnumKind:
		return parseWord(fd.Enum(), text)
	case protoreflect.MessageKind:
		return parseTime(fd, text)
	}
	return protoreflect.Value{}, fmt.Errorf("cannot be given here: use --stdin")
}

// parseTime reads a moment, with its offset or in England's local time. A report
// may begin or end with a day.
func parseTime(fd protoreflect.FieldDescriptor, text string) (protoreflect.Value, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil && isPeriod(fd) {
		t, err = time.ParseInLocation(time.DateOnly, text, englandsZone())
	}
	if err != nil {
		t, err = time.ParseInLocation("2006-01-02 15:04", text, englandsZone())
	}
	if err != nil {
		return protoreflect.Value{}, fmt.Errorf(`must be a time such as 2026-11-23T14:30:00Z, or "2026-11-23 14:30" in local time`)
	}
	return protoreflect.ValueOfMessage(timestamppb.New(t).ProtoReflect()), nil
}

// parseWord reads a value of an enum by its short name. No text is no value.
func parseWord(enum protoreflect.EnumDescriptor, text string) (protoreflect.Value, error) {
	if text == "" {
		return protoreflect.ValueOfEnum(0), nil
	}
	for i := range enum.Values().Len() {
		if v := enum.Values().Get(i); v.Number() != 0 && wordOf(v) == text {
			return protoreflect.ValueOfEnum(v.Number()), nil
		}
	}
	return protoreflect.Value{}, fmt.Errorf("must be one of %s", strings.Join(enumWords(enum), ", "))
}

// enumWords are the short names of the values that may be given.
func enumWords(enum protoreflect.EnumDescriptor) []string {
	var words []string
	for i := range enum.Values().Len() {
		if v := enum.Values().Get(i); v.Number() != 0 {
			words = append(words, wordOf(v))
		}
	}
	return words
}

// wordIn is wordOf a value that is in a message.
func wordIn(value protoreflect.Enum) string {
	v := value.Descriptor().Values().ByNumber(value.Number())
	if v == nil {
		return "unknown" // of a newer service
	}
	return strings.ReplaceAll(wordOf(v), "_", " ")
}

// wordOf is the short name of a value: PLAN_KIND_CPP is cpp.
func wordOf(v protoreflect.EnumValueDescriptor) string {
	enum, _ := v.Parent().(protoreflect.EnumDescriptor)
	prefix := strings.TrimSuffix(string(enum.Values().ByNumber(0).Name()), "UNSPECIFIED")
	return strings.ToLower(strings.TrimPrefix(string(v.Name()), prefix))
}

// isPeriod reports whether a time begins or ends a period that is asked about.
func isPeriod(fd protoreflect.FieldDescriptor) bool {
	switch fd.ContainingMessage().FullName() {
	case "cpis.v1.ReportQuery", "cpis.v1.GetSubjectAccessRequest":
		return true
	}
	return false
}
