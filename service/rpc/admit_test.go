package rpc_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"cpis/policy"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/rpc"
)

// everyone calls every procedure once with a valid request.
func everyone(t *testing.T, c *clients) map[string]func() error {
	t.Helper()
	ctx := t.Context()
	return map[string]func() error{
		cpisv1connect.LookupServiceLookUpProcedure: func() error {
			_, err := c.lookups.LookUp(ctx, &cpisv1.LookUpRequest{})
			return err
		},
		cpisv1connect.LookupServiceLookUpManyProcedure: func() error {
			_, err := c.lookups.LookUpMany(ctx, &cpisv1.LookUpManyRequest{Items: []*cpisv1.LookUpManyItem{{}}})
			return err
		},
		cpisv1connect.PlanServiceRegisterPlanProcedure: func() error {
			_, err := c.plans.RegisterPlan(ctx, registration())
			return err
		},
		cpisv1connect.PlanServiceEndPlanProcedure: func() error {
			_, err := c.plans.EndPlan(ctx, &cpisv1.EndPlanRequest{PlanId: "p", Version: 1, Reason: "over"})
			return err
		},
		cpisv1connect.PlanServiceGetPersonProcedure: func() error {
			_, err := c.plans.GetPerson(ctx, &cpisv1.GetPersonRequest{})
			return err
		},
		cpisv1connect.UploadServiceUploadProcedure: func() error {
			_, err := send(t, c, begin(), chunk("a"))
			return err
		},
		cpisv1connect.LogServiceGetCheckpointProcedure: func() error {
			_, err := c.log.GetCheckpoint(ctx, &cpisv1.GetCheckpointRequest{})
			return err
		},
		cpisv1connect.LogServiceGetInclusionProofProcedure: func() error {
			_, err := c.log.GetInclusionProof(ctx, &cpisv1.GetInclusionProofRequest{})
			return err
		},
		cpisv1connect.LogServiceGetConsistencyProofProcedure: func() error {
			_, err := c.log.GetConsistencyProof(ctx, &cpisv1.GetConsistencyProofRequest{})
			return err
		},
	}
}

// writes are the procedures that change something.
var writes = map[string]bool{
	cpisv1connect.PlanServiceRegisterPlanProcedure: true,
	cpisv1connect.PlanServiceEndPlanProcedure:      true,
	cpisv1connect.UploadServiceUploadProcedure:     true,
}

func TestEveryProcedureOfTheContractIsKnown(t *testing.T) {
	t.Parallel()
	actions := map[string]bool{}
	for _, a := range policy.AllActions() {
		actions[string(a)] = true
	}
	known := rpc.Actions()
	contract := cpisv1.File_cpis_v1_common_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			s := file.Services().Get(i)
			for j := range s.Methods().Len() {
				path := fmt.Sprintf("/%s/%s", s.FullName(), s.Methods().Get(j).Name())
				if !actions[known[path]] {
					t.Errorf("%s: got action %q, which the policy does not know", path, known[path])
				}
			}
		}
		return true
	})
}

func TestRequestIDsAreMirrored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	for _, w := range wires {
		c := w.dial(t, s, "X-Request-ID", strings.ToUpper(aRequest), "X-Correlation-ID", "their/own:id")
		if _, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{}); err != nil {
			t.Fatalf("%s: LookUp: %v", w.name, err)
		}
		if got := c.header.Get("X-Request-ID"); got != strings.ToUpper(aRequest) {
			t.Errorf("%s: got X-Request-ID %q", w.name, got)
		}
		if got := c.header.Get("X-Correlation-ID"); got != "their/own:id" {
			t.Errorf("%s: got X-Correlation-ID %q", w.name, got)
		}
		if b.uses.question.Request != aRequest {
			t.Errorf("%s: got request %q, want one spelling for all", w.name, b.uses.question.Request)
		}
	}
	if strings.Contains(b.log.String(), "their/own") {
		t.Error("the log holds a correlation id")
	}
}

func TestCorrelationIDsThatAreNotPlainAreDropped(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	for _, id := range []string{strings.Repeat("x", 129), "with space", "ümlaut"} {
		c := wires[0].dial(t, s, "X-Correlation-ID", id)
		if _, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{}); err != nil {
			t.Fatalf("LookUp: %v", err)
		}
		if got := c.header.Get("X-Correlation-ID"); got != "" {
			t.Errorf("%q: got %q", id, got)
		}
	}
}

