package webtest

import (
	"net/url"
	"path"
	"strings"
)

// Answers are what somebody types on a journey, page by page.
type Answers map[string]map[string]string

// Walk answers question after question until all is to be checked, and returns how many
// pages were seen.
func (b *Browser) Walk(typed Answers) (pages int) {
	b.TB.Helper()
	for pages = 1; path.Base(b.At.Path) != "check"; pages++ {
		page := path.Base(b.At.Path)
		if typed[page] == nil || pages > 20 {
			b.TB.Fatalf("no answer to %s (%d): %s", b.At.Path, b.Status, b.Doc.Find("main").Text())
		}
		b.Submit(b.At.Path, typed[page])
	}
	return pages
}

// Journey is how a journey is visited: by the pattern and the address where it begins,
// with the answer that is sent of one page.
type Journey struct {
	Pattern, Start, Page string
	Typed                Answers
}

// Add adds how the routes of a journey are visited, each with answers of its own.
func (all Examples) Add(b *Browser, as string, j Journey) {
	b.TB.Helper()
	reach := func() string {
		b.Get(j.Start).Walk(j.Typed)
		return strings.TrimSuffix(b.At.Path, "check")
	}
	form := url.Values{}
	for name, value := range j.Typed[j.Page] {
		form.Set(name, value)
	}
	below := j.Pattern + "/{j}"
	all["GET "+j.Pattern] = Example{As: as, Path: j.Start}
	all["POST "+below+"/{page}"] = Example{As: as, Path: reach() + j.Page, Form: form}
	all["GET "+below+"/{page}"] = Example{As: as, Path: reach() + "check"}
	act := reach() + "check"
	all["POST "+below+"/check"] = Example{As: as, Path: act, Form: url.Values{"request": {b.Doc.Find(`input[name="request"]`).AttrOr("value", "")}}}
}
