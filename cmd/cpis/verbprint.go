package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
)

// printJSON prints a message as JSON that people can read.
func printJSON(out io.Writer, m proto.Message) error {
	return writeJSON(out, m, func(b *bytes.Buffer, text []byte) error { return json.Indent(b, text, "", "  ") })
}

// printJSONLine prints a message as one line of JSON.
func printJSONLine(out io.Writer, m proto.Message) error { return writeJSON(out, m, json.Compact) }

// writeJSON writes a message as JSON whose white space is laid out: protojson
// varies it.
func writeJSON(out io.Writer, m proto.Message, lay func(*bytes.Buffer, []byte) error) error {
	text, err := protojson.Marshal(m)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	var b bytes.Buffer
	if err := lay(&b, text); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	_, err = fmt.Fprintln(out, b.String())
	return err
}

// printTable prints what an answer lists, a row each.
func printTable(out io.Writer, answer proto.Message, columns []string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	writeRows(table, listIn(answer.ProtoReflect()), columns, "")
	return table.Flush() // says what went wrong
}

// writeRows writes a list under the heads of its columns.
func writeRows(table *tabwriter.Writer, list protoreflect.List, columns []string, indent string) {
	_, _ = fmt.Fprintln(table, indent+strings.Join(headsOf(list.NewElement().Message().Descriptor(), columns), "\t"))
	for i := range list.Len() {
		cells := make([]string, len(columns))
		for j, path := range columns {
			cells[j] = cellAt(list.Get(i).Message(), strings.Split(path, "."))
		}
		_, _ = fmt.Fprintln(table, indent+strings.Join(cells, "\t"))
	}
}

// listIn returns the list of an answer: its first repeated field.
func listIn(answer protoreflect.Message) protoreflect.List {
	fields := answer.Descriptor().Fields()
	for i := range fields.Len() {
		if fields.Get(i).IsList() {
			return answer.Get(fields.Get(i)).List()
		}
	}
	panic("not a list: " + answer.Descriptor().FullName()) // a mistake in the table of verbs
}

// cellAt returns what stands at a path of a message, in words for people.
func cellAt(m protoreflect.Message, path []string) string {
	fd := m.Descriptor().Fields().ByName(protoreflect.Name(path[0])) //nolint:gosec // no path is empty
	switch {
	case fd == nil:
		panic("no such column: " + path[0]) //nolint:gosec // as above; a mistake in the table of verbs
	case len(path) > 1:
		return cellAt(m.Get(fd).Message(), path[1:])
	case fd.IsList():
		var parts []string
		for i := range m.Get(fd).List().Len() {
			parts = append(parts, cellOf(fd, m.Get(fd).List().Get(i)))
		}
		return strings.Join(parts, "; ")
	case fd.HasPresence() && !m.Has(fd):
		return ""
	}
	return cellOf(fd, m.Get(fd))
}

// cellOf returns a value in words for people. Zero is nothing, but for numbers.
func cellOf(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch fd.Kind() { //nolint:exhaustive // the others are numbers or bytes
	case protoreflect.StringKind:
		return printable(v.String())
	case protoreflect.BoolKind:
		if v.Bool() {
			return "yes"
		}
		return ""
	case protoreflect.DoubleKind, protoreflect.Int32Kind, protoreflect.Int64Kind:
		return numberText(fd, v)
	case protoreflect.EnumKind:
		if value := fd.Enum().Values().ByNumber(v.Enum()); value != nil && v.Enum() != 0 {
			return wordOf(value)
		}
		return ""
	case protoreflect.MessageKind:
		switch m := v.Message().Interface().(type) {
		case *timestamppb.Timestamp:
			return london(m)
		case *cpisv1.FieldViolation:
			return violationText(m)
		case *cpisv1.FieldChange:
			return changeText(m)
		}
	}
	return printable(fmt.Sprint(v.Interface()))
}

// changeText says what a file changes of a field.
func changeText(c *cpisv1.FieldChange) string {
	return printable(fmt.Sprintf("%s %q becomes %q", c.GetField(), c.GetOld(), c.GetNew()))
}
