package web

import (
	"net/http"

	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// homePage is where somebody begins, by role.
type homePage struct {
	frame.Page

	Heading nhsuk.Heading
	Lead    string
	Ways    []frame.Way
	Bare    bool // nothing can be done in pages in this role
}

// showHome says what somebody can do in their role.
func showHome(v *frame.Visit) error {
	page := &homePage{
		Page: frame.Page{Title: "What you can do here"}, Heading: frame.Heading("What you can do here"),
		Lead: v.Names.Name(v.Session.Caller.Organisation) + ", " + words.English.Weekday(v.Today()),
	}
	for _, area := range v.Areas() {
		if area.Home != nil {
			return area.Home(v)
		}
		page.Ways = append(page.Ways, v.Ways(&area)...)
	}
	page.Bare = len(page.Ways) == 0
	return v.Show(http.StatusOK, "home", page)
}
