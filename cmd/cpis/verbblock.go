package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	cpisv1 "cpis/proto/cpis/v1"
)

// unstated are numbers that stand for none, and the words for that.
var unstated = map[protoreflect.FullName]struct {
	number, word string
}{
	"cpis.v1.GetQualityReportResponse.valid_numbers_percent": {"-1", "no whole list yet"},
	"cpis.v1.GetQualityReportResponse.days_since":            {"-1", "no file yet"},
	"cpis.v1.GetQualityReportResponse.contacts_days":         {"-1", "never confirmed"},
	"cpis.v1.Upload.sequence":                                {"0", ""},
}

// printBlock prints an answer for people: a line for each field, a heading for
// what lies within, a table for what is listed, and at last the receipt.
func printBlock(out io.Writer, answer proto.Message) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	m := answer.ProtoReflect()
	writeBlock(table, m, "")
	if r := receiptOf(m); r != nil {
		_, _ = fmt.Fprintf(table, "\nRecorded as entry %d of the log %s.\n", r.GetIndex(), printable(r.GetLog()))
	}
	return table.Flush() // says what went wrong
}

// receiptOf returns the receipt of an answer, nil if there is none.
func receiptOf(m protoreflect.Message) *cpisv1.Receipt {
	fd := m.Descriptor().Fields().ByName("receipt")
	if fd == nil || fd.Message() == nil || !m.Has(fd) {
		return nil
	}
	r, _ := m.Get(fd).Message().Interface().(*cpisv1.Receipt)
	return r
}

// writeBlock writes the fields of a message, those with one value first.
func writeBlock(table *tabwriter.Writer, m protoreflect.Message, indent string) {
	var within []protoreflect.FieldDescriptor
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if isBlock(fd) {
			within = append(within, fd)
			continue
		}
		if text := lineOf(m, fd); text != "" {
			_, _ = fmt.Fprintf(table, "%s%s\t%s\n", indent, titleOf(fd), text) // Flush says what went wrong
		}
	}
	for _, fd := range within {
		if m.Has(fd) && fd.Name() != "receipt" {
			writeWithin(table, m.Get(fd), fd, indent)
		}
	}
}

// isBlock says whether a field holds messages that are more than one value.
func isBlock(fd protoreflect.FieldDescriptor) bool {
	if fd.Message() == nil {
		return false
	}
	switch fd.Message().FullName() {
	case timestampName, "cpis.v1.FieldViolation", "cpis.v1.FieldChange":
		return false
	}
	return true
}

// writeWithin writes a message, or a list of them, under a heading.
func writeWithin(table *tabwriter.Writer, v protoreflect.Value, fd protoreflect.FieldDescriptor, indent string) {
	_, _ = fmt.Fprintf(table, "\n%s%s\n", indent, titleOf(fd))
	if fd.IsList() {
		writeRows(table, v.List(), filledColumns(v.List()), indent+"  ")
		return
	}
	writeBlock(table, v.Message(), indent+"  ")
}

// lineOf returns what a field says in a block; nothing for what is not said.
func lineOf(m protoreflect.Message, fd protoreflect.FieldDescriptor) string {
	if fd.Kind() == protoreflect.BoolKind && !m.Get(fd).Bool() {
		return "no"
	}
	return cellAt(m, []string{string(fd.Name())})
}

// filledColumns are the paths at which any message of a list says something.
func filledColumns(list protoreflect.List) []string {
	var paths []string
	for path := range leavesOf(list.NewElement().Message().Descriptor()) {
		said := func(i int) bool { return cellAt(list.Get(i).Message(), strings.Split(path, ".")) != "" }
		for i := range list.Len() {
			if said(i) {
				paths = append(paths, path)
				break
			}
		}
	}
	return paths
}

// leavesOf yields the paths of all fields with one value, those of messages
// within in their place.
func leavesOf(d protoreflect.MessageDescriptor) func(yield func(string) bool) {
	var all []string
	var walk func(protoreflect.MessageDescriptor, string)
	walk = func(d protoreflect.MessageDescriptor, above string) {
		for i := range d.Fields().Len() {
			fd := d.Fields().Get(i)
			switch path := above + string(fd.Name()); {
			case !isBlock(fd):
				all = append(all, path)
			case !fd.IsList():
				walk(fd.Message(), path+".")
			}
		}
	}
	walk(d, "")
	return slices.Values(all)
}

// numberText writes a number. Of a fraction it cuts off all but two decimals
// instead of rounding, so that 99.996 percent are never shown as all.
func numberText(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	n := v.Interface()
	if none, ok := unstated[fd.FullName()]; ok && fmt.Sprint(n) == none.number {
		return none.word
	}
	if fd.Kind() != protoreflect.DoubleKind {
		return fmt.Sprint(n)
	}
	return strconv.FormatFloat(math.Floor(v.Float()*100)/100, 'f', -1, 64)
}
