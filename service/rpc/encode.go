package rpc

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
)

// appendJSON appends the JSON form of a message. Answers to look-ups are
// written by hand: the library takes five times as long over one without a
// flag, and over a long one so much more that the time would tell. What is
// written by hand reads as the same message, which a test holds it to.
func appendJSON(dst []byte, msg proto.Message) ([]byte, error) {
	w := object{out: dst}
	switch m := msg.(type) {
	case *cpisv1.LookUpResponse:
		w.lookUp(m)
	case *cpisv1.LookUpManyResponse:
		w.lookUpMany(m)
	default:
		return protojson.MarshalOptions{}.MarshalAppend(dst, msg)
	}
	if w.broken {
		return nil, errCodec
	}
	return w.out, nil
}

func (w *object) lookUpMany(m *cpisv1.LookUpManyResponse) {
	w.open()
	list(w, "results", m.GetResults(), w.result)
	w.bytes("padding", m.GetPadding())
	w.close()
}

func (w *object) result(m *cpisv1.LookUpManyResult) {
	w.open()
	if a := m.GetResponse(); a != nil {
		w.key("response")
		w.lookUp(a)
	}
	if i := m.GetInvalid(); i != nil {
		w.key("invalid")
		w.open()
		list(w, "violations", i.GetViolations(), w.violation)
		w.close()
	}
	w.close()
}

func (w *object) violation(m *cpisv1.FieldViolation) {
	w.open()
	w.text("field", m.GetField())
	w.text("problem", m.GetProblem())
	w.text("example", m.GetExample())
	w.close()
}

func (w *object) lookUp(m *cpisv1.LookUpResponse) {
	w.open()
	w.enum("answer", answerNames, int32(m.GetAnswer()))
	w.enum("cannotSayReason", reasonNames, int32(m.GetCannotSayReason()))
	w.flag("detailsUnavailable", m.GetDetailsUnavailable())
	w.flag("restricted", m.GetRestricted())
	w.flag("identityChecked", m.GetIdentityChecked())
	list(w, "plans", m.GetPlans(), w.plan)
	list(w, "contacts", m.GetContacts(), w.contact)
	list(w, "history", m.GetHistory(), w.access)
	w.text("advice", m.GetAdvice())
	w.enum("accessMode", modeNames, int32(m.GetAccessMode()))
	if r := m.GetReceipt(); r != nil {
		w.key("receipt")
		w.receipt(r)
	}
	w.flag("superseded", m.GetSuperseded())
	w.enum("adviceCode", adviceNames, int32(m.GetAdviceCode()))
	w.bytes("padding", m.GetPadding())
	w.close()
}

func (w *object) plan(m *cpisv1.Plan) {
	w.open()
	w.text("id", m.GetId())
	w.int32("version", m.GetVersion())
	w.enum("kind", kindNames, int32(m.GetKind()))
	w.enum("status", statusNames, int32(m.GetStatus()))
	w.text("start", m.GetStart())
	w.text("end", m.GetEnd())
	w.text("expected", m.GetExpected())
	w.text("visibleUntil", m.GetVisibleUntil())
	if c := m.GetContact(); c != nil {
		w.key("contact")
		w.contact(c)
	}
	w.text("note", m.GetNote())
	if c := m.GetReceiving(); c != nil {
		w.key("receiving")
		w.contact(c)
	}
	w.close()
}

func (w *object) contact(m *cpisv1.Contact) {
	w.open()
	if a := m.GetLocalAuthority(); a != nil {
		w.key("localAuthority")
		w.open()
		w.text("gssCode", a.GetGssCode())
		w.text("dfeCode", a.GetDfeCode())
		w.text("name", a.GetName())
		w.close()
	}
	w.text("name", m.GetName())
	w.phone("office", m.GetOffice())
	w.phone("emergencyDuty", m.GetEmergencyDuty())
	if r := m.GetRingNow(); r != nil {
		w.key("ringNow")
		w.open()
		w.text("number", r.GetNumber())
		w.text("who", r.GetWho())
		w.time("until", r.GetUntil())
		w.close()
	}
	w.close()
}

func (w *object) phone(name string, m *cpisv1.Phone) {
	if m == nil {
		return
	}
	w.key(name)
	w.open()
	w.text("number", m.GetNumber())
	w.text("hours", m.GetHours())
	w.close()
}

