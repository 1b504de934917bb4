package assets_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"cpis/service/web/assets"
)

// get asks for a path as a browser would that takes some encodings.
func get(t *testing.T, method, path string, accept ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Header["Accept-Encoding"] = accept
	w := httptest.NewRecorder()
	assets.Handler().ServeHTTP(w, r)
	return w
}

// all are the addresses of all files.
func all(t *testing.T) []string {
	t.Helper()
	folder := strings.TrimSuffix(assets.Script(), "pages.js")
	addresses := []string{assets.Stylesheet(), assets.Script(), assets.Icon()}
	icons, err := filepath.Glob("files/images/*.svg")
	if err != nil || len(icons) == 0 {
		t.Fatalf("no icons: %v", err)
	}
	for _, icon := range icons {
		addresses = append(addresses, folder+"images/"+filepath.Base(icon))
	}
	return addresses
}

func TestFilesAreKeptForEver(t *testing.T) {
	t.Parallel()
	for _, address := range all(t) {
		r := get(t, http.MethodGet, address)
		if r.Code != http.StatusOK {
			t.Errorf("%s: %d", address, r.Code)
		}
		want := map[string]string{
			"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
			"Cross-Origin-Resource-Policy": "same-origin", "Vary": "Accept-Encoding", "Content-Encoding": "",
		}
		for name, value := range want {
			if got := r.Header().Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", address, name, got, value)
			}
		}
	}
}

func TestFilesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		assets.Stylesheet(): "text/css; charset=utf-8", assets.Script(): "text/javascript; charset=utf-8", assets.Icon(): "image/svg+xml",
	} {
		if got := get(t, http.MethodGet, address).Header().Get("Content-Type"); got != want {
			t.Errorf("%s is %q, want %q", address, got, want)
		}
	}
}

func TestEveryFormIsTheSameFile(t *testing.T) {
	t.Parallel()
	for _, address := range all(t) {
		plain := get(t, http.MethodGet, address).Body.Bytes()
		zipped, err := gzip.NewReader(bytes.NewReader(get(t, http.MethodGet, address, "gzip").Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		for form, r := range map[string]io.Reader{"gzip": zipped, "br": brotli.NewReader(bytes.NewReader(get(t, http.MethodGet, address, "br").Body.Bytes()))} {
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s as %s is another file (%v): make vendor-pages", address, form, err)
			}
		}
	}
}

func TestBrowsersGetTheFormTheyTake(t *testing.T) {
	t.Parallel()
	tests := []struct {
		accept []string
		want   string // the encoding, or "none" if there is no such form
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"gzip, deflate, br, zstd"}, "br"},
		{[]string{"gzip", "br"}, "br"},
		{[]string{"GZIP, BR"}, "br"},
		{[]string{"gzip, deflate"}, "gzip"},
		{[]string{"br;q=0.5, gzip;q=0.8"}, "gzip"},
		{[]string{"br;q=0, gzip"}, "gzip"},
		{[]string{"br;q=0.1"}, "br"},
		{[]string{"*"}, "br"},
		{[]string{"*;q=0.5, br;q=0"}, "gzip"},
		{[]string{"identity"}, ""},
		{[]string{"identity;q=1, br;q=0.5"}, ""},
		{[]string{"identity;q=0.5, br;q=1"}, "br"},
		{[]string{"deflate"}, ""},
		{[]string{"br;q=much"}, ""},
		{[]string{"br;q=2"}, ""},
		{[]string{"br; q=1"}, "br"},
		{[]string{"identity;q=0"}, "none"},
		{[]string{"*;q=0"}, "none"},
		{[]string{"*;q=0, gzip"}, "gzip"},
	}
	for _, tt := range tests {
		r := get(t, http.MethodGet, assets.Script(), tt.accept...)
		got := r.Header().Get("Content-Encoding")
		if r.Code == http.StatusNotAcceptable {
			got = "none"
		}
		if got != tt.want {
			t.Errorf("Accept-Encoding %q: %q, want %q", tt.accept, got, tt.want)
		}
	}
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	t.Parallel()
	folder := strings.TrimSuffix(assets.Script(), "pages.js")
	for _, path := range []string{
		"/assets/", "/assets/pages.js", folder, folder + "pages.js.br", folder + "pages.js.gz", folder + "../assets.go",
		folder + "images", folder + "other.js", "/assets/not-a-version/pages.js", "/assets/0/pages.js", "/pages.js", folder + "%2e%2e/x",
	} {
		r := get(t, http.MethodGet, path)
		if r.Code != http.StatusNotFound || strings.Contains(r.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, kept %q", path, r.Code, r.Header().Get("Cache-Control"))
		}
	}
}

