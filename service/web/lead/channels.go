package lead

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"cpis/service/deliver"
	"cpis/service/identity"
	"cpis/service/session"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Channels are ways on which notices are sent on. *deliver.Channels keeps them.
type Channels interface {
	ListChannels(ctx context.Context, c *identity.Caller, q *deliver.ListChannelsRequest) (*deliver.ChannelList, error)
	PutChannel(ctx context.Context, c *identity.Caller, q *deliver.PutChannelRequest) (*deliver.PutChannelResult, error)
	TestChannel(ctx context.Context, c *identity.Caller, q *deliver.TestChannelRequest) (*deliver.TestChannelResult, error)
	RotateSecret(ctx context.Context, c *identity.Caller, q *deliver.RotateSecretRequest) (*deliver.RotateSecretResult, error)
	RemoveChannel(ctx context.Context, c *identity.Caller, q *deliver.RemoveChannelRequest) (*deliver.RemoveChannelResult, error)
}

// channelsPage lists the channels of an authority.
type channelsPage struct {
	frame.Page

	Heading nhsuk.Heading
	Table   nhsuk.Table
	None    bool
	Add     nhsuk.Button
}

// showChannels lists the channels in the order in which they are tried.
func (p *pages) showChannels(v *frame.Visit) error {
	all, err := p.channels(v)
	if err != nil {
		return err
	}
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Channels, in the order in which they are tried", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "Position", Format: nhsuk.Numeric, Align: nhsuk.Left}, {Text: "Channel"}, {Text: "State"}, {Text: "Waiting", Format: nhsuk.Numeric}, {Text: "Not delivered", Format: nhsuk.Numeric}},
	}
	for i := range all {
		c := &all[i]
		t.Rows = append(t.Rows, []nhsuk.Cell{
			{Text: words.Number(c.Rank)},
			{Text: channelKind(c.Kind), Hidden: "in position " + words.Number(c.Rank), Href: "/channels/" + c.ID},
			{Body: stateOf(c)},
			{Text: words.Number(c.Pending)},
			{Text: words.Number(c.Undelivered)},
		})
	}
	return v.Show(http.StatusOK, "channels", &channelsPage{
		Page: frame.Page{Title: "Channels"}, Heading: frame.Heading("Channels"), Table: t, None: len(all) == 0,
		Add: nhsuk.Button{Text: "Add a channel", Href: "/channels/new", Variant: nhsuk.Secondary},
	})
}

// channels are those of the authority.
func (p *pages) channels(v *frame.Visit) ([]deliver.Channel, error) {
	found, err := p.Channels.ListChannels(v.R.Context(), v.Caller(), &deliver.ListChannelsRequest{Request: v.Request})
	if err != nil {
		return nil, err
	}
	return found.Channels, nil
}

// channel is the one that an address names.
func (p *pages) channel(v *frame.Visit) (*deliver.Channel, error) {
	all, err := p.channels(v)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c deliver.Channel) bool { return c.ID == v.R.PathValue("id") })
	if i < 0 {
		return nil, frame.ErrNoPage
	}
	return &all[i], nil
}

func channelKind(k deliver.ChannelKind) string {
	if k == deliver.MeshChannel {
		return "MESH mailbox"
	}
	return "Webhook"
}

// stateOf is whether a channel works.
func stateOf(c *deliver.Channel) nhsuk.Component {
	switch {
	case c.Paused:
		return nhsuk.Tag{Text: "Paused", Colour: nhsuk.Grey}
	case !c.RestsUntil.IsZero():
		return nhsuk.Tag{Text: "Resting", Colour: nhsuk.Yellow}
	case c.Failures > 0:
		return nhsuk.Tag{Text: "Away", Colour: nhsuk.Red}
	}
	return nhsuk.Tag{Text: "Working", Colour: nhsuk.Green}
}

// failures say why nothing arrives, and what to do, by the word of the delivery.
var failures = map[string]string{
	"timeout":             "It does not answer within 10 seconds. Whoever runs it can say why",
	"refused":             "Nobody listens at the address. Check the address, and whether it is running",
	"connection":          "The connection broke, or something else answered. Whoever runs it can say why",
	"name":                "The name in the address is not known. Check the address",
	"certificate":         "Its certificate cannot be trusted. Whoever runs it has to renew it",
	"blocked_address":     "The address leads to where nothing may be sent. Use an address on the internet, or ask the operator of this service",
	"redirect":            "It answered that it has moved. Enter the new address",
	"unauthorised":        "MESH does not know this service. The operator of this service has to mend it",
	"unknown_mailbox":     "MESH does not know the mailbox. Check the mailbox",
	"details_unavailable": "The details of the notices cannot be opened just now. It is tried again by itself",
	"not_configured":      "This service does not send on channels of this kind any more. Add another channel",
	"interrupted":         "This service was restarted meanwhile. It is tried again by itself",
	"not_reached":         "Nothing has arrived for three days",
}

