package acceptance_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"

	"cpis/deploy/dev/idp"
	"cpis/deploy/dev/pgdev"
	cpisv1 "cpis/proto/cpis/v1"
)

// Nothing that identifies anybody, or that somebody wrote about them, is
// anywhere but in answers to those who may have it.
func TestNothingPersonalIsAnywhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := s.places("") // reference data may hold anybody's name
	var errs bytes.Buffer
	s.register(everybody()...)
	for i, p := range protocols {
		s.useEverything(p, &errs)
		s.lead(p, i, &errs)
		s.misuseEverything(p, &errs)
		s.askForReports(p, &errs)
		s.administer(p, &errs)
		s.takeAway(p, &errs)
		s.checkAllCalled(p)
	}
	s.endAndGet(&errs)
	s.spoilJSON(&errs)
	must(t, s.service.Log.Sign(t.Context()))
	after := s.places(examples.Replace(errs.String()))
	for place, text := range after {
		if len(text) < 1000 {
			t.Errorf("%s: only %d bytes: nothing was searched", place, len(text))
		}
		for _, c := range canaries() {
			if form, found := c.search(text, before[place]); found {
				t.Errorf("%s: holds %s, %s", place, c.what, form)
			}
		}
	}
}

// examples takes out what every refusal gives as the example of a number and
// of a date. They happen to be those of a child here; the others' stay.
var examples = strings.NewReplacer("999 000 0018", "", "2019-04-30", "")

// The search above is worth nothing unless it can fail: whatever is planted, in
// whatever form and place, it finds.
func TestSearchFindsWhatIsPlanted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(everybody()...)
	must(t, s.service.Log.Sign(t.Context()))
	all := canaries()
	for _, c := range all {
		for form, text := range c.forms() {
			planted := map[string]string{"hidden": "a1" + text + "b2", "alone": text}
			for how, text := range planted {
				if _, found := c.search(text, ""); !found {
					t.Errorf("%s, %s, %s: not found", c.what, form, how)
				}
			}
		}
		for _, pad := range []string{"", "-", "--"} {
			text := pad + c.text + "-and more"
			for name, encoded := range map[string]string{
				"base64": base64.StdEncoding.EncodeToString([]byte(text)), "base64 of URLs": base64.RawURLEncoding.EncodeToString([]byte(text)),
				"hex": hex.EncodeToString([]byte(text)), "hex in capitals": strings.ToUpper(hex.EncodeToString([]byte(text))),
			} {
				if _, found := c.search(encoded, ""); !found {
					t.Errorf("%s in %s behind %d bytes: not found", c.what, name, len(pad))
				}
			}
		}
	}
	s.plantEverywhere(all)
}

// plantEverywhere plants canaries in each place, by the way that something would
// come there, and has them found.
func (s *site) plantEverywhere(all []canary) {
	s.tb.Helper()
	before := s.places("")
	s.exec(`CREATE TABLE public.planted (text text, bytes bytea)`)
	dir, errs := s.tb.TempDir(), &strings.Builder{}
	planted := map[string]string{}
	for column, as := range map[string]func(string) string{"text": strings.Clone, "bytes": inBytes} {
		s.exec(`DELETE FROM public.planted`)
		for _, c := range all {
			s.exec(fmt.Sprintf(`INSERT INTO public.planted (%s) VALUES ('%s')`, column, strings.ReplaceAll(as(c.text), "'", "''")))
		}
		planted["database, as "+column] = s.dump()
	}
	must(s.tb, os.MkdirAll(filepath.Join(dir, "tile", "0"), 0o700))
	metrics := ""
	for i, c := range all {
		_, _ = fmt.Fprintf(s.logs, "{\"message\":%q}\n", c.text)
		_, span := trace.NewTracerProvider(trace.WithSyncer(s.spans)).Tracer("test").Start(s.tb.Context(), "planted")
		span.SetAttributes(attribute.String("planted", c.text))
		span.End()
		detail, err := connectproto.NewErrorDetail(&cpisv1.FieldViolation{Problem: "not like " + c.text})
		must(s.tb, err)
		errs.WriteString(told(connect.NewError(connect.CodeInvalidArgument, "refused").WithDetail(detail)))
		metrics += "cpis_requests_total{who=\"" + c.text + "\"} 1\n" // no call takes a label from a caller
		must(s.tb, os.WriteFile(filepath.Join(dir, "tile", "0", strconv.Itoa(i)), []byte("\x00"+c.text+"\x00"), 0o600))
	}
	maps.Copy(planted, s.said(errs.String()))
	planted["metrics"] += metrics
	planted["export"] = read(s.tb, dir)
	for place, text := range planted {
		for _, c := range all {
			was, _, _ := strings.Cut(place, ",")
			if _, found := c.search(before[was], before[was]); found {
				s.tb.Errorf("%s: found in the %s, where there is nothing new", c.what, place)
			}
			if _, found := c.search(text, before[was]); !found {
				s.tb.Errorf("%s planted in the %s: not found", c.what, place)
			}
		}
	}
}

// inBytes writes bytes as base64 that hold a text as base64.
func inBytes(text string) string { return base64.StdEncoding.EncodeToString([]byte("." + text)) }

