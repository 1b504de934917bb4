package administrator

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"cpis/service/admin"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Clients says who may call, and which client systems do. *admin.Installation does.
type Clients interface {
	ListClients(ctx context.Context, c *identity.Caller, q *admin.ListClientsRequest) (*admin.Clients, error)
}

// clientsPage shows the client systems that were used, and the issuers.
type clientsPage struct {
	frame.Page

	Heading nhsuk.Heading
	Behind  string // how many entries were not read yet
	None    bool
	Table   nhsuk.Table
	Pages   nhsuk.Pagination
	Issuers []issuerPart
}

// issuerPart shows an issuer.
type issuerPart struct {
	Card nhsuk.Card
	Keys nhsuk.Details
}

// showClients shows who may call, and who did.
func (p *pages) showClients(v *frame.Visit) error {
	q := v.R.URL.Query()
	ask := &admin.ListClientsRequest{Paging: guard.Paging{Page: q.Get("page")}, Request: v.Request}
	found, err := frame.Placed(&ask.Paging.Page, func() (*admin.Clients, error) {
		return p.Clients.ListClients(v.R.Context(), v.Caller(), ask)
	})
	if err != nil {
		return err
	}
	page := &clientsPage{
		Page: frame.Page{Title: "Client systems"}, Heading: frame.Heading("Client systems"),
		None: len(found.Used) == 0, Table: clientTable(found.Used),
		Pages: frame.Around(url.Values{}, ask.Paging.Page, q.Get("before"), found.Next),
	}
	if found.Behind > 0 {
		page.Behind = words.Number(found.Behind)
	}
	for i := range found.Issuers {
		page.Issuers = append(page.Issuers, issuerOf(&found.Issuers[i]))
	}
	return v.Show(http.StatusOK, "clients", page)
}

// clientTable shows client systems.
func clientTable(used []admin.Client) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Used so far", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "Client"}, {Text: "Organisation"}, {Text: "First used"}, {Text: "Last used"}, {Text: "Issuer"}},
	}
	for i := range used {
		c := &used[i]
		t.Rows = append(t.Rows, []nhsuk.Cell{
			{Body: clientName(c)},
			{Text: organisationName(c)},
			{Text: words.English.Day(domain.DateOf(c.First))},
			{Text: words.English.Day(domain.DateOf(c.Last))},
			{Text: c.Issuer},
		})
	}
	return t
}

func clientName(c *admin.Client) nhsuk.Component {
	name := nhsuk.Group{nhsuk.Plain(c.ID)}
	if c.Pages {
		name = append(name, nhsuk.Plain(" "), nhsuk.Tag{Text: "These pages", Colour: nhsuk.Blue})
	}
	if !c.Trusted {
		name = append(name, nhsuk.Plain(" "), nhsuk.Tag{Text: "Not trusted any more", Colour: nhsuk.Grey})
	}
	return name
}

func organisationName(c *admin.Client) string {
	if c.OrganisationName == "" {
		return c.Organisation
	}
	return c.OrganisationName + " (" + c.Organisation + ")"
}

// issuerOf shows an issuer as it is configured.
func issuerOf(t *identity.Trust) issuerPart {
	certificate := "Not required; checked where a token is bound to one"
	if t.RequireCertificate {
		certificate = "Required: each token must be bound to one"
	}
	logIn := "No"
	if t.PagesName != "" {
		logIn = "Yes, as " + t.PagesName + ", client " + t.PagesClient
	}
	list := nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "People", Value: saysWords(t.People)},
		{Key: "Systems", Value: saysWords(t.Systems)},
		{Key: "Log-in to these pages", Value: logIn},
		{Key: "Tokens are meant for", Value: strings.Join(t.Audiences, ", ")},
		{Key: "Signatures", Value: strings.Join(t.Algorithms, ", ")},
		{Key: "Client certificates", Value: certificate},
		{Key: "Keys", ValueBody: keyState(t)},
	}}
	return issuerPart{
		Card: nhsuk.Card{Heading: nhsuk.Heading{Text: t.Issuer, Level: 3, Size: nhsuk.Small}, Body: list},
		Keys: nhsuk.Details{Summary: "Keys of " + t.Issuer, Body: keyTable(t)},
	}
}

// saysWords says which roles an issuer may grant.
func saysWords(s *identity.Says) string {
	if s == nil {
		return "Refused"
	}
	text := "Roles: " + strings.ReplaceAll(frame.RoleWords(s.Roles.String()), " and ", "; ")
	if len(s.Levels) == 0 {
		return text + ". How strong a log-in is, it does not say"
	}
	return text + fmt.Sprintf(". Log-ins of level %s", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(s.Levels)), ", "), "[]"))
}

// keyState says whether the keys of an issuer are known.
func keyState(t *identity.Trust) nhsuk.Component {
	if t.Confirmed.IsZero() {
		return nhsuk.Group{nhsuk.Tag{Text: "Not known", Colour: nhsuk.Red}, nhsuk.Plain(" The issuer never answered: its tokens are refused")}
	}
	state := nhsuk.Group{nhsuk.Tag{Text: "Known", Colour: nhsuk.Green}}
	if t.Away {
		state = nhsuk.Group{nhsuk.Tag{Text: "Does not answer", Colour: nhsuk.Yellow}}
	}
	return append(state, nhsuk.Plain(" "+words.Number(len(t.Keys))+", confirmed "+frame.Moment(t.Confirmed)))
}

// keyTable shows the keys of an issuer, by their thumbprints.
func keyTable(t *identity.Trust) nhsuk.Table {
	table := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Public keys", Size: nhsuk.Small}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "Name"}, {Text: "For"}, {Text: "Thumbprint (SHA-256)"}},
	}
	for _, k := range t.Keys {
		use := k.Algorithm
		if use == "" {
			use = "Any that is agreed"
		}
		table.Rows = append(table.Rows, []nhsuk.Cell{{Text: k.ID}, {Text: use}, {Text: k.Thumbprint}})
	}
	return table
}
