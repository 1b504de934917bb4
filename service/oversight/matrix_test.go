package oversight_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"cpis/policy"
	"cpis/service/deliver"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/export"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/oversight"
	"cpis/service/release"
	"cpis/service/servicetest"
	"cpis/service/upload"
)

// hidden is a restricted child, whom Camden alone knows.
const hidden = servicetest.ThirdNumber

// watchers are those who run every report, and what the matrix calls them.
var watchers = []struct {
	name string
	who  *identity.Caller
}{
	{"auditor at oversight", auditor},
	{"privacy officer of the trust", officer},
	{"privacy officer of Camden", servicetest.Caller("camden-officer", servicetest.Camden, policy.LocalAuthority, policy.PrivacyOfficer)},
	{"somebody whom the trust calls an auditor", servicetest.Caller("trust-auditor", trust, policy.AcuteTrust, policy.Auditor)},
	{"stranger", nurse},
}

// What a person at oversight, those who watch over one organisation, and
// strangers see of every report, as one table that people have reviewed.
func TestMatrix_OfWhatEachSees(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m := &matrix{fixture: f, names: map[string]string{}}
	m.scene()
	var all strings.Builder
	for _, ask := range m.asks() {
		fmt.Fprintf(&all, "## %s\n", ask.name)
		for _, w := range watchers {
			answer, err := ask.run(w.who)
			fmt.Fprintf(&all, "\n%s\n%s", w.name, m.tell(answer, err))
			m.wantNothingHidden(t, ask.name, ask.hidden, w.name, answer)
		}
		all.WriteString("\n")
	}
	golden(t, "matrix.golden", all.String())
}

// matrix is what happened, and how it is told.
type matrix struct {
	*fixture

	names   map[string]string // of children and reviews, by what the log calls them
	reviews []string          // of a child, and of the hidden one
	request string            // of a look-up
}

// scene makes entries for each report, a minute apart.
func (m *matrix) scene() {
	m.TB.Helper()
	ctx := m.TB.Context()
	hiding := servicetest.Under(hidden, func(r *domain.Registration) { r.Restricted = true })
	look := servicetest.Unscheduled(child)
	look.Request = uuid.NewString()
	m.request = look.Request
	glass := func(number string) *lookup.Question {
		q := servicetest.Unscheduled(number)
		q.BreakGlass = claim
		return q
	}
	for _, act := range []func(){
		func() { m.MustRegister(lead, servicetest.RightCPP()) },
		func() { m.MustRegister(servicetest.OtherLead, hiding) },
		func() { m.MustLookUp(nurse, look) },
		func() { m.MustLookUp(nurse, servicetest.Unscheduled(hidden)) },
		func() { m.MustLookUp(gp, glass(child)) },
		func() { m.MustLookUp(gp, glass(hidden)) },
		func() { _, _ = m.LookUp(ctx, servicetest.OtherLead, servicetest.Unscheduled(hidden)) },
		func() { m.MustGet(servicetest.OtherLead, hidden) },
		func() {
			_, _ = m.ConfirmContacts(ctx, servicetest.OtherLead, &directory.ConfirmContactsRequest{Version: 7})
		},
		func() { m.MustSetRules(upload.Rules{}) },
		func() {
			_, _ = m.PutChannel(ctx, servicetest.LaSystem, &deliver.PutChannelRequest{Kind: deliver.WebhookChannel, Rank: 1})
		},
		func() { m.Clock.Set(time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)) },
		func() { m.MustLookUp(nurse, &lookup.Question{NHSNumber: another}) },
		func() { m.list(officer, oversight.Child, oversight.Query{NHSNumber: hidden}) },
	} {
		act()
		m.Clock.Advance(time.Minute)
	}
	m.index()
	if err := m.Reports.RaiseReviews(ctx); err != nil {
		m.TB.Fatal(err)
	}
	for number, name := range map[string]string{child: "child", another: "another", hidden: "HIDDEN"} {
		m.names[tagText(m.fixture, number)] = name
	}
	for _, e := range m.unexplained(auditor) {
		m.reviews = append([]string{e.ReviewID}, m.reviews...)
	}
	restricted, err := m.DB.Reviews.Open(ctx, trust, 10)
	if err != nil {
		m.TB.Fatal(err)
	}
	for i := range restricted {
		m.reviews = append(m.reviews, restricted[i].ID.String())
	}
	m.Clock.Set(time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)) // the week is over
	m.index()
	if _, err := m.Reports.MakeDigests(ctx); err != nil {
		m.TB.Fatal(err)
	}
}