func TestWritesNeedARequestIDAndReadsGetOne(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.uses.items = []lookup.ItemAnswer{{Answer: &b.uses.answer}}
			c := w.dial(t, b.serveTLS(t), "X-Request-ID", "")
			for path, ask := range everyone(t, c) {
				before := b.uses.times()
				err := ask()
				made := c.header.Get("X-Request-ID")
				if uuid.Validate(made) != nil {
					t.Errorf("%s: got X-Request-ID %q, want a new one", path, made)
				}
				if !writes[path] {
					if err != nil {
						t.Errorf("%s: %v", path, err)
					}
					continue
				}
				checkAnswer(t, path, err, connect.CodeInvalidArgument, "the request is not valid")
				if v := detail[cpisv1.InvalidRequest](t, err).GetViolations(); len(v) != 1 || v[0].GetField() != "X-Request-ID" {
					t.Errorf("%s: got violations %v", path, v)
				}
				if b.uses.times() != before {
					t.Errorf("%s: reached the use case", path)
				}
				last := b.uses.refused[len(b.uses.refused)-1]
				if last.Action != rpc.Actions()[path] || last.Request != made || last.Client != "ed-system" {
					t.Errorf("%s: recorded %+v", path, last)
				}
			}
		})
	}
}

// An id that is no UUID may identify a person, and ids stand in logs.
func TestRequestIDsThatAreNoUUIDsAreRefusedAndNotKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	for _, w := range wires {
		for _, id := range []string{"9990000018", "urn:uuid:" + aRequest, "{" + aRequest + "}", strings.ReplaceAll(aRequest, "-", ""), aRequest[:35] + "g"} {
			c := w.dial(t, s, "X-Request-ID", id)
			_, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{})
			checkAnswer(t, w.name, err, connect.CodeInvalidArgument, "the request is not valid")
			if got := c.header.Get("X-Request-ID"); got == id || uuid.Validate(got) != nil {
				t.Errorf("%s: got X-Request-ID %q", w.name, got)
			}
			if strings.Contains(c.everything(), id) || strings.Contains(b.log.String(), id) {
				t.Errorf("%s: %q was kept", w.name, id)
			}
		}
	}
}

func TestRequestsAgainstTheContractAreRefusedAndRecorded(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("é", n) }
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			_, err := c.lookups.LookUp(t.Context(), &cpisv1.LookUpRequest{
				NhsNumber:         long(33),
				DateOfBirth:       long(10),
				AccessMode:        99,
				Encounter:         &cpisv1.Encounter{Id: long(129), Setting: -1},
				ResponsiblePerson: &cpisv1.Responsible{Name: "A"},
				BreakGlassReason:  long(1001),
			})
			checkAnswer(t, "look-up", err, connect.CodeInvalidArgument, "the request is not valid")
			want := map[string]string{
				"nhs_number":              "must not be longer than 32 characters",
				"access_mode":             "must be one of the values of the contract",
				"encounter.id":            "must not be longer than 128 characters",
				"encounter.setting":       "must be one of the values of the contract",
				"responsible_person.role": "is required",
				"break_glass_reason":      "must not be longer than 1000 characters",
			}
			got := map[string]string{}
			for _, v := range detail[cpisv1.InvalidRequest](t, err).GetViolations() {
				got[v.GetField()] = v.GetProblem()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
			if strings.Contains(c.everything(), "éé") {
				t.Error("the answer repeats what was sent")
			}
			if b.uses.times() != 0 {
				t.Error("the request reached the use case")
			}
			if len(b.uses.refused) != 1 || b.uses.refused[0].Action != "look_up" || b.uses.refused[0].Request != aRequest || len(b.uses.refused[0].Violations) != 6 {
				t.Errorf("recorded %+v", b.uses.refused)
			}
		})
	}
}

func TestRefusalsThatCannotBeRecordedAreNotSpoken(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			b.uses.refuseErr = fmt.Errorf("appending: %w", guard.ErrUnrecorded)
			_, err := c.plans.RegisterPlan(t.Context(), &cpisv1.RegisterPlanRequest{})
			checkAnswer(t, "invalid", err, connect.CodeUnavailable, "try again later")
			if detail[cpisv1.InvalidRequest](t, err) != nil {
				t.Error("the answer says what is wrong")
			}
			_, err = send(t, c)
			checkAnswer(t, "upload", err, connect.CodeUnavailable, "try again later")
		})
	}
}

// Every rule that the contract uses has words of its own.
func TestEveryRuleOfTheContractHasWords(t *testing.T) {
	t.Parallel()
	words := rpc.Problems()
	contract := cpisv1.File_cpis_v1_common_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			fields := file.Messages().Get(i).Fields()
			for j := range fields.Len() {
				for _, id := range rulesOf(fields.Get(j)) {
					if words[id] == "" {
						t.Errorf("%s: rule %s has no words", fields.Get(j).FullName(), id)
					}
				}
			}
		}
		return true
	})
}

