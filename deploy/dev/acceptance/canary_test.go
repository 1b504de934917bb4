package acceptance_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"cpis/deploy/dev/pgdev"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// Nothing that identifies anybody is anywhere but in answers to those who may
// have it: not in the database, nor in logs, metrics, traces or errors.
func TestNothingPersonalIsAnywhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(everybody()...)
	var errs bytes.Buffer
	for _, p := range protocols {
		for _, person := range []string{"nurse", "gp", "lead", "system", "auditor"} {
			client := s.lookups(p, person)
			for _, c := range everybody() {
				for _, born := range []string{"", c.born, "2001-02-03"} {
					_, err := client.LookUp(t.Context(), &cpisv1.LookUpRequest{
						NhsNumber: c.number, DateOfBirth: born, Encounter: &cpisv1.Encounter{Id: "visit of " + c.family},
					})
					fmt.Fprintln(&errs, err)
				}
				// Personal data in the wrong places.
				_, err := client.LookUp(t.Context(), &cpisv1.LookUpRequest{NhsNumber: c.family, DateOfBirth: c.number})
				fmt.Fprintln(&errs, err, details(err))
				_, err = client.LookUp(t.Context(), &cpisv1.LookUpRequest{
					NhsNumber: c.number, BreakGlassReason: c.given + " " + c.family + " collapsed",
				})
				fmt.Fprintln(&errs, err)
			}
		}
		s.misuse(p, &errs)
	}
	s.spoilJSON(&errs)
	must(t, s.service.Sign(t.Context()))
	spans, err := json.Marshal(s.spans.GetSpans().Snapshots())
	must(t, err)
	for _, place := range []struct{ name, text string }{
		{"database", s.dump()},
		{"log", s.logs.String()},
		{"metrics", s.get(s.admin + "/metrics")},
		{"traces", string(spans) + fmt.Sprintf("%+v", s.spans.GetSpans())},
		{"errors", errs.String()},
	} {
		if len(place.text) < 100 {
			t.Errorf("%s: only %d bytes: nothing was searched", place.name, len(place.text))
		}
		for _, c := range everybody() {
			for _, secret := range []string{c.number, c.family, c.given, c.born, spaced(c.number), "REF-" + c.family} {
				for form, text := range forms(secret) {
					if strings.Contains(strings.ToLower(place.text), strings.ToLower(text)) {
						t.Errorf("%s contains %s of a test person, %s", place.name, secret, form)
					}
				}
			}
		}
	}
}

// forms gives the ways in which a text could hide.
func forms(text string) map[string]string {
	return map[string]string{"as it is": text, "in hex": hex.EncodeToString([]byte(text))}
}

func spaced(number string) string { return number[:3] + " " + number[3:6] + " " + number[6:] }

// details gives the details of an error, as text.
func details(err error) string {
	if e := new(connect.Error); asError(err, &e) {
		var all []string
		for _, d := range e.Details() {
			all = append(all, fmt.Sprintf("%+v", d))
		}
		return strings.Join(all, " ")
	}
	return ""
}

// misuse sends personal data to plans and uploads in ways that are refused.
func (s *site) misuse(p protocol, errs io.Writer) {
	s.tb.Helper()
	plans := cpisv1connect.NewPlanServiceClient(s.connection(p, s.token("lead")))
	for _, c := range everybody() {
		_, err := plans.RegisterPlan(s.tb.Context(), &cpisv1.RegisterPlanRequest{
			Person: &cpisv1.Person{NhsNumber: c.number, FamilyName: c.family, GivenName: c.given, DateOfBirth: "1899-01-01"},
			Kind:   cpp, Start: c.born, End: c.number, Reference: c.family,
		})
		fmt.Fprintln(errs, err, details(err))
		_, err = plans.EndPlan(s.tb.Context(), &cpisv1.EndPlanRequest{PlanId: c.family, Version: 1, End: c.number, Reason: c.given})
		fmt.Fprintln(errs, err, details(err))
		_, err = plans.GetPerson(s.tb.Context(), &cpisv1.GetPersonRequest{NhsNumber: c.family})
		fmt.Fprintln(errs, err, details(err))
	}
}

// spoilJSON sends JSON that cannot be read, with personal data inside.
func (s *site) spoilJSON(errs io.Writer) {
	s.tb.Helper()
	for _, c := range everybody() {
		for _, body := range []string{
			`{"nhsNumber": ` + c.number + `, "accessMode": "` + c.family + `"}`,
			`{"` + c.family + `": "` + c.number + `"}`,
			`{"nhsNumber": "` + c.number + `", "dateOfBirth": ["` + c.born + `"]`,
			c.family,
		} {
			r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost,
				s.base+"/cpis.v1.LookupService/LookUp", strings.NewReader(body))
			must(s.tb, err)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+s.token("nurse"))
			resp, err := http.DefaultClient.Do(r)
			must(s.tb, err)
			text, err := io.ReadAll(resp.Body)
			must(s.tb, err)
			must(s.tb, resp.Body.Close())
			if resp.StatusCode != http.StatusBadRequest {
				s.tb.Errorf("got status %d, want 400", resp.StatusCode)
			}
			_, _ = errs.Write(text)
		}
	}
}

func (s *site) get(address string) string {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodGet, address, nil)
	must(s.tb, err)
	resp, err := http.DefaultClient.Do(r)
	must(s.tb, err)
	text, err := io.ReadAll(resp.Body)
	must(s.tb, err)
	must(s.tb, resp.Body.Close())
	return string(text)
}

// dump gives the whole database as pg_dump writes it.
func (s *site) dump() string {
	s.tb.Helper()
	bin, err := pgdev.Binaries()
	must(s.tb, err)
	out, err := exec.CommandContext(s.tb.Context(), filepath.Join(bin, "pg_dump"), s.database.Admin).Output()
	must(s.tb, err)
	// Binary columns are in hex; a needle in plain text must be found there too.
	return string(out)
}
