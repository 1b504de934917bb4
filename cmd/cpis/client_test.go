package main

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/rpc"
)

// tokenFile writes a token.
func tokenFile(tb testing.TB, text string) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "token")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

// newer is a service of a later version, which answers as this program cannot
// know.
type newer struct {
	cpisv1connect.UnimplementedLookupServiceHandler
	answer *cpisv1.LookUpResponse
}

func (n newer) LookUp(context.Context, *cpisv1.LookUpRequest) (*cpisv1.LookUpResponse, error) {
	return n.answer, nil
}

func serveAnswer(tb testing.TB, answer *cpisv1.LookUpResponse) string {
	tb.Helper()
	s := httptest.NewServer(rpc.NewBare(time.Now, func(server *connect.Server) {
		cpisv1connect.RegisterLookupServiceHandler(server, newer{answer: answer})
	}))
	tb.Cleanup(s.Close)
	return s.URL
}

func TestLookup_NothingButAnAnswerHasTheStatusOfOne(t *testing.T) {
	t.Parallel()
	token := tokenFile(t, "a-token\n")
	unknown := serveAnswer(t, &cpisv1.LookUpResponse{Answer: 99})
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"NobodyThere", []string{"--url", "http://127.0.0.1:1", "--token-file", token}, "does not mean that there is no flag"},
		{"AnAnswerOfANewerService", []string{"--url", unknown, "--token-file", token}, "ring the local authority"},
		{"NoToken", []string{"--sign-in-file", token + ".not"}, "who asks?"},
		{"NoSuchTokenFile", []string{"--token-file", token + ".not"}, "--token-file: open"},
		{"TwoTokens", []string{"--token-file", tokenFile(t, "one\ntwo\n")}, "one token and nothing else"},
		{"PlainHTTPElsewhere", []string{"--url", "http://cpis.example.org", "--token-file", token}, "must be https"},
		{"PlainHTTPToADeceptiveName", []string{"--url", "http://127.0.0.1.example.org", "--token-file", token}, "must be https"},
		{"NoAddress", []string{"--url", "cpis.example.org", "--token-file", token}, "must be an address"},
		{"NoSuchSetting", []string{"--setting", "shop", "--token-file", token}, "emergency_department, urgent_care"},
		{"HalfACertificate", []string{"--cert", token, "--token-file", token}, "belong together"},
		{"NoDemo", []string{"--as", "nurse", "--idp", "http://127.0.0.1:1"}, "does the demo run?"},
		{"DemoElsewhere", []string{"--as", "nurse", "--idp", "http://example.org"}, "must be https"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := command(t, "", append([]string{"lookup", "999", "000", "0018"}, tt.args...)...)
			o.want(t, 1, tt.want)
			if o.stdout != "" {
				t.Errorf("stdout: got %q, want nothing", o.stdout)
			}
		})
	}
}

func TestLookup_ReadsFromStandardInput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stdin, number, born string }{
		{"Number", "999 000 0018\n", "999 000 0018", "2001-02-03"},
		{"NumberAndDateOfBirth", "9990000018\r\n2019-04-30\r\n", "9990000018", "2019-04-30"},
		{"WithoutLineBreak", "9990000018", "9990000018", "2001-02-03"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := lookupCmd{Number: []string{"-"}, DOB: "2001-02-03"}
			r, err := c.request(strings.NewReader(tt.stdin))
			if err != nil {
				t.Fatal(err)
			}
			if r.GetNhsNumber() != tt.number || r.GetDateOfBirth() != tt.born {
				t.Errorf("request: got %q and %q, want %q and %q", r.GetNhsNumber(), r.GetDateOfBirth(), tt.number, tt.born)
			}
		})
	}
	if _, err := (&lookupCmd{Number: []string{"-"}}).request(strings.NewReader("")); err == nil {
		t.Error("request of nothing: no error")
	}
}

func TestPrintAnswer_CannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := printAnswer(&out, &cpisv1.LookUpResponse{
		Answer: cpisv1.Answer_ANSWER_FLAG_HELD,
		Advice: "one\x1b[2Jtwo",
		Plans: []*cpisv1.Plan{{
			Kind: cpisv1.PlanKind_PLAN_KIND_CPP, Note: "a\u202eb",
			Contact: &cpisv1.Contact{Name: "x\x07y", RingNow: &cpisv1.RingNow{Number: "\x1b[1A1"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\x07\u202e") {
		t.Errorf("printAnswer: got %q", out.String())
	}
}

func TestPrintAnswer_IsAsReviewed(t *testing.T) {
	t.Parallel()
	contact := &cpisv1.Contact{
		Name: "Hub", Office: &cpisv1.Phone{Number: "1", Hours: "at all hours"},
		RingNow: &cpisv1.RingNow{Number: "020 7946 0999", Who: "hub"},
	}
	var out strings.Builder
	for _, a := range []*cpisv1.LookUpResponse{
		{Answer: cpisv1.Answer_ANSWER_NO_FLAG_KNOWN, Advice: "Advice.", AccessMode: cpisv1.AccessMode_ACCESS_MODE_SCHEDULED},
		{
			Answer: cpisv1.Answer_ANSWER_CANNOT_SAY, Contacts: []*cpisv1.Contact{contact}, Advice: strings.Repeat("Many words. ", 20),
			CannotSayReason: cpisv1.CannotSayReason_CANNOT_SAY_REASON_RECORD_DAMAGED,
		},
		{
			Answer: cpisv1.Answer_ANSWER_FLAG_HELD, DetailsUnavailable: true, IdentityChecked: true, Advice: "Advice.",
			Contacts: []*cpisv1.Contact{contact, contact},
		},
		{
			Answer: cpisv1.Answer_ANSWER_FLAG_HELD, Restricted: true, Contacts: []*cpisv1.Contact{contact}, Advice: "Advice.",
			Plans: []*cpisv1.Plan{{Kind: cpisv1.PlanKind_PLAN_KIND_LAC, Note: "Note."}},
		},
		{
			Answer: cpisv1.Answer_ANSWER_FLAG_HELD, Advice: "Advice.",
			Plans: []*cpisv1.Plan{
				{
					Kind: cpisv1.PlanKind_PLAN_KIND_CPP, Status: cpisv1.PlanStatus_PLAN_STATUS_ENDED,
					Start: "2025-01-02", End: "2026-03-04", Contact: contact,
				},
				{
					Kind: cpisv1.PlanKind_PLAN_KIND_UCPP, Status: cpisv1.PlanStatus_PLAN_STATUS_ACTIVE,
					Start: "2026-10-11", Expected: "2027-02-03", Contact: contact,
				},
				{
					Kind: cpisv1.PlanKind_PLAN_KIND_LAC, Status: cpisv1.PlanStatus_PLAN_STATUS_ACTIVE,
					Start: "2026-10-11", End: "2026-12-31", Contact: contact,
				},
			},
		},
	} {
		a.Receipt = &cpisv1.Receipt{Log: "cpis.example.org/log/1", Index: 7}
		if err := printAnswer(&out, a); err != nil {
			t.Fatal(err)
		}
		out.WriteString("----\n")
	}
	golden(t, "answers.golden", out.String())
}
