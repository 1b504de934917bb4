package rpc

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"cpis/service/domain"
	"cpis/service/text"
)

// misfitError is errCodec of JSON, and says which members do not fit.
type misfitError struct{ violations []domain.Violation }

// Error says no more than errCodec does: the library quotes it.
func (e *misfitError) Error() string { return errCodec.Error() }

// Is says that it is errCodec.
func (e *misfitError) Is(target error) bool { return target == errCodec }

// maxMisfits is how many members are named at most.
const maxMisfits = 10

// misfits returns what of a JSON text does not fit a message. It is asked only
// when the text could not be read. If it finds nothing, the text is no JSON, or
// wrong in a way that it does not know.
func misfits(data []byte, d protoreflect.MessageDescriptor) error {
	var value any
	if json.Unmarshal(data, &value) != nil {
		return errCodec
	}
	m := misfitting{}
	m.message("", value, d)
	if len(m.found) == 0 {
		return errCodec
	}
	return &misfitError{m.found[:min(len(m.found), maxMisfits)]}
}

// misfitting collects what does not fit. No value that was sent gets into it.
type misfitting struct{ found []domain.Violation }

func (m *misfitting) add(field, problem, example string) {
	m.found = append(m.found, domain.Violation{Field: field, Problem: problem, Example: example})
}

func (m *misfitting) message(path string, value any, d protoreflect.MessageDescriptor) {
	object, ok := value.(map[string]any)
	if !ok {
		m.add(path, "must be an object", "{}")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		fd := fieldNamed(d, name)
		if fd == nil {
			m.unknown(path, name, d)
			continue
		}
		m.field(within(path, string(fd.Name())), object[name], fd)
	}
}

// fieldNamed finds a field by either of its names.
func fieldNamed(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if fd := d.Fields().ByJSONName(name); fd != nil {
		return fd
	}
	return d.Fields().ByTextName(name)
}

func within(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// unknown says that a message has no such member, and which it has. The name is
// repeated only if it is a slip of one that the message has, or one that another
// message of the contract has: any other may be somebody's.
func (m *misfitting) unknown(path, name string, d protoreflect.MessageDescriptor) {
	problem := fmt.Sprintf("is not a member of %s, which has %s", d.Name(), strings.Join(jsonNames(d), ", "))
	meant := nearest(name, jsonNames(d))
	if meant == "" && !isNameOf(d.ParentFile().Package(), name) {
		m.add(path, "has a member that "+problem, "")
		return
	}
	m.add(within(path, name), problem, meant)
}

// isNameOf reports whether any message of a package has a member of this name.
func isNameOf(pkg protoreflect.FullName, name string) (found bool) {
	protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			found = found || fieldNamed(file.Messages().Get(i), name) != nil
		}
		return !found
	})
	return found
}

// jsonNames are the names of the fields that a message has.
func jsonNames(d protoreflect.MessageDescriptor) []string {
	var names []string
	for i := range d.Fields().Len() {
		names = append(names, d.Fields().Get(i).JSONName())
	}
	if names == nil {
		return []string{"none"}
	}
	return names
}

// nearest returns the one of the names that was probably meant; nothing if none
// is near.
func nearest(name string, names []string) string {
	const near = 3
	best, least := "", near
	for _, candidate := range names {
		if n := text.Slips(bareName(name), bareName(candidate)); n < least {
			best, least = candidate, n
		}
	}
	return best
}

func bareName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func (m *misfitting) field(path string, value any, fd protoreflect.FieldDescriptor) {
	if value == nil {
		return // null is nothing
	}
	if !fd.IsList() {
		m.single(path, value, fd)
		return
	}
	list, ok := value.([]any)
	if !ok {
		m.add(path, "must be a list", "[]")
		return
	}
	for i, item := range list {
		m.single(fmt.Sprintf("%s[%d]", path, i), item, fd)
	}
}

func (m *misfitting) single(path string, value any, fd protoreflect.FieldDescriptor) {
	_, isText := value.(string)
	switch fd.Kind() { //nolint:exhaustive // requests have no others
	case protoreflect.MessageKind:
		if fd.Message().FullName() != "google.protobuf.Timestamp" {
			m.message(path, value, fd.Message())
		} else if !isText || !isTime(value) {
			m.add(path, "must be a time in UTC", `"2026-11-23T17:05:06Z"`)
		}
	case protoreflect.StringKind:
		if !isText {
			m.add(path, "must be a text, in quotation marks", "")
		}
	case protoreflect.BoolKind:
		if _, ok := value.(bool); !ok {
			m.add(path, "must be true or false, without quotation marks", "true")
		}
	case protoreflect.EnumKind:
		m.enum(path, value, fd.Enum())
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		if !isWhole(value) {
			m.add(path, "must be a whole number", "1")
		}
	}
}

func (m *misfitting) enum(path string, value any, d protoreflect.EnumDescriptor) {
	if name, ok := value.(string); ok && d.Values().ByName(protoreflect.Name(name)) != nil {
		return
	}
	if _, ok := value.(float64); ok {
		return // a number may be of a newer contract: the rules judge it
	}
	var names []string
	for i := range d.Values().Len() {
		if v := d.Values().Get(i); v.Number() != 0 {
			names = append(names, string(v.Name()))
		}
	}
	m.add(path, "must be one of "+strings.Join(names, ", "), names[0])
}

func isTime(value any) bool {
	text, _ := value.(string)
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}

// isWhole reports whether a value is a whole number, or a text of one.
func isWhole(value any) bool {
	switch v := value.(type) {
	case float64:
		return v == math.Trunc(v)
	case string:
		_, err := strconv.ParseInt(v, 10, 64)
		return err == nil
	}
	return false
}