// rulesOf returns the identifiers of the rules of a field, such as
// string.max_len.
func rulesOf(fd protoreflect.FieldDescriptor) []string {
	var ids []string
	rules, _ := proto.GetExtension(fd.Options(), validate.E_Field).(*validate.FieldRules)
	if rules.GetRequired() {
		ids = append(ids, "required")
	}
	rules.ProtoReflect().Range(func(kind protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if kind.Message() == nil {
			return true
		}
		v.Message().Range(func(rule protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			ids = append(ids, string(kind.Name()+"."+rule.Name()))
			return true
		})
		return true
	})
	return ids
}

// raw is an answer as it comes over the wire.
type raw struct {
	status int
	header http.Header
	body   string
}

// post sends a raw request, as somebody does who does not use a client.
func post(t *testing.T, s *httptest.Server, method, path, contentType, body string) raw {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatalf("NewRequest: %v", err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "Bearer "+nurseToken)
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("ReadAll: %v", err)
	}
	return raw{res.StatusCode, res.Header, string(text)}
}

const lookUpPath = cpisv1connect.LookupServiceLookUpProcedure

func TestMalformedRequestsAreRefusedWithoutEcho(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	for _, bad := range []struct {
		name, method, path, contentType, body string
		status                                int
		text                                  string // in the answer
	}{
		{"bad JSON", "POST", lookUpPath, "application/json", `{"nhsNumber": "` + secret, 400, "the request cannot be read"},
		{"wrong type", "POST", lookUpPath, "application/json", `{"nhsNumber": {"` + secret + `": 1}}`, 400, "the request cannot be read"},
		{"unknown field", "POST", lookUpPath, "application/json", `{"dateOfBrith": "` + secret + `"}`, 400, "the request cannot be read"},
		{"unknown value", "POST", lookUpPath, "application/json", `{"accessMode": "` + secret + `"}`, 400, "the request cannot be read"},
		{"nothing", "POST", lookUpPath, "application/json", ``, 400, "the request cannot be read"},
		{"bad protobuf", "POST", lookUpPath, "application/proto", secret, 400, "the request cannot be read"},
		{"huge", "POST", lookUpPath, "application/json", `{"breakGlassReason": "` + strings.Repeat(secret, 3000) + `"}`, 400, "the request is too large"},
		{"huge list", "POST", cpisv1connect.LookupServiceLookUpManyProcedure, "application/json", strings.Repeat(" ", 1<<20), 400, "the request is too large"},
		{"content type", "POST", lookUpPath, "text/" + secret, `{}`, 415, ""},
		{"no content type", "POST", lookUpPath, "", `{}`, 415, ""},
		{"GET", "GET", lookUpPath + "?encoding=json&message=" + secret, "", ``, 405, ""},
		{"unknown method", "POST", "/cpis.v1.LookupService/" + secret, "application/json", `{}`, 501, "no such procedure"},
		{"unknown service", "POST", "/cpis.v1.Other/" + secret, "application/json", `{}`, 404, "404 page not found"},
		{"page", "GET", "/" + secret, "", ``, 404, "404 page not found"},
		{"watch", "POST", "/grpc.health.v1.Health/Watch", "application/json", `{}`, 501, ""},
	} {
		res := post(t, s, bad.method, bad.path, bad.contentType, bad.body)
		if res.status != bad.status || !strings.Contains(res.body, bad.text) {
			t.Errorf("%s: got %d %q, want %d %q", bad.name, res.status, res.body, bad.status, bad.text)
		}
		if strings.Contains(fmt.Sprint(res), "Feather") {
			t.Errorf("%s: the answer repeats what was sent: %v", bad.name, res)
		}
		if got := res.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: got Cache-Control %q", bad.name, got)
		}
		if got := res.header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: got X-Content-Type-Options %q", bad.name, got)
		}
	}
	if strings.Contains(b.log.String(), "Feather") {
		t.Errorf("the log repeats what was sent:\n%s", b.log)
	}
	if b.uses.times() != 0 {
		t.Error("a malformed request reached a use case")
	}
	if got := len(b.uses.refused); got != 8 {
		t.Errorf("recorded %d requests, want the 8 whose procedure and caller were known", got)
	}
}

func TestCompressedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+lookUpPath, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Encoding", "gzip")
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized { // who asks comes first
		t.Errorf("got %d, want 401", res.StatusCode)
	}
}

// trap fails a test when a body is read.
type trap struct{ t *testing.T }

func (b trap) Read([]byte) (int, error) {
	b.t.Error("the body was read")
	return 0, errors.New("read")
}

func TestStrangersBodiesAreNotRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, contentType := range []string{"application/json", "application/proto", "application/grpc", "application/grpc-web+proto"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, lookUpPath, trap{t})
		r.Header.Set("Content-Type", contentType)
		b.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func TestMoreThanOneTokenIsNone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, lookUpPath, strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	r.Header["Authorization"] = []string{"Bearer " + nurseToken, "Bearer " + nurseToken}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("got %d, want 401", w.Code)
	}
}