func TestFilesOfAnotherVersionAreNotKept(t *testing.T) {
	t.Parallel()
	r := get(t, http.MethodGet, "/assets/0123456789abcdef/pages.css")
	if r.Code != http.StatusOK || r.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("while servers are replaced: %d, kept %q", r.Code, r.Header().Get("Cache-Control"))
	}
}

func TestFilesAreOnlyRead(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if r := get(t, method, assets.Script()); r.Code != http.StatusMethodNotAllowed || r.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, allowed %q", method, r.Code, r.Header().Get("Allow"))
		}
	}
	if r := get(t, http.MethodHead, assets.Script(), "br"); r.Code != http.StatusOK || r.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d, length %q", r.Code, r.Header().Get("Content-Length"))
	}
}

// A page of 12 kB beside them makes 45 kB for the first visit.
func TestAFirstVisitIsLight(t *testing.T) {
	t.Parallel()
	sum := 0
	for _, address := range []string{assets.Stylesheet(), assets.Script(), assets.Icon()} {
		n := len(get(t, http.MethodGet, address, "br").Body.Bytes())
		t.Logf("%s: %d bytes", address, n)
		sum += n
	}
	if sum > 33_000 {
		t.Errorf("style sheet, script and icon have %d bytes, more than 33 kB", sum)
	}
}

// remote is an address that a browser would fetch by itself.
var remote = regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+\.[a-z]{2,}`)

func TestNothingIsFetchedFromElsewhere(t *testing.T) {
	t.Parallel()
	for _, address := range all(t) {
		text := strings.ReplaceAll(get(t, http.MethodGet, address).Body.String(), `xmlns="http://www.w3.org/2000/svg"`, "")
		if found := remote.FindAllString(text, -1); found != nil {
			t.Errorf("%s names %q", address, found)
		}
		for _, unwanted := range []string{"@import", "@font-face", "Frutiger", "sourceMappingURL"} {
			if strings.Contains(text, unwanted) {
				t.Errorf("%s has %s", address, unwanted)
			}
		}
	}
}

func TestStylesNameOnlyFilesThatAreThere(t *testing.T) {
	t.Parallel()
	css := get(t, http.MethodGet, assets.Stylesheet()).Body.String()
	found := regexp.MustCompile(`url\(([^)]*)\)`).FindAllStringSubmatch(css, -1)
	if len(found) == 0 {
		t.Error("the style sheet shows no icons")
	}
	for _, f := range found {
		address := strings.TrimSuffix(assets.Stylesheet(), "pages.css") + strings.Trim(f[1], `"'`)
		if r := get(t, http.MethodGet, address); r.Code != http.StatusOK {
			t.Errorf("%s: %d", address, r.Code)
		}
	}
}

// What would make a strict policy, or trusted types, refuse the script.
func TestTheScriptNeedsNoException(t *testing.T) {
	t.Parallel()
	js := get(t, http.MethodGet, assets.Script()).Body.String()
	for _, unwanted := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
		if strings.Contains(js, unwanted) {
			t.Errorf("the script has %s", unwanted)
		}
	}
}

func TestTheSnippetHasItsHash(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte(assets.Snippet))
	if got := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); got != assets.SnippetHash {
		t.Errorf("the hash is %s", got)
	}
}

func TestFilesWereMadeFromTheSources(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("source.sum")
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("source/*")
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got += fmt.Sprintf("%x  %s\n", sha256.Sum256(text), filepath.Base(name))
	}
	if got != string(want) {
		t.Error("a source has changed: make vendor-pages")
	}
}
