package rpc_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a stranger writes into a header or a path, nothing of it comes back,
// and the answer is that they are not known.
func TestStrangersHearNothingOfWhatTheySent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const secret = "9990000018-secret"
	types := []string{
		"application/json", "application/proto", "application/connect+json", "application/grpc", "application/grpc-web+proto",
	}
	for _, contentType := range types {
		for _, header := range []string{
			"Content-Encoding", "Connect-Content-Encoding", "Grpc-Encoding", "Connect-Timeout-Ms", "Grpc-Timeout",
			"Connect-Protocol-Version", "Accept-Encoding", "Connect-Accept-Encoding", "Grpc-Accept-Encoding", "Te", "Expect", "Host",
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, lookUpPath, strings.NewReader("{}"))
			r.Header.Set("Content-Type", contentType)
			r.Header.Set(header, secret)
			w := httptest.NewRecorder()
			b.handler.ServeHTTP(w, r)
			said := headerText(w.Header()) + headerText(w.Result().Trailer) + w.Body.String()
			if strings.Contains(said, secret) || !strings.Contains(said, "not authenticated") && w.Code != http.StatusUnsupportedMediaType {
				t.Errorf("%s, %s: got %d, %s", contentType, header, w.Code, said)
			}
		}
	}
	for _, path := range []string{"//" + secret, "/a/../" + secret, lookUpPath + "//" + secret, "/" + secret + "/./x", "/" + secret} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://service.example"+path, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		if said := headerText(w.Header()) + w.Body.String(); strings.Contains(said, secret) || w.Code < 400 {
			t.Errorf("%s: got %d, %s", path, w.Code, said)
		}
	}
}

// headerText is all that stands in a header.
func headerText(h http.Header) string {
	var text strings.Builder
	_ = h.Write(&text)
	return text.String()
}

// Who is known hears which header is wrong, in our words, and it is recorded.
func TestHeadersThatAreWrongAreNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for contentType, headers := range map[string][]string{
		"application/json":           {"Connect-Timeout-Ms", "Content-Encoding", "Connect-Protocol-Version"},
		"application/proto":          {"Connect-Timeout-Ms", "Content-Encoding"},
		"application/grpc":           {"Grpc-Timeout", "Grpc-Encoding"},
		"application/grpc-web+proto": {"Grpc-Timeout", "Grpc-Encoding"},
	} {
		for _, header := range headers {
			b.uses.refused = nil
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, lookUpPath, trap{t})
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("Authorization", "Bearer "+nurseToken)
			r.Header.Set(header, "soon")
			w := httptest.NewRecorder()
			b.handler.ServeHTTP(w, r)
			said := headerText(w.Header()) + headerText(w.Result().Trailer) + w.Body.String()
			if strings.Contains(said, "soon") || !strings.Contains(said, "the request cannot be read") {
				t.Errorf("%s, %s: got %s", contentType, header, said)
			}
			if got := b.uses.refused; len(got) != 1 || got[0].Violations[0].Field != header {
				t.Errorf("%s, %s: recorded %+v", contentType, header, got)
			}
		}
	}
}
