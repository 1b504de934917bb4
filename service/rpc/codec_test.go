package rpc_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/rpc"
)

// flagged is as large an answer as a person is likely to get: a child that
// three authorities know, each about to hand over, with a full history and long
// names.
func flagged() *cpisv1.LookUpResponse {
	at := time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC)
	contact := func(name string) *cpisv1.Contact {
		return &cpisv1.Contact{
			LocalAuthority: &cpisv1.LocalAuthority{GssCode: "E06000058", DfeCode: "839", Name: name},
			Name:           name + " children's services",
			Office:         &cpisv1.Phone{Number: "+44 1632 960 001", Hours: "Mon-Thu 08:45-17:15; Fri 08:45-16:45"},
			EmergencyDuty:  &cpisv1.Phone{Number: "+44 1632 960 002", Hours: "outside office hours"},
			RingNow:        &cpisv1.RingNow{Number: "+44 1632 960 002", Who: "emergency duty team", Until: timestamppb.New(at)},
		}
	}
	m := &cpisv1.LookUpResponse{
		Answer:          cpisv1.Answer_ANSWER_FLAG_HELD,
		IdentityChecked: true,
		Superseded:      true,
		Advice: "This person is known to children's social care. Treat it as context, not as a diagnosis: " +
			"ask fuller questions, call the number shown, record that you did, and follow your safeguarding procedures. " +
			"The absence of a flag is not the absence of risk.",
		AdviceCode: cpisv1.AdviceCode_ADVICE_CODE_HELD,
		AccessMode: cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED,
		Receipt:    &cpisv1.Receipt{Log: "cpis.example/log/1", Index: 123456789, TreeSize: 123456999, LeafHash: bytes.Repeat([]byte{9}, 32)},
	}
	for i, name := range []string{"Bournemouth, Christchurch and Poole", "Kingston upon Hull, City of", "Westmorland and Furness"} {
		m.Plans = append(m.Plans, &cpisv1.Plan{
			Id:           fmt.Sprintf("0199b0c4-5b7a-7c1e-8f00-00000000000%d", i),
			Version:      3,
			Kind:         cpisv1.PlanKind_PLAN_KIND_CPP,
			Status:       cpisv1.PlanStatus_PLAN_STATUS_ENDED,
			Start:        "2024-04-30",
			End:          "2026-04-30",
			VisibleUntil: "2027-04-30",
			Contact:      contact(name),
			Receiving:    contact(name),
			Note:         "This child is, or was within the last year, on a child protection plan.",
		})
	}
	for i := range 25 {
		m.History = append(m.History, &cpisv1.Access{
			At:               timestamppb.New(at.Add(-time.Duration(i) * time.Hour)),
			Organisation:     "RXX01",
			OrganisationName: "Example University Hospitals NHS Foundation Trust",
			Setting:          cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT,
			Who:              "Alexandra Featherstonehaugh, Emergency Nurse Practitioner",
			WrongPatient:     i%8 == 0,
		})
	}
	return m
}

// plain is the answer that nearly everybody gets.
func plain() *cpisv1.LookUpResponse {
	return &cpisv1.LookUpResponse{
		Answer:     cpisv1.Answer_ANSWER_NO_FLAG_KNOWN,
		Advice:     noFlag().Advice,
		AdviceCode: cpisv1.AdviceCode_ADVICE_CODE_NONE,
		AccessMode: cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED,
		Receipt:    &cpisv1.Receipt{Log: "cpis.example/log/1", Index: 123456, TreeSize: 123499, LeafHash: bytes.Repeat([]byte{7}, 32)},
	}
}

// item is one result of a clinic list.
func item(m *cpisv1.LookUpResponse) *cpisv1.LookUpManyResult {
	return &cpisv1.LookUpManyResult{Outcome: &cpisv1.LookUpManyResult_Response{Response: m}}
}

func wrong() *cpisv1.LookUpManyResult {
	return &cpisv1.LookUpManyResult{Outcome: &cpisv1.LookUpManyResult_Invalid{Invalid: &cpisv1.InvalidRequest{
		Violations: []*cpisv1.FieldViolation{{Field: "nhs_number", Problem: "is \"wrong\"", Example: "999 000 0018"}},
	}}}
}