// canary is a text that must not be found.
type canary struct{ what, text string }

// search looks for a canary in all its forms. What was there before counts for
// nothing.
func (c canary) search(text, before string) (form string, found bool) {
	for form, needle := range c.forms() {
		if strings.Contains(text, needle) && strings.Count(text, needle) > strings.Count(before, needle) {
			return form, true
		}
	}
	return "", false
}

// forms returns the ways in which a text could hide. Small letters and capitals
// are told apart: among as much base64 as there is in a log, any six letters
// turn up sooner or later where they are not.
func (c canary) forms() map[string]string {
	forms := map[string]string{
		"as it is":         c.text,
		"in small letters": strings.ToLower(c.text),
		"in capitals":      strings.ToUpper(c.text),
		"in hex":           hex.EncodeToString([]byte(c.text)),
		"in capital hex":   strings.ToUpper(hex.EncodeToString([]byte(c.text))),
		"in JSON":          quoted(c.text),
	}
	for ahead := range 3 {
		for name, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 of URLs": base64.RawURLEncoding} {
			forms[fmt.Sprintf("in %s, shifted by %d", name, ahead)] = inside(e, c.text, ahead)
		}
	}
	return forms
}

// inside returns the part of an encoded text that is the same whatever stands
// around it, if as many bytes come ahead of it, but for threes.
func inside(e *base64.Encoding, text string, ahead int) string {
	encoded := e.EncodeToString(append(make([]byte, ahead), text...))
	return encoded[(8*ahead+5)/6 : 8*(ahead+len(text))/6]
}

// quoted returns a text as it stands inside a text of JSON.
func quoted(text string) string {
	q, _ := json.Marshal(text)
	return strings.Trim(string(q), `"`)
}

// binary is how PostgreSQL writes a column of bytes.
var binary = regexp.MustCompile(`\\\\x([0-9a-f]+)`)

// dump returns the whole database as pg_dump writes it, and behind that what
// stands in columns of bytes: a text may be hidden in those once more.
func (s *site) dump() string {
	s.tb.Helper()
	bin, err := pgdev.Binaries()
	must(s.tb, err)
	out, err := exec.CommandContext(s.tb.Context(), filepath.Join(bin, "pg_dump"), s.database.Admin).Output()
	must(s.tb, err)
	var all bytes.Buffer
	all.Write(out)
	for _, m := range binary.FindAllSubmatch(out, -1) {
		raw, err := hex.DecodeString(string(m[1]))
		must(s.tb, err)
		all.Write(raw)
		all.WriteByte('\n')
	}
	return all.String()
}

// read returns the text of all files below a directory.
func read(tb testing.TB, dir string) string {
	tb.Helper()
	var all bytes.Buffer
	must(tb, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		fmt.Fprintf(&all, "%s\n%s\n", path, text)
		return err
	}))
	return all.String()
}

// places returns the text of everything that is kept or told.
func (s *site) places(errs string) map[string]string {
	s.tb.Helper()
	places := s.said(errs)
	places["database"] = s.dump()
	if s.size() > 0 {
		must(s.tb, s.service.Log.Sign(s.tb.Context()))
		places["export"] = read(s.tb, s.export())
	}
	return places
}

// said returns the text of what is told outside of the database.
func (s *site) said(errs string) map[string]string {
	s.tb.Helper()
	spans, err := json.Marshal(s.spans.GetSpans().Snapshots())
	must(s.tb, err)
	return map[string]string{
		"log":     s.logs.String(),
		"metrics": s.get(s.admin + "/metrics"),
		"traces":  string(spans) + fmt.Sprintf("%+v", s.spans.GetSpans()),
		"errors":  errs,
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

// told returns all that an error tells a caller.
func told(err error) string {
	text := fmt.Sprintln(err)
	if e := new(connect.Error); asError(err, &e) {
		for _, d := range e.Details() {
			text += fmt.Sprintf("%s %s %s\n", d.Type, d.Value, d.Debug)
		}
	}
	return text
}

// canaries returns every text that must be nowhere else.
func canaries() []canary {
	all := words()
	for _, c := range slices.Concat(everybody(), uploaded(), allLed()) {
		n := c.number
		for what, text := range map[string]string{
			"an NHS number": n, "a spaced NHS number": n[:3] + " " + n[3:6] + " " + n[6:], "a hyphened NHS number": n[:3] + "-" + n[3:6] + "-" + n[6:],
			"a family name": c.family, "a given name": c.given, "a date of birth": c.born,
			"a date of birth as people write it": c.born[8:] + "/" + c.born[5:7] + "/" + c.born[:4],
			"an authority's reference":           "REF-" + c.family, "an encounter": "visit of " + c.family,
		} {
			all = append(all, canary{what, text})
		}
	}
	for _, p := range idp.People() {
		if !p.System {
			all = append(all,
				canary{"the name of staff", p.Name}, canary{"the name of staff", p.GivenName + " " + p.FamilyName},
				canary{"the family name of staff", p.FamilyName})
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(c canary) bool {
		again := seen[c.text]
		seen[c.text] = true
		return again
	})
}
