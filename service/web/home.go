package web

import (
	"net/http"

	"cpis/service/domain"
	"cpis/service/web/nhsuk"
)

// homePage is where somebody begins, by role.
type homePage struct {
	Page

	Heading nhsuk.Heading
	Lead    string
	Ways    []way
	Bare    bool // nothing can be done in pages in this role
}

// way is something that somebody can do.
type way struct{ Text, Href, About string }

// showHome says what somebody can do in their role.
func showHome(v *visit) error {
	page := &homePage{
		Page: Page{Title: "What you can do here"}, Heading: heading("What you can do here"),
		Lead: v.Names.Name(v.session.Caller.Organisation) + ", " + v.Now().In(domain.London).Format("Monday 2 January 2006"),
	}
	if v.is(Leads) {
		page.Ways = []way{
			{"Notices nobody has answered", "/notices?open=1", "What happened to the people you have plans about"},
			{"All notices", "/notices", "Those that were answered as well"},
			{"Contacts", "/contacts", "The numbers that care staff see and call"},
		}
	}
	if v.is(Watchers) {
		page.Ways = append(page.Ways,
			way{"Who looked at this person?", "/reports/child", "By NHS number, in a period"},
			way{"Break-glass look-ups that nobody has explained", "/reports/break_glass?unreviewed=1", "Each has a review to be closed"},
			way{"All reports", "/reports", "Ask the log"},
			way{"Your files", "/exports", "Reports that prove themselves"},
		)
	}
	if v.is(Clinicians) {
		page.Ways = append(page.Ways, way{"Look up a patient", "/look-up", "Whether a local authority has a plan about them, and whom to call"})
	}
	page.Bare = len(page.Ways) == 0
	return v.show(http.StatusOK, "home", page)
}