func classOf(c connect.Codec) int {
	if c.Name() == connect.CodecNameJSON {
		return rpc.JSONClass
	}
	return rpc.BinaryClass
}

func marshal(tb testing.TB, c connect.Codec, m proto.Message) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := c.MarshalWrite(tb.Context(), &out, m); err != nil {
		tb.Fatalf("MarshalWrite: %v", err)
	}
	return out.Bytes()
}

func TestAnswersToLookUpsAreOfOneSize(t *testing.T) {
	t.Parallel()
	for _, c := range rpc.Codecs() {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			for name, m := range map[string]proto.Message{
				"no flag":      plain(),
				"largest flag": flagged(),

				"list of one":     &cpisv1.LookUpManyResponse{Results: []*cpisv1.LookUpManyResult{item(flagged())}},
				"list with flag":  &cpisv1.LookUpManyResponse{Results: []*cpisv1.LookUpManyResult{item(plain()), item(flagged()), wrong()}},
				"list without":    &cpisv1.LookUpManyResponse{Results: []*cpisv1.LookUpManyResult{item(plain()), item(plain()), item(plain())}},
				"list of wrong":   &cpisv1.LookUpManyResponse{Results: []*cpisv1.LookUpManyResult{wrong(), wrong(), wrong()}},
				"list of flagged": &cpisv1.LookUpManyResponse{Results: []*cpisv1.LookUpManyResult{item(flagged()), item(flagged()), item(flagged())}},
			} {
				want := classOf(c)
				if many, ok := m.(*cpisv1.LookUpManyResponse); ok {
					want *= max(1, len(many.GetResults()))
				}
				if got := len(marshal(t, c, m)); got != want {
					t.Errorf("%s: got %d bytes, want %d", name, got, want)
				}
			}
		})
	}
}

func TestPaddingChangesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range rpc.Codecs() {
		for _, m := range []*cpisv1.LookUpResponse{plain(), flagged(), {}} {
			var got cpisv1.LookUpResponse
			data := marshal(t, c, m)
			if err := c.UnmarshalRead(t.Context(), bytes.NewReader(data), &got); err != nil {
				t.Fatalf("%s: UnmarshalRead: %v", c.Name(), err)
			}
			if strings.Trim(string(got.GetPadding()), "\x00") != "" {
				t.Errorf("%s: padding is not of zeros", c.Name())
			}
			got.Padding = nil
			if diff := cmp.Diff(m, &got, protocmp.Transform()); diff != "" {
				t.Errorf("%s: message changed (-want +got):\n%s", c.Name(), diff)
			}
		}
	}
}

func TestOnlyLookUpsArePadded(t *testing.T) {
	t.Parallel()
	m := &cpisv1.RegisterPlanResponse{PlanId: "p", Version: 1}
	for _, c := range rpc.Codecs() {
		if got := len(marshal(t, c, m)); got > 64 {
			t.Errorf("%s: got %d bytes, want no padding", c.Name(), got)
		}
	}
}

// Lengths at which the length of the padding itself becomes a byte longer are
// the ones to get wrong.
func TestEveryLengthCanBePadded(t *testing.T) {
	t.Parallel()
	const class = 200 * rpc.BinaryClass
	buffer := make([]byte, 3*class)
	check := func(length, class int) {
		t.Helper()
		out := rpc.PadBinary(buffer[:length], class)
		if len(out)%class != 0 || len(out)-length > class+1 {
			t.Fatalf("length %d: padded to %d", length, len(out))
		}
		var m cpisv1.LookUpResponse
		if err := proto.Unmarshal(out[length:], &m); err != nil {
			t.Fatalf("length %d: %v", length, err)
		}
	}
	for left := range 300 {
		check(2*rpc.BinaryClass-left, rpc.BinaryClass)
	}
	for left := 300; left <= rpc.BinaryClass; left += 97 {
		check(rpc.BinaryClass-left, rpc.BinaryClass)
	}
	for _, left := range []int{0, 128, 1 << 14} {
		for near := -8; near <= 8; near++ {
			check(class-left+near, class)
		}
	}
}

