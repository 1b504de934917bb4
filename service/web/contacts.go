package web

import (
	"cmp"
	"context"
	"net/http"
	"strconv"

	"cpis/service/directory"
	"cpis/service/identity"
	"cpis/service/web/nhsuk"
)

// Contacts are whom care staff call. *directory.Contacts keeps them.
type Contacts interface {
	GetContacts(ctx context.Context, c *identity.Caller, q *directory.GetContactsRequest) (*directory.OwnContacts, error)
	SetContacts(ctx context.Context, c *identity.Caller, q *directory.SetContactsRequest) (*directory.SetContactsResult, error)
	ConfirmContacts(ctx context.Context, c *identity.Caller, q *directory.ConfirmContactsRequest) (*directory.SetContactsResult, error)
}

// contactsPage shows the numbers of an authority, as care staff see them.
type contactsPage struct {
	Page

	Heading nhsuk.Heading
	Overdue nhsuk.WarningCallout
	Now     phone
	List    nhsuk.SummaryList
	Confirm nhsuk.Button
	Change  nhsuk.Button
	Version int
	Act     string
}

// showContacts shows the numbers of an authority.
func showContacts(v *visit) error {
	held, err := v.Contacts.GetContacts(v.r.Context(), v.caller(), &directory.GetContactsRequest{Request: v.request})
	if err != nil {
		return err
	}
	page := &contactsPage{
		Page: Page{Title: "Contacts"}, Heading: heading("Contacts"), Now: phone{held.Shown.RingNow.Who, held.Shown.RingNow.Number},
		List: nhsuk.SummaryList{Rows: []nhsuk.Row{
			{Key: "Office", Value: cmp.Or(held.Contacts.Office, "None")},
			{Key: "Office hours", Value: cmp.Or(held.Contacts.Hours, "None")},
			{Key: "Emergency duty team", Value: cmp.Or(held.Contacts.Duty, "Not yet")},
			{Key: "Last confirmed", Value: "Not yet"},
		}},
		Confirm: nhsuk.Button{Text: "These numbers are right", Variant: nhsuk.Secondary, PreventDoubleClick: true},
		Change:  nhsuk.Button{Text: "Change the numbers", Href: "/contacts/change"}, Version: held.Version, Act: v.request,
	}
	if !held.Confirmed.IsZero() {
		page.List.Rows[3].Value = moment(held.Confirmed)
	}
	if held.Overdue {
		page.Overdue = nhsuk.WarningCallout{
			Heading: nhsuk.Heading{Text: "Are these numbers still right?", Level: 2},
			Text:    "Nobody has confirmed them for 90 days. Care staff call them when a child may be at risk.",
		}
	}
	return v.show(http.StatusOK, "contacts", page)
}

// contactsForm asks for the numbers of an authority.
type contactsForm struct {
	Page

	Heading             nhsuk.Heading
	Office, Hours, Duty nhsuk.Input
	Submit              nhsuk.Button
	Version             string
	Act                 string
}

// changeContacts asks for other numbers.
func changeContacts(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	held, err := v.Contacts.GetContacts(v.r.Context(), v.caller(), &directory.GetContactsRequest{Request: v.request})
	if err != nil {
		return err
	}
	return askContacts(v, http.StatusOK, f, held.Contacts, held.Version)
}

func askContacts(v *visit, status int, f *form, held directory.Numbers, version int) error {
	title := "Change your contact numbers"
	return v.show(status, "contacts_change", &contactsForm{
		Page: Page{Title: title, Problems: f.problems, Back: nhsuk.BackLink{Text: "Back to contacts", Href: "/contacts"}}, Heading: heading(title),
		Office: nhsuk.Input{
			Name: "office", Type: "tel", Value: f.or("office", held.Office), Label: nhsuk.Label{Text: "Office (optional)"}, Error: f.error("office"),
			Hint: nhsuk.Hint{Text: "The number in office hours, like 020 7527 7400"}, Width: 20, Autocomplete: "off",
		},
		Hours: nhsuk.Input{
			Name: "hours", Value: f.or("hours", held.Hours), Label: nhsuk.Label{Text: "Office hours"}, Error: f.error("hours"),
			Hint: nhsuk.Hint{Text: "Days and hours, like Mon-Thu 09:00-17:00, Fri 09:00-16:30"}, Autocomplete: "off",
		},
		Duty: nhsuk.Input{
			Name: "duty", Type: "tel", Value: f.or("duty", held.Duty), Label: nhsuk.Label{Text: "Emergency duty team"}, Error: f.error("duty"),
			Hint: nhsuk.Hint{Text: "The number outside office hours, like 020 7226 0992"}, Width: 20, Autocomplete: "off",
		},
		Submit: nhsuk.Button{Text: "Save these numbers", PreventDoubleClick: true}, Version: f.or("version", strconv.Itoa(version)), Act: f.act(),
	})
}

// contactFields are the fields of the page, by those of the room.
var contactFields = map[string]string{
	"contacts.office_phone": "office|Enter a UK phone number like 020 7527 7400. Mobile and premium numbers cannot be used",
	"contacts.office_hours": "hours|Enter days and hours, each day once, like Mon-Fri 09:00-17:00",
	"contacts.duty_phone":   "duty|Enter a UK phone number like 020 7226 0992",
	"office_phone":          "office|Enter a UK phone number like 020 7527 7400. Mobile and premium numbers cannot be used",
	"office_hours":          "hours|Enter days and hours, each day once, like Mon-Fri 09:00-17:00",
	"duty_phone":            "duty|Enter a UK phone number like 020 7226 0992",
}

// setContacts saves the numbers.
func setContacts(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	numbers := directory.Numbers{Office: f.text("office"), Hours: f.text("hours"), Duty: f.text("duty")}
	_, err = v.Contacts.SetContacts(v.r.Context(), v.caller(), &directory.SetContactsRequest{Contacts: numbers, Version: f.version(), Request: f.act()})
	switch {
	case err == nil:
		return v.toTelling("/contacts", "Care staff see these numbers now.")
	case f.refuse(err, contactFields):
		return askContacts(v, http.StatusUnprocessableEntity, f, numbers, f.version())
	}
	return err
}

// confirmContacts says that the numbers are right.
func confirmContacts(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	_, err = v.Contacts.ConfirmContacts(v.r.Context(), v.caller(), &directory.ConfirmContactsRequest{Version: f.version(), Request: f.act()})
	if err != nil {
		return err
	}
	return v.toTelling("/contacts", "You confirmed the numbers.")
}
