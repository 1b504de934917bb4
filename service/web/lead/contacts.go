package lead

import (
	"cmp"
	"context"
	"net/http"
	"strconv"

	"cpis/service/directory"
	"cpis/service/identity"
	"cpis/service/web/frame"
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
	frame.Page

	Heading nhsuk.Heading
	Overdue nhsuk.WarningCallout
	Now     frame.Phone
	List    nhsuk.SummaryList
	Confirm nhsuk.Button
	Change  nhsuk.Button
	Version int
	Act     string
}

// showContacts shows the numbers of an authority.
func (p *pages) showContacts(v *frame.Visit) error {
	held, err := p.Contacts.GetContacts(v.R.Context(), v.Caller(), &directory.GetContactsRequest{Request: v.Request})
	if err != nil {
		return err
	}
	page := &contactsPage{
		Page: frame.Page{Title: "Contacts"}, Heading: frame.Heading("Contacts"), Now: frame.Phone{Name: held.Shown.RingNow.Who, Number: held.Shown.RingNow.Number},
		List: nhsuk.SummaryList{Rows: []nhsuk.Row{
			{Key: "Office", Value: cmp.Or(held.Contacts.Office, "None")},
			{Key: "Office hours", Value: cmp.Or(held.Contacts.Hours, "None")},
			{Key: "Emergency duty team", Value: cmp.Or(held.Contacts.Duty, "Not yet")},
			{Key: "Last confirmed", Value: "Not yet"},
		}},
		Confirm: nhsuk.Button{Text: "These numbers are right", Variant: nhsuk.Secondary, PreventDoubleClick: true},
		Change:  nhsuk.Button{Text: "Change the numbers", Href: "/contacts/change"}, Version: held.Version, Act: v.Request,
	}
	if !held.Confirmed.IsZero() {
		page.List.Rows[3].Value = frame.Moment(held.Confirmed)
	}
	if held.Overdue {
		page.Overdue = nhsuk.WarningCallout{
			Heading: nhsuk.Heading{Text: "Are these numbers still right?", Level: 2},
			Text:    "Nobody has confirmed them for 90 days. Care staff call them when a child may be at risk.",
		}
	}
	return v.Show(http.StatusOK, "contacts", page)
}

// contactsForm asks for the numbers of an authority.
type contactsForm struct {
	frame.Page

	Heading             nhsuk.Heading
	Office, Hours, Duty nhsuk.Input
	Submit              nhsuk.Button
	Version             string
	Act                 string
}

// changeContacts asks for other numbers.
func (p *pages) changeContacts(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	held, err := p.Contacts.GetContacts(v.R.Context(), v.Caller(), &directory.GetContactsRequest{Request: v.Request})
	if err != nil {
		return err
	}
	return askContacts(v, http.StatusOK, f, held.Contacts, held.Version)
}

func askContacts(v *frame.Visit, status int, f *frame.Form, held directory.Numbers, version int) error {
	title := "Change your contact numbers"
	return v.Show(status, "contacts_change", &contactsForm{
		Page: frame.Page{Title: title, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Back to contacts", Href: "/contacts"}}, Heading: frame.Heading(title),
		Office: nhsuk.Input{
			Name: "office", Type: "tel", Value: f.Or("office", held.Office), Label: nhsuk.Label{Text: "Office (optional)"}, Error: f.Error("office"),
			Hint: nhsuk.Hint{Text: "The number in office hours, like 020 7527 7400"}, Width: 20, Autocomplete: "off",
		},
		Hours: nhsuk.Input{
			Name: "hours", Value: f.Or("hours", held.Hours), Label: nhsuk.Label{Text: "Office hours"}, Error: f.Error("hours"),
			Hint: nhsuk.Hint{Text: "Days and hours, like Mon-Thu 09:00-17:00, Fri 09:00-16:30"}, Autocomplete: "off",
		},
		Duty: nhsuk.Input{
			Name: "duty", Type: "tel", Value: f.Or("duty", held.Duty), Label: nhsuk.Label{Text: "Emergency duty team"}, Error: f.Error("duty"),
			Hint: nhsuk.Hint{Text: "The number outside office hours, like 020 7226 0992"}, Width: 20, Autocomplete: "off",
		},
		Submit: nhsuk.Button{Text: "Save these numbers", PreventDoubleClick: true}, Version: f.Or("version", strconv.Itoa(version)), Act: f.Act(),
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
func (p *pages) setContacts(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	numbers := directory.Numbers{Office: f.Text("office"), Hours: f.Text("hours"), Duty: f.Text("duty")}
	_, err = p.Contacts.SetContacts(v.R.Context(), v.Caller(), &directory.SetContactsRequest{Contacts: numbers, Version: f.Version(), Request: f.Act()})
	switch {
	case err == nil:
		return v.ToTelling("/contacts", "Care staff see these numbers now.")
	case f.Refuse(err, contactFields):
		return askContacts(v, http.StatusUnprocessableEntity, f, numbers, f.Version())
	}
	return err
}

// confirmContacts says that the numbers are right.
func (p *pages) confirmContacts(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	_, err = p.Contacts.ConfirmContacts(v.R.Context(), v.Caller(), &directory.ConfirmContactsRequest{Version: f.Version(), Request: f.Act()})
	if err != nil {
		return err
	}
	return v.ToTelling("/contacts", "You confirmed the numbers.")
}