func TestCodecsWriteToAnyWriter(t *testing.T) {
	t.Parallel()
	for _, c := range rpc.Codecs() {
		var plainWriter bytes.Buffer
		if err := c.MarshalWrite(t.Context(), struct{ writer }{&plainWriter}, plain()); err != nil {
			t.Fatalf("%s: MarshalWrite: %v", c.Name(), err)
		}
		if got := plainWriter.Len(); got != classOf(c) {
			t.Errorf("%s: got %d bytes, want %d", c.Name(), got, classOf(c))
		}
	}
}

type writer interface{ Write(p []byte) (int, error) }

func TestCodecsRefuseWhatIsNoMessage(t *testing.T) {
	t.Parallel()
	for _, c := range rpc.Codecs() {
		if err := c.MarshalWrite(t.Context(), &bytes.Buffer{}, "text"); err == nil {
			t.Errorf("%s: MarshalWrite took a text", c.Name())
		}
		if err := c.UnmarshalRead(t.Context(), &bytes.Buffer{}, new(string)); err == nil {
			t.Errorf("%s: UnmarshalRead took a text", c.Name())
		}
	}
}

func TestErrorsOfCodecsQuoteNothing(t *testing.T) {
	t.Parallel()
	secret := "Featherstonehaugh 999 000 0018"
	bad := map[string][]string{
		"json": {
			`{"nhsNumber": 5, "breakGlassReason": "` + secret + `"}`,
			`{"nhsNumber": "` + secret + ``,
			`{"accessMode": "` + secret + `"}`,
			`{"encounter": {"start": "` + secret + `"}}`,
			`{"` + secret + `" 1}`,
			`["` + secret + `"]`,
			secret, "",
			strings.Repeat(`{"encounter":`, 100) + secret,
		},
		"proto": {secret, "\x0a\x05\xff\xfe\xfd\xfc\xfb", "\x0a\xff"},
	}
	for _, c := range rpc.Codecs() {
		for _, text := range bad[c.Name()] {
			err := c.UnmarshalRead(t.Context(), strings.NewReader(text), &cpisv1.LookUpRequest{})
			if err == nil {
				t.Errorf("%s: %q was read", c.Name(), text)
			} else if got := err.Error(); got != "the message does not fit its type" {
				t.Errorf("%s: got %q", c.Name(), got)
			}
		}
	}
	var out bytes.Buffer
	for _, c := range rpc.Codecs() {
		err := c.MarshalWrite(t.Context(), &out, &cpisv1.LookUpResponse{Advice: "\xff" + secret})
		if err == nil || strings.Contains(err.Error(), "Feather") {
			t.Errorf("%s: broken text: got %v", c.Name(), err)
		}
	}
}

// fill sets the fields of a message at random.
func fill(t *rapid.T, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if rapid.IntRange(0, 2).Draw(t, "left out") == 0 {
			continue
		}
		if !fd.IsList() {
			m.Set(fd, value(t, fd, m.NewField(fd)))
			continue
		}
		list := m.Mutable(fd).List()
		for range rapid.IntRange(0, 2).Draw(t, "length") {
			list.Append(value(t, fd, list.NewElement()))
		}
	}
}

func value(t *rapid.T, fd protoreflect.FieldDescriptor, empty protoreflect.Value) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.Int32Range(-1, 15).Draw(t, "enum")))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "int32"))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(t, "int64"))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(texts().Draw(t, "text"))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
	}
	if fd.Message().FullName() == "google.protobuf.Timestamp" {
		return protoreflect.ValueOfMessage(times().Draw(t, "time").ProtoReflect())
	}
	fill(t, empty.Message())
	return empty
}

// texts are those that JSON writes as they are, those that need escapes, and
// those that are broken.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[ -~]{0,60}`), rapid.String(),
		rapid.Just("\xff"), rapid.Just("<\u2028\x7f&'>\n\b\f\t\r\x01"))
}

// times are whole and broken seconds, and some that cannot be written.
func times() *rapid.Generator[*timestamppb.Timestamp] {
	return rapid.Custom(func(t *rapid.T) *timestamppb.Timestamp {
		return &timestamppb.Timestamp{
			Seconds: rapid.Int64Range(-62135596800-2, 253402300799+2).Draw(t, "seconds"),
			Nanos:   rapid.SampledFrom([]int32{0, 0, 1, 120000000, 123456000, 100, 999999999, -1}).Draw(t, "nanos"),
		}
	})
}

