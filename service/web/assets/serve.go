package assets

import (
	"net/http"
	"strconv"
	"strings"
)

// Handler sends the files. It goes round sessions and policies: what it sends is
// the same for everybody.
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f, current, found := find(r.URL.Path)
	if !found {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	h.Set("Vary", "Accept-Encoding")
	body, coding := f.form(r.Header.Values("Accept-Encoding"))
	if body == nil {
		http.Error(w, "no such encoding", http.StatusNotAcceptable)
		return
	}
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", caching(current))
	_, _ = w.Write(body) //nolint:gosec // one of the embedded files; if it fails, nobody is left to tell
}

// find returns the file of a path, and whether the path is of this version.
// Another version's is answered as well: while servers are replaced, a page of
// the one may ask the other.
func find(path string) (f file, current, found bool) {
	version, name, _ := strings.Cut(strings.TrimPrefix(path, Root), "/")
	all := loaded()
	f, found = all.files[name]
	return f, version == all.version, found && isVersion(version)
}

func isVersion(s string) bool {
	return len(s) == len(loaded().version) && strings.Trim(s, "0123456789abcdef") == ""
}

// caching says how long a file may be kept: for ever under its own version, and
// not at all under another.
func caching(current bool) string {
	if current {
		return "public, max-age=31536000, immutable"
	}
	return "no-store"
}

// form returns the smallest form that the browser takes, and how it is encoded;
// or nil if it takes none.
func (f file) form(accept []string) (body []byte, coding string) {
	q := qualities(accept)
	best := 0.0
	for _, form := range []struct {
		coding string
		body   []byte
	}{{"br", f.br}, {"gzip", f.zipped}} {
		if wanted := q.of(form.coding, 0); wanted > best {
			best, body, coding = wanted, form.body, form.coding
		}
	}
	// What is not mentioned is taken as it is, if there is nothing better.
	if plain := q.of("identity", 0.001); plain > best {
		return f.plain, ""
	}
	return body, coding
}

// quality is how much a browser wants each encoding, from 0 (not at all) to 1.
type quality map[string]float64

// of returns the quality of an encoding, or what it is if nothing is said.
func (q quality) of(coding string, unsaid float64) float64 {
	if v, said := q[coding]; said {
		return v
	}
	if v, said := q["*"]; said {
		if coding == "identity" && v > 0 {
			return unsaid
		}
		return v
	}
	return unsaid
}

// qualities reads Accept-Encoding. What it cannot read counts as refused.
func qualities(accept []string) quality {
	q := quality{}
	for _, list := range accept {
		for item := range strings.SplitSeq(list, ",") {
			coding, parameters, _ := strings.Cut(item, ";")
			if coding = strings.ToLower(strings.TrimSpace(coding)); coding != "" {
				q[coding] = weight(parameters)
			}
		}
	}
	return q
}

func weight(parameters string) float64 {
	name, value, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found {
		if name == "" {
			return 1
		}
		return 0
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || v < 0 || v > 1 {
		return 0
	}
	return v
}