// ask is something that a watcher asks for.
type ask struct {
	name   string
	hidden bool // it is about the hidden child alone
	run    func(*identity.Caller) (any, error)
}

// asks are every report, each for those who may and who may not.
func (m *matrix) asks() (all []ask) {
	ctx := m.TB.Context()
	queries := map[oversight.Report]oversight.Query{
		oversight.Child: {NHSNumber: child}, oversight.Actor: {Actor: "other-lead"}, oversight.Organisation: {Organised: servicetest.Camden},
		oversight.Request: {RequestID: m.request},
	}
	list := func(report oversight.Report, q oversight.Query) func(*identity.Caller) (any, error) {
		return func(c *identity.Caller) (any, error) {
			return m.Reports.ListEntries(ctx, c, &oversight.ListRequest{Report: report, Query: because(q)})
		}
	}
	for _, report := range everyReport {
		all = append(all, ask{name: string(report), run: list(report, queries[report])})
	}
	all = append(all, ask{"child, who is restricted", true, list(oversight.Child, oversight.Query{NHSNumber: hidden})})
	period := because(oversight.Query{From: servicetest.Noon.Add(-time.Hour), Until: servicetest.Noon.Add(24 * time.Hour)})
	for _, tally := range []oversight.Tally{oversight.Children, oversight.Callers} {
		all = append(all, ask{"tally of " + string(tally), false, func(c *identity.Caller) (any, error) {
			return m.Reports.ListTallies(ctx, c, &oversight.TallyRequest{Tally: tally, Query: period, AtLeast: 1})
		}})
	}
	all = append(all, ask{"count of everything", false, func(c *identity.Caller) (any, error) {
		return m.Reports.CountEntries(ctx, c, &oversight.CountRequest{Report: oversight.Everything, Query: because(oversight.Query{})})
	}})
	all = append(all, ask{"queue of reviews", false, func(c *identity.Caller) (any, error) {
		return m.Reports.ListReviews(ctx, c, &oversight.ListReviewsRequest{})
	}})
	for i, name := range []string{"review", "review, of who is restricted"} {
		all = append(all, ask{name, i == 1, func(c *identity.Caller) (any, error) { return m.review(c, m.reviews[i]) }})
	}
	for i, number := range []string{child, hidden} {
		all = append(all, ask{[]string{"letter", "letter, of who is restricted"}[i], i == 1, func(c *identity.Caller) (any, error) {
			return m.Reports.GetSubjectAccess(ctx, c, &oversight.SubjectAccessRequest{NHSNumber: number, Words: words})
		}})
	}
	all = append(all, ask{"releases", false, func(c *identity.Caller) (any, error) {
		return m.Releases.ListReleases(ctx, c, &release.ListReleasesRequest{})
	}})
	return append(all, m.madeAsks()...)
}

// madeAsks are for what is made to be read later: files, and the numbers of a week
// and of a quarter.
func (m *matrix) madeAsks() (all []ask) {
	ctx := m.TB.Context()
	for i, q := range []oversight.Query{{}, {NHSNumber: hidden}} {
		report := []oversight.Report{oversight.Everything, oversight.Child}[i]
		all = append(all, ask{[]string{"export of everything", "export, of who is restricted"}[i], i == 1, func(c *identity.Caller) (any, error) {
			return m.Exports.CreateExport(ctx, c, &export.CreateExportRequest{Report: report, Query: because(q), Request: uuid.NewString()})
		}})
	}
	for _, of := range []string{trust, servicetest.Camden} {
		all = append(all, ask{"digest of " + of, false, func(c *identity.Caller) (any, error) {
			return m.Reports.GetDigest(ctx, c, &oversight.GetDigestRequest{Organisation: of, Week: "2026-11-23", Reason: oversight.Routine})
		}})
	}
	return append(all,
		ask{"numbers of a quarter, for a board", false, func(c *identity.Caller) (any, error) {
			return m.Reports.GetBoardSummary(ctx, c, &oversight.BoardSummaryRequest{Year: 2026, Quarter: 3, Reason: oversight.Routine})
		}})
}

