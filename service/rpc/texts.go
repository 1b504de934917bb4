package rpc

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"cpis/service/domain"
	"cpis/service/text"
)

// foldTexts puts every text of a request as people see it, and says which of
// them hold what no text may. It knows no field by name, so that none can be
// forgotten.
func foldTexts(m proto.Message) error {
	var f folding
	f.message(m.ProtoReflect(), "")
	if len(f) == 0 {
		return nil
	}
	return newFault(nil, f...)
}

// folding collects what is wrong with texts.
type folding []domain.Violation

// message folds the texts of a message, which stands at a path.
func (f *folding) message(m protoreflect.Message, path string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) {
			continue
		}
		at := path + string(field.Name())
		switch {
		case field.IsMap(): // the contract has none; a test holds it to that
		case field.IsList():
			f.list(m.Get(field).List(), field.Kind(), at)
		case field.Kind() == protoreflect.StringKind:
			m.Set(field, f.text(m.Get(field).String(), at))
		case field.Message() != nil:
			f.message(m.Mutable(field).Message(), at+".")
		}
	}
}

func (f *folding) list(l protoreflect.List, kind protoreflect.Kind, path string) {
	for i := range l.Len() {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch kind { //nolint:exhaustive // others hold no text
		case protoreflect.StringKind:
			l.Set(i, f.text(l.Get(i).String(), at))
		case protoreflect.MessageKind, protoreflect.GroupKind:
			f.message(l.Get(i).Message(), at+".")
		}
	}
}

func (f *folding) text(s, at string) protoreflect.Value {
	s = text.Fold(s)
	if !text.Fit(s) {
		*f = append(*f, domain.Violation{Field: at, Problem: text.Unfit})
	}
	return protoreflect.ValueOfString(s)
}
