package rpc

import (
	"context"
	"net/http"
	"path"
	"regexp"

	"cpis/service/domain"
)

// headers are what the library reads of a request before it asks who calls, and
// how each may be written. What it says of others repeats them.
var headers = []struct {
	name, problem string
	right         *regexp.Regexp
}{
	{"Content-Encoding", problemEncoding, identityOnly},
	{"Connect-Content-Encoding", problemEncoding, identityOnly},
	{"Grpc-Encoding", problemEncoding, identityOnly},
	{"Connect-Timeout-Ms", "must be milliseconds, of ten digits at most", regexp.MustCompile(`^[0-9]{1,10}$`)},
	{"Grpc-Timeout", "must be of eight digits at most, with a unit", regexp.MustCompile(`^[0-9]{1,8}[HMSmun]$`)},
	{"Connect-Protocol-Version", "must be 1", regexp.MustCompile(`^1$`)},
}

const problemEncoding = "must be identity, or left out: requests are not compressed"

var identityOnly = regexp.MustCompile(`^(identity)?$`)

type headKey struct{}

// checkHead takes away headers that the library would complain of in its own
// words, and notes what is wrong with them for whoever is known to call. A path
// that would be corrected, and told, becomes one that nobody knows.
func checkHead(r *http.Request) *http.Request {
	var wrong []domain.Violation
	for _, h := range headers {
		for _, value := range r.Header[h.name] {
			if !h.right.MatchString(value) {
				wrong = append(wrong, domain.Violation{Field: h.name, Problem: h.problem})
				r.Header.Del(h.name)
				break
			}
		}
	}
	if len(wrong) > 0 {
		r = r.WithContext(context.WithValue(r.Context(), headKey{}, newFault(errUnreadable, wrong...)))
	}
	return cleanPath(r)
}

// cleanPath returns a request whose path no multiplexer redirects.
func cleanPath(r *http.Request) *http.Request {
	if r.URL.Path == path.Clean(r.URL.Path) {
		return r
	}
	clean, to := *r, *r.URL
	to.Path, to.RawPath = "/", ""
	clean.URL = &to
	return &clean
}

// headFault returns what was wrong with the headers of a request; nil if
// nothing was.
func headFault(ctx context.Context) *fault {
	f, _ := ctx.Value(headKey{}).(*fault)
	return f
}