// failureWords says why nothing arrives.
func failureWords(word string) string {
	if status, ok := strings.CutPrefix(word, "status_"); ok {
		return "It answered with the status " + status + ". Whoever runs it can say why"
	}
	return cmp.Or(failures[word], "Something went wrong on the side of this service. It is tried again by itself")
}

// channelPage shows a channel, and what can be done with it.
type channelPage struct {
	frame.Page

	Heading nhsuk.Heading
	Told    told
	Secret  nhsuk.Code
	Old     string // until when the old secret works
	Failed  *nhsuk.WarningCallout
	About   nhsuk.SummaryList
	ID      string
	Webhook bool
	Test    nhsuk.Button
	Act     string
}

// told is what a page says once, about what was done before: it is kept, sealed, until
// it was shown.
type told struct {
	Secret   string
	OldUntil time.Time
	Failure  string // of a test message
}

func toldDraft(channel string) session.Draft {
	return session.Draft{Of: "channel " + channel, For: 15 * time.Minute}
}

// takeTold returns what is to be said of a channel, once.
func takeTold(v *frame.Visit, channel string) (t told, err error) {
	ok, err := v.Kept(toldDraft(channel).Of, &t)
	if err != nil || !ok {
		return told{}, err
	}
	return t, v.Sessions.DropDraft(v.R.Context(), v.Owner(), toldDraft(channel).Of)
}

// showChannel shows a channel.
func (p *pages) showChannel(v *frame.Visit) error {
	c, err := p.channel(v)
	if err != nil {
		return err
	}
	t, err := takeTold(v, c.ID)
	if err != nil {
		return err
	}
	title := channelKind(c.Kind)
	page := &channelPage{
		Page: frame.Page{Title: title, Back: nhsuk.BackLink{Text: "Back to channels", Href: "/channels"}}, Heading: frame.Heading(title),
		Told: t, About: aboutChannel(c), ID: c.ID, Webhook: c.Kind == deliver.WebhookChannel, Act: v.Request,
		Test: nhsuk.Button{Text: "Send a test message", Variant: nhsuk.Secondary, PreventDoubleClick: true},
	}
	if t.Secret != "" {
		page.Secret = nhsuk.Code{Text: t.Secret, Copy: true, Button: nhsuk.Button{Text: "Copy secret"}, CopiedText: "Secret copied", Classes: "break-anywhere"}
	}
	if !t.OldUntil.IsZero() {
		page.Old = frame.Moment(t.OldUntil)
	}
	if t.Failure != "" {
		page.Failed = &nhsuk.WarningCallout{Heading: nhsuk.Heading{Text: "The test message did not arrive", Level: 2}, Text: failureWords(t.Failure) + "."}
	}
	return v.Show(http.StatusOK, "channel", page)
}

func aboutChannel(c *deliver.Channel) nhsuk.SummaryList {
	to := "Address"
	if c.Kind == deliver.MeshChannel {
		to = "Mailbox"
	}
	list := nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: to, Value: c.To, Classes: "break-anywhere"},
		{Key: "Position", Value: words.Number(c.Rank)},
		{Key: "State", ValueBody: stateOf(c)},
		{Key: "Waiting", Value: countWords(c.Pending, "notice", "notices")},
		{Key: "Not delivered", Value: countWords(c.Undelivered, "notice", "notices")},
	}}
	add := func(is bool, key, value string) {
		if is {
			list.Rows = append(list.Rows, nhsuk.Row{Key: key, Value: value})
		}
	}
	add(c.Failures > 0, "Failed last", frame.Moment(c.FailedAt)+", "+countWords(c.Failures, "attempt", "attempts in a row"))
	add(c.Failures > 0 && c.Failure != "", "Why", failureWords(c.Failure))
	add(!c.RestsUntil.IsZero(), "Tried again", frame.Moment(c.RestsUntil))
	return list
}

// testChannel sends a test message, and says what became of it.
func (p *pages) testChannel(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	id := v.R.PathValue("id")
	out, err := p.Channels.TestChannel(v.R.Context(), v.Caller(), &deliver.TestChannelRequest{ChannelID: id, Request: f.Act()})
	if err != nil {
		return err
	}
	if out.Failure == "" {
		return v.ToTelling("/channels/"+id, "The test message has arrived.")
	}
	return p.tellOf(v, id, told{Failure: out.Failure})
}

// tellOf leads to the page of a channel, which says something once.
func (p *pages) tellOf(v *frame.Visit, id string, t told) error {
	if err := v.Sessions.SaveDraft(v.R.Context(), v.Owner(), toldDraft(id), t); err != nil {
		return err
	}
	return v.To("/channels/" + id)
}