func (w *object) access(m *cpisv1.Access) {
	w.open()
	w.time("at", m.GetAt())
	w.text("organisation", m.GetOrganisation())
	w.text("organisationName", m.GetOrganisationName())
	w.enum("setting", settingNames, int32(m.GetSetting()))
	w.text("who", m.GetWho())
	w.flag("wrongPatient", m.GetWrongPatient())
	w.close()
}

func (w *object) receipt(m *cpisv1.Receipt) {
	w.open()
	w.text("log", m.GetLog())
	w.int64("index", m.GetIndex())
	w.int64("treeSize", m.GetTreeSize())
	w.bytes("leafHash", m.GetLeafHash())
	w.close()
}

// Names of enum values, each at its number.
var (
	answerNames  = namesOf(cpisv1.Answer_name)
	reasonNames  = namesOf(cpisv1.CannotSayReason_name)
	adviceNames  = namesOf(cpisv1.AdviceCode_name)
	modeNames    = namesOf(cpisv1.AccessMode_name)
	kindNames    = namesOf(cpisv1.PlanKind_name)
	statusNames  = namesOf(cpisv1.PlanStatus_name)
	settingNames = namesOf(cpisv1.Setting_name)
)

func namesOf(byNumber map[int32]string) []string {
	names := make([]string, len(byNumber)) // the contract counts from 0 without gaps
	for n, name := range byNumber {
		names[n] = name
	}
	return names
}

// object writes JSON objects, member by member. Members of zero value are left
// out, as the JSON form of protobuf has it.
type object struct {
	out    []byte
	broken bool // something cannot be written
}

func (w *object) open()  { w.out = append(w.out, '{') }
func (w *object) close() { w.out = append(w.out, '}') }

// key writes a name, and a comma if a member stands before it.
func (w *object) key(name string) {
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, '"')
	w.out = append(w.out, name...)
	w.out = append(w.out, `":`...)
}

// list writes a list of messages.
func list[M any](w *object, name string, ms []*M, write func(*M)) {
	if len(ms) == 0 {
		return
	}
	w.key(name)
	w.out = append(w.out, '[')
	for i, m := range ms {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		write(m)
	}
	w.out = append(w.out, ']')
}

func (w *object) text(name, value string) {
	if value == "" {
		return
	}
	w.key(name)
	switch {
	case !utf8.ValidString(value):
		w.broken = true
	case needsEscape(value):
		quoted, err := json.Marshal(value)
		w.out = append(w.out, quoted...)
		w.broken = w.broken || err != nil
	default:
		w.out = append(w.out, '"')
		w.out = append(w.out, value...)
		w.out = append(w.out, '"')
	}
}

func needsEscape(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return true
		}
	}
	return false
}

func (w *object) enum(name string, names []string, value int32) {
	switch {
	case value == 0:
	case value > 0 && int(value) < len(names):
		w.text(name, names[value])
	default:
		w.int32(name, value)
	}
}

func (w *object) flag(name string, value bool) {
	if value {
		w.key(name)
		w.out = append(w.out, "true"...)
	}
}

func (w *object) int32(name string, value int32) {
	if value != 0 {
		w.key(name)
		w.out = strconv.AppendInt(w.out, int64(value), 10)
	}
}

// int64 writes a number as text: not every reader of JSON reads a long number
// exactly.
func (w *object) int64(name string, value int64) {
	if value == 0 {
		return
	}
	w.key(name)
	w.out = append(w.out, '"')
	w.out = strconv.AppendInt(w.out, value, 10)
	w.out = append(w.out, '"')
}

func (w *object) bytes(name string, value []byte) {
	if len(value) == 0 {
		return
	}
	w.key(name)
	w.out = append(w.out, '"')
	w.out = base64.StdEncoding.AppendEncode(w.out, value)
	w.out = append(w.out, '"')
}

func (w *object) time(name string, value *timestamppb.Timestamp) {
	if value == nil {
		return
	}
	w.broken = w.broken || !value.IsValid()
	w.key(name)
	w.out = append(w.out, '"')
	w.out = value.AsTime().AppendFormat(w.out, time.RFC3339Nano)
	w.out = append(w.out, '"')
}