// What is written by hand must say what the library would say.
func TestJSONEqualsTheLibrarys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one, many := &cpisv1.LookUpResponse{}, &cpisv1.LookUpManyResponse{}
		fill(t, one.ProtoReflect())
		fill(t, many.ProtoReflect())
		sameJSON(t, one)
		sameJSON(t, many)
	})
	for _, m := range []proto.Message{plain(), flagged(), &cpisv1.LookUpResponse{}, &cpisv1.LookUpManyResponse{}} {
		sameJSON(t, m)
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func sameJSON(t fataler, m proto.Message) {
	t.Helper()
	got, err := rpc.AppendJSON(nil, m)
	want, libraryErr := protojson.Marshal(m)
	if (err == nil) != (libraryErr == nil) {
		t.Fatalf("got %v, the library %v", err, libraryErr)
	}
	if err != nil {
		return
	}
	back := m.ProtoReflect().New().Interface()
	if err := protojson.Unmarshal(got, back); err != nil {
		t.Fatalf("reading %s: %v", got, err)
	}
	if !proto.Equal(m, back) {
		t.Fatalf("got %s\nwant %s", got, want)
	}
}

// typical is a request as systems send it.
const typical = `{"nhsNumber":"999 000 0018","dateOfBirth":"2019-04-30","accessMode":"ACCESS_MODE_UNSCHEDULED",
	"encounter":{"id":"ED-2026-0001","setting":"SETTING_EMERGENCY_DEPARTMENT","start":"2026-11-23T17:05:06Z"},
	"purpose":"PURPOSE_DIRECT_CARE","responsiblePerson":{"name":"Zoë Example","role":"Nurse","phone":"+44 1632 960 001"}}`

func TestTypicalRequestsAreReadByHand(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		typical, "{}", ` { "nhs_number" : "9990000018" } `,
		`{"nhsNumber":"9990000018","encounter":{},"safeguardingLead":{"name":"A"},"breakGlassReason":"because","accessMode":"ACCESS_MODE_UNSPECIFIED"}`,
	} {
		var got, want cpisv1.LookUpRequest
		if !rpc.ReadQuestion([]byte(text), &got) {
			t.Errorf("%s: left to the library", text)
		}
		if err := protojson.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(&want, &got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestUnusualRequestsAreLeftToTheLibrary(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `[]`, `{`, `{"nhsNumber":"1",}`, `{"nhsNumber":"1"}x`, `{"nhsNumber":"1","nhs_number":"2"}`,
		`{"nhsNumber":"\u0031"}`, `{"nhsNumber":null}`, `{"accessMode":1}`, `{"accessMode":"OTHER"}`, `{"other":1}`,
		`{"encounter":{"id":"1","id":"2"}}`, `{"encounter":{"start":"2026-11-23T17:05:06.5Z"}}`, "{\"nhsNumber\":\"\xff\"}",
		`{"encounter":{"start":"0000-11-23T17:05:06Z"}}`, `{"encounter":{"start":"2026-13-23T17:05:06Z"}}`, `{"purpose":"PURPOSE_DIRECT_CARE" "x"}`,
	} {
		if rpc.ReadQuestion([]byte(text), &cpisv1.LookUpRequest{}) {
			t.Errorf("%s: read by hand", text)
		}
	}
}

// What is read by hand must be read by the library in the same way.
func FuzzReadQuestion(f *testing.F) {
	f.Add([]byte(typical))
	f.Add([]byte(`{"nhsNumber":"1","nhs_number":"2"}`))
	f.Add([]byte(`{"encounter":{"start":"2026-11-23T1:05:06.Z"}}`))
	f.Add([]byte(`{"encounter":{"id":"a","setting":"SETTING_DENTAL"},"encounter":{}}`))
	f.Add([]byte("{\"nhsNumber\":\"\x80\"}"))
	f.Add([]byte(`{"safeguarding_lead":{"name":"Å","role":"x","phone":"y"}}  `))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want cpisv1.LookUpRequest
		if !rpc.ReadQuestion(data, &got) {
			return
		}
		if err := protojson.Unmarshal(data, &want); err != nil {
			t.Fatalf("%q: the library refuses: %v", data, err)
		}
		if !proto.Equal(&want, &got) {
			t.Fatalf("%q: got %v, want %v", data, &got, &want)
		}
	})
}
