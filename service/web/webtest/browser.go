package webtest

import (
	"bytes"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// Browser is somebody's browser, without scripts.
type Browser struct {
	*Site

	Client *http.Client
	At     *url.URL
	Status int
	Header http.Header
	Doc    *goquery.Document
	Text   string
}

// Browser returns a browser of nobody yet.
func (s *Site) Browser() *Browser {
	s.TB.Helper()
	jar, err := cookiejar.New(nil)
	s.Must(err)
	return &Browser{Site: s, Client: &http.Client{Jar: jar, Transport: s.transport}}
}

// As returns the browser of somebody who is logged in.
func (s *Site) As(key string) *Browser {
	s.TB.Helper()
	b := s.Browser()
	b.Get("/")
	b.LogIn(key)
	return b
}

// LogIn follows the button of the page, and says at the provider who one is.
func (b *Browser) LogIn(key string) {
	b.TB.Helper()
	b.Follow("Log in with")
	b.Be(key)
}

// Be says at the provider who one is.
func (b *Browser) Be(key string) {
	b.TB.Helper()
	request := b.Doc.Find(`input[name="request"]`).AttrOr("value", "")
	b.Send(http.MethodPost, b.At.Scheme+"://"+b.At.Host+"/signin", url.Values{"request": {request}, "person": {key}}, nil)
}

// Get asks for a page.
func (b *Browser) Get(address string) *Browser {
	b.TB.Helper()
	return b.Send(http.MethodGet, address, nil, nil)
}

// Follow follows the first link whose text begins so.
func (b *Browser) Follow(text string) *Browser {
	b.TB.Helper()
	link := b.Doc.Find("a").FilterFunction(func(_ int, a *goquery.Selection) bool {
		return strings.HasPrefix(strings.TrimSpace(a.Text()), text)
	}).First()
	href, ok := link.Attr("href")
	if !ok {
		b.TB.Fatalf("no link %q on %s: %s", text, b.At, b.heading())
	}
	to, err := b.At.Parse(href)
	b.Must(err)
	return b.Get(to.String())
}

// Submit sends the form that posts to an address, with some fields filled in.
func (b *Browser) Submit(action string, fields map[string]string) *Browser {
	b.TB.Helper()
	form := b.Doc.Find(`form[method="post"][action="` + action + `"]`)
	if form.Length() != 1 {
		b.TB.Fatalf("%d forms post to %s on %s (%s)", form.Length(), action, b.At, b.heading())
	}
	values := url.Values{}
	form.Find("input, textarea, select").Each(func(_ int, in *goquery.Selection) {
		kind := in.AttrOr("type", "text")
		if _, checked := in.Attr("checked"); (kind == "radio" || kind == "checkbox") && !checked {
			return
		}
		value := in.AttrOr("value", "")
		switch goquery.NodeName(in) {
		case "textarea":
			value = in.Text()
		case "select":
			value = in.Find("option[selected]").AttrOr("value", in.Find("option").AttrOr("value", ""))
		}
		if goquery.NodeName(in) == "select" {
			value = chosen(in)
		}
		values.Set(in.AttrOr("name", ""), value)
	})
	for name, value := range fields {
		values.Set(name, value)
	}
	return b.Send(http.MethodPost, action, values, nil)
}

// chosen is the option that a browser sends of a select: the one that is selected, or
// the first.
func chosen(in *goquery.Selection) string {
	option := in.Find("option[selected]")
	if option.Length() == 0 {
		option = in.Find("option").First()
	}
	return option.AttrOr("value", option.Text())
}

// Send sends a request, follows where it leads, and checks the page that comes.
func (b *Browser) Send(method, address string, form url.Values, header http.Header) *Browser {
	b.TB.Helper()
	if form == nil {
		return b.do(method, address, nil, header)
	}
	header = maps.Clone(header)
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(method, address, strings.NewReader(form.Encode()), header)
}

// File is one that somebody chose.
type File struct{ Name, Text string }

// SendFiles sends a form with files in it, as browsers do: the fields first.
func (b *Browser) SendFiles(address string, fields url.Values, files ...File) *Browser {
	b.TB.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name := range fields {
		b.Must(form.WriteField(name, fields.Get(name)))
	}
	for _, f := range files {
		part, err := form.CreateFormFile("file", f.Name)
		b.Must(err)
		_, err = io.WriteString(part, f.Text)
		b.Must(err)
	}
	b.Must(form.Close())
	return b.do(http.MethodPost, address, &body, http.Header{"Content-Type": {form.FormDataContentType()}})
}

// do sends a request with a body, if there is one.
func (b *Browser) do(method, address string, body io.Reader, header http.Header) *Browser {
	b.TB.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.URL + address
	}
	r, err := http.NewRequestWithContext(b.TB.Context(), method, address, body)
	b.Must(err)
	if body != nil {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	maps.Copy(r.Header, header)
	answer, err := b.Client.Do(r)
	b.Must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	b.Must(err)
	b.At, b.Status, b.Header, b.Text = answer.Request.URL, answer.StatusCode, answer.Header, string(text)
	b.Doc, err = goquery.NewDocumentFromReader(strings.NewReader(b.Text))
	b.Must(err)
	if strings.HasPrefix(b.At.String(), b.URL) && strings.HasPrefix(b.Header.Get("Content-Type"), "text/html") {
		b.check()
	}
	return b
}

func (b *Browser) heading() string { return strings.TrimSpace(b.Doc.Find("h1").First().Text()) }

// Want checks which page came.
func (b *Browser) Want(status int, path, heading string) *Browser {
	b.TB.Helper()
	if b.Status != status || b.At.Path != path || b.heading() != heading {
		b.TB.Errorf("got %d %s %q, want %d %s %q\n%s", b.Status, b.At.Path, b.heading(), status, path, heading, strings.TrimSpace(b.Doc.Find("main").Text()))
	}
	return b
}
