package rpc_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
)

// read asks for a path as an auditor's tool does.
func read(t *testing.T, s *httptest.Server, path string, headers ...string) (got answered, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+nurseToken)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{res.StatusCode, res.Header}, string(text)
}

// answered is what came before a body.
type answered struct {
	StatusCode int
	Header     http.Header
}

// The paths are those of C2SP tlog-tiles, with its types of content; what never
// changes may be kept by whoever may read it, and lines of the log by nobody.
func TestLogFilesAreThoseOfTlogTiles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	for _, c := range []struct{ path, asked, kind, cache, body string }{
		{"/log/1/checkpoint", "", "text/plain; charset=utf-8", "no-store", "a signed note"},
		{"/log/2/tile/0/x001/234.p/17", "2 tile/0/x001/234.p/17", "application/octet-stream", "private, max-age=31536000, immutable", "hashes"},
		{"/log/1/tile/entries/x001/234", "1 tile/entries/x001/234", "application/octet-stream", "no-store", "lines"},
	} {
		res, body := read(t, s, c.path, "X-Request-ID", aRequest)
		h := res.Header
		if res.StatusCode != http.StatusOK || body != c.body || h.Get("Content-Type") != c.kind || h.Get("Cache-Control") != c.cache || b.uses.log != c.asked {
			t.Errorf("%s: got %d %q %v, asked for %q", c.path, res.StatusCode, body, h, b.uses.log)
		}
		if h.Get("X-Request-Id") != aRequest || h.Get("Content-Length") != fmt.Sprint(len(c.body)) {
			t.Errorf("%s: headers %v", c.path, h)
		}
	}
}

// Who asks shows a token, as for procedures; and is counted and logged alike.
func TestLogFilesAreForThoseWhoAreKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	for _, token := range []string{"", "Bearer x", "Basic x"} {
		res, body := read(t, s, "/log/1/tile/entries/000", "Authorization", token)
		if res.StatusCode != http.StatusUnauthorized || res.Header.Get("Www-Authenticate") != "Bearer" || body != "not authenticated\n" {
			t.Errorf("%q: got %d %q", token, res.StatusCode, body)
		}
	}
	b.door.err = identity.ErrUnavailable
	if res, _ := read(t, s, "/log/1/checkpoint"); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("got %d", res.StatusCode)
	}
	if b.uses.times() != 0 {
		t.Error("a stranger was answered")
	}
	if log := b.logged(); strings.Count(log, `"procedure":"log/tile/entries"`) != 3 || !strings.Contains(log, `"code":"unauthenticated"`) {
		t.Errorf("log: %s", log)
	}
}

// Whatever goes wrong is said in the fixed texts, and by the statuses of HTTP.
func TestLogFilesRefuse(t *testing.T) {
	t.Parallel()
	for status, err := range map[int]error{
		http.StatusForbidden:           guard.ErrDenied,
		http.StatusNotFound:            fmt.Errorf("reading: %w", guard.ErrNotFound),
		http.StatusBadRequest:          &domain.InvalidError{},
		http.StatusTooManyRequests:     &guard.OverloadedError{},
		http.StatusServiceUnavailable:  guard.ErrUnrecorded,
		http.StatusInternalServerError: guard.ErrDamaged,
	} {
		b := newBench(t)
		s := b.serveTLS(t)
		b.uses.err = err
		for _, path := range []string{"/log/1/checkpoint", "/log/1/tile/0/000", "/log/1/tile/entries/000"} {
			res, body := read(t, s, path)
			if res.StatusCode != status || strings.Contains(body, "reading") || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%v, %s: got %d %q", err, path, res.StatusCode, body)
			}
		}
	}
	b := newBench(t)
	b.uses.panic = canary
	if res, body := read(t, b.serveTLS(t), "/log/1/checkpoint"); res.StatusCode != http.StatusInternalServerError || strings.Contains(body+b.log.String(), canary) {
		t.Errorf("a panic: got %d %q", res.StatusCode, body)
	}
}

// A path that is none is not repeated, and nobody is asked for it.
func TestLogFilesThatAreNone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	for _, path := range []string{
		"/log/0/checkpoint", "/log/01/checkpoint", "/log/-1/checkpoint", "/log/x/checkpoint", "/log/99999/checkpoint", "/log//checkpoint", "/log/" + canary + "/checkpoint",
		"/log/1/", "/log/1/tiles", "/log/1/checkpoint/", "/log/1/../1/checkpoint", "/log/1/tile/../checkpoint",
	} {
		res, body := read(t, s, path)
		if res.StatusCode != http.StatusNotFound || strings.Contains(body+fmt.Sprint(res.Header)+b.log.String(), canary) {
			t.Errorf("%s: got %d %q", path, res.StatusCode, body)
		}
	}
	if b.uses.times() != 0 {
		t.Error("a use case was asked")
	}
}

// An id that is none is refused, and the refusal recorded, as for procedures.
func TestLogFilesCheckTheRequestID(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.serveTLS(t)
	if res, _ := read(t, s, "/log/1/tile/entries/000", "X-Request-ID", "9990000018"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d", res.StatusCode)
	}
	if len(b.uses.refused) != 1 || b.uses.refused[0].Action != "read_log" {
		t.Errorf("recorded %+v", b.uses.refused)
	}
	b.uses.refuseErr = errors.Join(guard.ErrUnrecorded)
	if res, _ := read(t, s, "/log/1/tile/entries/000", "X-Request-ID", "9990000018"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a refusal that could not be recorded: got %d", res.StatusCode)
	}
}
