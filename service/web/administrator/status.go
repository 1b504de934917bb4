package administrator

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"cpis/service/admin"
	"cpis/service/identity"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Status says how the service does. *admin.Installation does.
type Status interface {
	GetStatus(ctx context.Context, c *identity.Caller, q *admin.GetStatusRequest) (*admin.Status, error)
	ListFailingChannels(ctx context.Context, c *identity.Caller, q *admin.ListFailingChannelsRequest) (*admin.FailingChannels, error)
}

// statusPage says how the service does: first what needs somebody, then all of it.
type statusPage struct {
	frame.Page

	Heading  nhsuk.Heading
	At       string
	Findings []finding
	Parts    []statusPart
}

// statusPart is what is known of a part of the service.
type statusPart struct {
	Heading nhsuk.Heading
	List    nhsuk.SummaryList
}

// cannotRead stands for what could not be learnt: it is neither well nor none.
const cannotRead = "Cannot be read"

// showStatus says how the service does.
func (p *pages) showStatus(v *frame.Visit) error {
	s, err := p.Status.GetStatus(v.R.Context(), v.Caller(), &admin.GetStatusRequest{Request: v.Request})
	if err != nil {
		return err
	}
	found, unknown := findingsOf(s)
	title := "The service is working"
	switch {
	case len(found) > unknown:
		title = "Something needs somebody"
	case unknown > 0:
		title = "Some of this cannot be read"
	}
	page := &statusPage{Page: frame.Page{Title: title}, Heading: frame.Heading(title), At: frame.Moment(s.At), Findings: found}
	for _, part := range []struct {
		heading string
		rows    []nhsuk.Row
	}{
		{"Database", databaseRows(s.Database)},
		{"Keys", keeperRows(s.Keeper)},
		{"Log", logRows(s.Log)},
		{"Look-ups", queueRows(s.Queue)},
		{"Notices on their way", deliveryRows(s.Deliveries, s.Channels)},
		{"Program", programRows(s)},
		{"How long things are kept", keptRows(s.Kept)},
	} {
		page.Parts = append(page.Parts, statusPart{
			nhsuk.Heading{Text: part.heading, Level: 2, Size: nhsuk.Medium}, nhsuk.SummaryList{Rows: part.rows},
		})
	}
	return v.Show(http.StatusOK, "status", page)
}

func databaseRows(d *admin.Database) []nhsuk.Row {
	if d == nil {
		return []nhsuk.Row{{Key: "State", Value: cannotRead}}
	}
	return []nhsuk.Row{
		{Key: "State", Value: "Answers"},
		{Key: "PostgreSQL", Value: d.Version},
		{Key: "Schema", Value: "Migration " + strconv.Itoa(d.Schema)},
		{Key: "Size", Value: sizeWords(d.Size)},
		{Key: "Connections", Value: words.Number(d.Connections) + " of " + words.Number(d.Max)},
	}
}

func keeperRows(answers bool) []nhsuk.Row {
	state := "Does not answer"
	if answers {
		state = "Answers"
	}
	return []nhsuk.Row{{Key: "What holds the keys", Value: state}}
}

func logRows(l *admin.LogStatus) []nhsuk.Row {
	if l == nil {
		return []nhsuk.Row{{Key: "State", Value: cannotRead}}
	}
	state := "Sound, as far as it was read"
	if l.Damaged {
		state = "Damaged"
	}
	return []nhsuk.Row{
		{Key: "State", Value: state},
		{Key: "Name", Value: l.Origin},
		{Key: "Entries", Value: words.Number(l.Size)},
		{Key: "Not signed yet", Value: words.Number(max(0, l.Size-l.Signed))},
		{Key: "Last signed", Value: momentOr(l.SignedAt, "Not yet")},
		{Key: "Last read again and compared", Value: momentOr(l.ReadAgain, "Not since this server started")},
		{Key: "Room for more entries", Value: words.Number(l.Room)},
		{Key: "Entries that reports do not find yet", Value: words.Number(l.Behind)},
	}
}

func queueRows(q admin.Queue) []nhsuk.Row {
	return []nhsuk.Row{{Key: "Under way on this server", Value: words.Number(q.UnderWay) + " of " + words.Number(q.Most)}}
}

func deliveryRows(d *admin.Deliveries, c *admin.Channels) []nhsuk.Row {
	rows := []nhsuk.Row{
		{Key: "Waiting", Value: cannotRead},
		{Key: "Longest since", Value: cannotRead},
		{Key: "Not delivered", Value: cannotRead},
		{Key: "Channels that rest", Value: cannotRead},
	}
	if d != nil {
		rows[0].Value, rows[1].Value, rows[2].Value = words.Number(d.Pending), momentOr(d.Oldest, "None waits"), words.Number(d.Undelivered)
	}
	if c != nil {
		rows[3].Value = words.Number(len(c.Resting))
	}
	rows[3].Actions = []nhsuk.Action{{Text: "Show", Hidden: "channels on which nothing arrives", Href: "/status/channels"}}
	return rows
}

func programRows(s *admin.Status) []nhsuk.Row {
	commit := cmp.Or(s.Program.Commit, "The build does not say it")
	if s.Program.Modified {
		commit += ", with changes that no commit has"
	}
	return []nhsuk.Row{
		{Key: "Version", Value: cmp.Or(s.Program.Version, "The build does not say it")}, {Key: "Commit", Value: commit}, {Key: "Rules", Value: s.Policy},
	}
}

func keptRows(kept []admin.Kept) []nhsuk.Row {
	var rows []nhsuk.Row
	for _, k := range kept {
		rows = append(rows, nhsuk.Row{Key: k.What, Value: lastsWords(k.For)})
	}
	return rows
}

// momentOr writes a time, or what stands for none.
func momentOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return frame.Moment(t)
}

// lastsWords says how long something is kept.
func lastsWords(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == 0:
		return "The service never deletes these by itself"
	case d >= 2*day && d%day == 0:
		return words.Number(int(d/day)) + " days"
	case d >= 2*time.Hour && d%time.Hour == 0:
		return words.Number(int(d/time.Hour)) + " hours"
	}
	return words.Number(int(d/time.Minute)) + " minutes"
}

// sizeWords writes a number of bytes.
func sizeWords(n int64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
