package lead

import (
	"net/http"
	"strconv"

	"cpis/service/deliver"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

// channelForm asks for a channel.
type channelForm struct {
	frame.Page

	Heading nhsuk.Heading
	Kind    *nhsuk.Radios // of a new one
	To      *nhsuk.Input  // of one that is changed, which has
	Is      deliver.ChannelKind
	Rank    nhsuk.Select
	Paused  *nhsuk.Checkboxes
	Submit  nhsuk.Button
	Action  string
	Version string
	Act     string
}

// maxRank is the last position that a channel can have.
const maxRank = 9

// channelFields are the fields of the page, by those of the room.
var channelFields = map[string]string{
	"channel.rank":         "rank|Select another position: a channel has this one",
	"channel.to":           "kind|Select a webhook or a MESH mailbox, whichever this service sends to",
	"channel.webhook.url":  "url",
	"channel.mesh.mailbox": "mailbox",
}

// askChannel asks for a new channel.
func (p *pages) askChannel(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.showNewChannel(v, http.StatusOK, f)
}

func (p *pages) showNewChannel(v *frame.Visit, status int, f *frame.Form) error {
	all, err := p.channels(v)
	if err != nil {
		return err
	}
	title := "Add a channel"
	return v.Show(status, "channel_form", &channelForm{
		Page: frame.Page{Title: title, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Back to channels", Href: "/channels"}}, Heading: frame.Heading(title),
		Kind: &nhsuk.Radios{
			Name: "kind", Value: f.Text("kind"), Legend: nhsuk.Legend{Text: "Where are notices sent to?", Size: nhsuk.Medium}, Error: f.Error("kind"),
			Choices: []nhsuk.Choice{
				{Value: string(deliver.WebhookChannel), Text: "A system of yours (webhook)", Hint: nhsuk.Hint{Text: "It is told that there is a notice. Messages name nobody"}, Conditional: toInput(f, deliver.WebhookChannel, "")},
				{Value: string(deliver.MeshChannel), Text: "A MESH mailbox", Hint: nhsuk.Hint{Text: "It gets the whole notice"}, Conditional: toInput(f, deliver.MeshChannel, "")},
			},
		},
		Rank: rankSelect(f, freeRank(all)), Submit: nhsuk.Button{Text: "Add this channel", PreventDoubleClick: true},
		Action: "/channels/new", Version: "0", Act: f.Act(),
	})
}

// toInput asks where a channel leads.
func toInput(f *frame.Form, kind deliver.ChannelKind, held string) nhsuk.Input {
	name := toField(kind)
	in := nhsuk.Input{Name: name, Value: f.Or(name, held), Error: f.Error(name), Autocomplete: "off", NoSpellcheck: true}
	if kind == deliver.MeshChannel {
		in.Label, in.Hint, in.Width = nhsuk.Label{Text: "Mailbox"}, nhsuk.Hint{Text: "Like X26ABC1"}, 20
		return in
	}
	in.Label, in.Hint, in.Type = nhsuk.Label{Text: "Address"}, nhsuk.Hint{Text: "Like https://cases.example.gov.uk/notices"}, "url"
	return in
}

func toField(kind deliver.ChannelKind) string {
	if kind == deliver.MeshChannel {
		return "mailbox"
	}
	return "url"
}

// rankSelect asks in which position a channel is tried.
func rankSelect(f *frame.Form, held int) nhsuk.Select {
	s := nhsuk.Select{
		Name: "rank", Value: f.Or("rank", strconv.Itoa(held)), Label: nhsuk.Label{Text: "Position", Size: nhsuk.Medium}, Error: f.Error("rank"),
		Hint: nhsuk.Hint{Text: "The channel in the first position is tried first"},
	}
	for i := 1; i <= maxRank; i++ {
		s.Options = append(s.Options, nhsuk.Option{Value: strconv.Itoa(i), Text: strconv.Itoa(i)})
	}
	return s
}

// freeRank is the first position that no channel has.
func freeRank(all []deliver.Channel) int {
	taken := map[int]bool{}
	for i := range all {
		taken[all[i].Rank] = true
	}
	for i := 1; i < maxRank; i++ {
		if !taken[i] {
			return i
		}
	}
	return maxRank
}

// addChannel adds a channel, and shows its secret.
func (p *pages) addChannel(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	out, err := p.Channels.PutChannel(v.R.Context(), v.Caller(), putOf(f))
	switch {
	case err == nil:
		return p.tellOf(v, out.ChannelID, told{Secret: out.Secret})
	case f.Refuse(err, channelFields):
		return p.showNewChannel(v, http.StatusUnprocessableEntity, f)
	}
	return err
}

// putOf reads a channel from a form.
func putOf(f *frame.Form) *deliver.PutChannelRequest {
	kind := deliver.ChannelKind(f.Text("kind"))
	rank, err := strconv.Atoi(f.Text("rank"))
	if err != nil {
		rank = 0 // the room says that this is none
	}
	return &deliver.PutChannelRequest{
		Version: f.Version(), Rank: rank, Kind: kind, To: f.Text(toField(kind)), Paused: f.Text("paused") == "1", Request: f.Act(),
	}
}

// askChange asks what is to be changed of a channel.
func (p *pages) askChange(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	c, err := p.channel(v)
	if err != nil {
		return err
	}
	return showChange(v, http.StatusOK, f, c)
}

func showChange(v *frame.Visit, status int, f *frame.Form, c *deliver.Channel) error {
	title, to := "Change this channel", toInput(f, c.Kind, c.To)
	if f.Wrong["kind"] != "" {
		to.Error = f.Error("kind")
	}
	paused := c.Paused
	if f.Values != nil {
		paused = f.Text("paused") == "1"
	}
	return v.Show(status, "channel_form", &channelForm{
		Page: frame.Page{Title: title, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Back to the channel", Href: "/channels/" + c.ID}}, Heading: frame.Heading(title),
		To: &to, Is: c.Kind, Rank: rankSelect(f, c.Rank),
		Paused: &nhsuk.Checkboxes{Name: "paused", Choices: []nhsuk.Choice{{
			Value: "1", Text: "Pause it", Hint: nhsuk.Hint{Text: "Nothing is sent. Notices wait, and are sent when it goes on"}, Checked: paused,
		}}},
		Submit: nhsuk.Button{Text: "Save this channel", PreventDoubleClick: true}, Action: "/channels/" + c.ID + "/change",
		Version: f.Or("version", strconv.Itoa(c.Version)), Act: f.Act(),
	})
}

// changeChannel changes a channel.
func (p *pages) changeChannel(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	q := putOf(f)
	q.ChannelID = v.R.PathValue("id")
	_, err = p.Channels.PutChannel(v.R.Context(), v.Caller(), q)
	switch {
	case err == nil:
		return v.ToTelling("/channels/"+q.ChannelID, "The channel was changed.")
	case !f.Refuse(err, channelFields):
		return err
	}
	c, err := p.channel(v)
	if err != nil {
		return err
	}
	return showChange(v, http.StatusUnprocessableEntity, f, c)
}

// surePage asks whether something is really meant.
type surePage struct {
	frame.Page

	Heading nhsuk.Heading
	Says    []string
	Submit  nhsuk.Button
	Action  string
	Cancel  string
	Version string
	Act     string
}

// askSecret asks whether a webhook is to have a new secret.
func (p *pages) askSecret(v *frame.Visit) error {
	return p.askSure(v, "Make a new secret?", "/secret", nhsuk.Button{Text: "Make a new secret", PreventDoubleClick: true},
		"Your system needs the new secret to check messages. It is shown once.", "For a day messages are signed with the old secret too.")
}

// askRemoval asks whether a channel is to be removed.
func (p *pages) askRemoval(v *frame.Visit) error {
	return p.askSure(v, "Remove this channel?", "/remove", nhsuk.Button{Text: "Remove this channel", Variant: nhsuk.Warning, PreventDoubleClick: true},
		"What it has not delivered goes to the next channel. If there is none, it stays in your inbox alone.", "A removed channel does not come back: you would have to add it again.")
}

func (p *pages) askSure(v *frame.Visit, title, below string, button nhsuk.Button, says ...string) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	c, err := p.channel(v)
	if err != nil {
		return err
	}
	path := "/channels/" + c.ID
	return v.Show(http.StatusOK, "channel_sure", &surePage{
		Page: frame.Page{Title: title, Back: nhsuk.BackLink{Text: "Back to the channel", Href: path}}, Heading: frame.Heading(title), Says: says,
		Submit: button, Action: path + below, Cancel: path, Version: f.Or("version", strconv.Itoa(c.Version)), Act: f.Act(),
	})
}

// replaceSecret makes a new secret, and shows it.
func (p *pages) replaceSecret(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	id := v.R.PathValue("id")
	out, err := p.Channels.RotateSecret(v.R.Context(), v.Caller(), &deliver.RotateSecretRequest{ChannelID: id, Version: f.Version(), Request: f.Act()})
	if err != nil {
		return err
	}
	return p.tellOf(v, id, told{Secret: out.Secret, OldUntil: out.OldUntil})
}

// removeChannel removes a channel.
func (p *pages) removeChannel(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	_, err = p.Channels.RemoveChannel(v.R.Context(), v.Caller(), &deliver.RemoveChannelRequest{
		ChannelID: v.R.PathValue("id"), Version: f.Version(), Request: f.Act(),
	})
	if err != nil {
		return err
	}
	return v.ToTelling("/channels", "The channel was removed.")
}