// tell writes an answer as lines.
func (m *matrix) tell(answer any, err error) string {
	switch {
	case errors.Is(err, guard.ErrDenied):
		return "  not permitted\n"
	case errors.Is(err, guard.ErrNotFound):
		return "  not found\n"
	case err != nil:
		return "  " + servicetest.Explain(err) + "\n"
	}
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	switch a := answer.(type) {
	case *oversight.Page:
		if a.AuthoritiesLeftOut {
			add("(what authorities did is left out)")
		}
		for i := range a.Entries {
			e := &a.Entries[i]
			add("%s  %s of %s: %s %s%s%s", e.Time.Format("02 15:04"), e.Actor, e.Organised, e.Action, e.Outcome, m.about(e.Subject), glassMark(e))
		}
	case *oversight.Tallied:
		for _, r := range a.Rows {
			add("%s", strings.TrimSpace(fmt.Sprintf("%s %s%s: %d look-ups by %d", r.Actor, r.Organisation, m.about(r.Subject), r.LookUps, r.Callers)))
		}
		slices.Sort(lines) // those of one number stand in order of tags, which are another each time
	case *oversight.Count:
		add("%d", a.Entries)
	case *oversight.ReviewPage:
		for _, r := range a.Reviews {
			add("%s  of %s: %s %s", r.At.Format("02 15:04"), r.Organisation, r.Kind, r.State)
		}
	case *oversight.Review:
		add("%s of %s%s: %q, withheld %t", a.Actor, a.Organisation, m.about(a.Subject), a.Claim, a.Withheld)
	case *oversight.SubjectAccessResult:
		if a.NeedsRelease {
			add("(two people must release it)")
		}
		for _, l := range a.Looks {
			add("%s  %s: %s", l.At.Format("02 15:04"), l.Organised, l.What)
		}
	case *release.Page:
		add("%d", len(a.Releases))
	case *export.CreatedExport:
		if a.AuthoritiesLeftOut {
			add("(what authorities did is left out)")
		}
		add("%d entries", a.Export.Entries)
	case *oversight.Digest:
		text, _, _ := strings.Cut(a.Note, "\n\n\u2014 ")
		for tag, name := range m.names {
			text = strings.ReplaceAll(text, tag, name)
		}
		for i, id := range m.reviews {
			text = strings.ReplaceAll(text, id, fmt.Sprintf("review %d", i))
		}
		for line := range strings.Lines(text) {
			add("%s", strings.TrimSpace(line))
		}
	case *oversight.BoardSummary:
		for _, t := range a.Tables {
			add("%s", t.Title)
		}
	}
	if lines == nil {
		return "  nothing\n"
	}
	return "  " + strings.Join(lines, "\n  ") + "\n"
}

// about says whom something is about.
func (m *matrix) about(subject string) string {
	if subject == "" {
		return ""
	}
	return " about " + m.names[subject]
}

func glassMark(e *oversight.Entry) string {
	if !e.BreakGlass {
		return ""
	}
	return ", by break-glass"
}

// wantNothingHidden looks for restricted matters in an answer to somebody without
// the right: nowhere does Camden stand with the hidden child, and nothing said
// about the child reaches oversight.
func (m *matrix) wantNothingHidden(t *testing.T, ask string, aboutHidden bool, who string, answer any) {
	t.Helper()
	if who == "privacy officer of Camden" {
		return
	}
	tag := tagText(m.fixture, hidden)
	whole, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if aboutHidden && strings.Contains(string(whole), servicetest.Camden) {
		t.Errorf("%s, %s: Camden is named: %s", ask, who, whole)
	}
	if aboutHidden && strings.Contains(string(whole), claim) {
		t.Errorf("%s, %s: told %s", ask, who, whole)
	}
	page, ok := answer.(*oversight.Page)
	for i := 0; ok && page != nil && i < len(page.Entries); i++ {
		text, _ := json.Marshal(page.Entries[i])
		if strings.Contains(string(text), tag) && strings.Contains(string(text), servicetest.Camden) {
			t.Errorf("%s, %s: %s", ask, who, text)
		}
	}
}
