package administrator

import (
	"net/http"

	"cpis/service/admin"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// failingPage lists the channels on which nothing arrives.
type failingPage struct {
	frame.Page

	Heading nhsuk.Heading
	At      string
	Table   nhsuk.Table
	None    bool
}

// showFailing lists the channels of any authority on which nothing arrives.
func (p *pages) showFailing(v *frame.Visit) error {
	found, err := p.Status.ListFailingChannels(v.R.Context(), v.Caller(), &admin.ListFailingChannelsRequest{Request: v.Request})
	if err != nil {
		return err
	}
	title := "Channels on which nothing arrives"
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "By authority", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{
			{Text: "Authority"},
			{Text: "Channel"},
			{Text: "State"},
			{Text: "Failed last"},
			{Text: "Waiting", Format: nhsuk.Numeric},
			{Text: "Waiting since"},
			{Text: "Not delivered", Format: nhsuk.Numeric},
		},
	}
	for i := range found.Channels {
		c := &found.Channels[i]
		t.Rows = append(t.Rows, []nhsuk.Cell{
			{Text: c.Name + " (" + c.Authority + ")"},
			{Text: kindWords(c.Kind) + ", position " + words.Number(c.Rank)},
			{Body: failingState(c)},
			{Text: momentOr(c.FailedAt, "Never")},
			{Text: words.Number(c.Pending)},
			{Text: momentOr(c.Waiting, "None waits")},
			{Text: words.Number(c.Undelivered)},
		})
	}
	return v.Show(http.StatusOK, "status_channels", &failingPage{
		Page:    frame.Page{Title: title, Back: nhsuk.BackLink{Text: "Back to the status", Href: "/status"}},
		Heading: frame.Heading(title), At: frame.Moment(found.At), Table: t, None: len(found.Channels) == 0,
	})
}

// failingState is why nothing arrives on a channel.
func failingState(c *admin.FailingChannel) nhsuk.Component {
	switch {
	case c.Paused:
		return nhsuk.Tag{Text: "Paused", Colour: nhsuk.Grey}
	case !c.RestsUntil.IsZero():
		return nhsuk.Group{nhsuk.Tag{Text: "Resting", Colour: nhsuk.Yellow}, nhsuk.Plain(" until " + frame.Moment(c.RestsUntil))}
	}
	return nhsuk.Tag{Text: "Away", Colour: nhsuk.Red}
}

func kindWords(kind string) string {
	if kind == "mesh" {
		return "MESH mailbox"
	}
	return "Webhook"
}
