package oversight_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/oversight"
	"cpis/service/servicetest"
)

// An auditor sees who looked at a child, from anywhere; a privacy officer who
// did so for the own organisation; others nothing.
func TestChild_ShowsWhoLooked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustRegister(lead, servicetest.RightCPP())
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.MustLookUp(gp, &lookup.Question{NHSNumber: child})
	f.MustLookUp(nurse, servicetest.Unscheduled(another))
	q := oversight.Query{NHSNumber: child}
	want := []string{"lead register_plan done", "nurse look_up flag_held", "gp look_up flag_held"}
	if diff := cmp.Diff(want, acts(f.list(auditor, oversight.Child, q))); diff != "" {
		t.Errorf("what the auditor sees (-want +got):\n%s", diff)
	}
	want = []string{"nurse look_up flag_held"}
	if diff := cmp.Diff(want, acts(f.list(officer, oversight.Child, q))); diff != "" {
		t.Errorf("what the privacy officer sees (-want +got):\n%s", diff)
	}
	entry := f.LastEntry()
	if entry.Action != "read_reports" || entry.Purpose != "complaint" || entry.Rule != "A4" || string(entry.Subject) != string(f.Tag(child)) ||
		entry.Outcome != "done" || entry.Counts["shown"] != 1 || entry.Counts["report_child"] != 1 {
		t.Errorf("entry of the report: %+v", entry)
	}
	for _, c := range []*identity.Caller{nurse, gp, lead, servicetest.LaSystem, servicetest.Administrator} {
		_, err := f.Reports.ListEntries(t.Context(), c, &oversight.ListRequest{Report: oversight.Child, Query: because(q)})
		if !errors.Is(err, guard.ErrDenied) || f.LastEntry().Outcome != "denied" {
			t.Errorf("%s: got %v and an entry %s", c.ID, err, f.LastEntry().Outcome)
		}
	}
}

// What a row of one report calls the child finds the others who looked.
func TestChild_IsFoundByWhatEntriesCallIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.MustLookUp(gp, &lookup.Question{NHSNumber: child})
	seen := f.list(auditor, oversight.Actor, oversight.Query{Actor: "nurse"}).Entries[0].Subject
	if want := base64.RawURLEncoding.EncodeToString(f.Tag(child)); seen != want {
		t.Fatalf("got subject %s, want %s", seen, want)
	}
	want := []string{"nurse look_up no_flag_known", "gp look_up no_flag_known"}
	if diff := cmp.Diff(want, acts(f.list(auditor, oversight.Child, oversight.Query{Subject: seen}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A child has one history: also where its number was replaced, its record was
// joined with another, or the index key is another since.
func TestChild_IsFollowed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustRegister(lead, servicetest.RightCPP())
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.AddIndexKey(2)
	f.Clock.Advance(time.Second) // the service sees the new key
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	replace := servicetest.Replacement(child, another)
	if _, err := f.ReplaceNHSNumber(t.Context(), lead, replace); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	f.MustLookUp(nurse, servicetest.Unscheduled(another))
	for _, number := range []string{child, another} {
		got := acts(f.list(officer, oversight.Child, oversight.Query{NHSNumber: number, Action: "look_up"}))
		if len(got) != 3 {
			t.Errorf("by %s: got %q, want three look-ups", number, got)
		}
	}
}

// Nothing that is shown of a restricted child, or of what authorities did, tells
// which authority knows it.
func TestRestricted_AuthorityIsInNoReport(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := servicetest.RightCPP()
	r.Restricted = true
	f.MustRegister(lead, r)
	f.MustGet(lead, child)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.MustGet(lead, child)
	page := f.list(auditor, oversight.Child, oversight.Query{NHSNumber: child})
	if diff := cmp.Diff([]string{"nurse look_up flag_held"}, acts(page)); diff != "" || !page.AuthoritiesLeftOut {
		t.Errorf("authorities left out: %t (-want +got):\n%s", page.AuthoritiesLeftOut, diff)
	}
	if n, err := f.Reports.CountEntries(t.Context(), auditor, &oversight.CountRequest{Report: oversight.Child, Query: because(oversight.Query{NHSNumber: child})}); err != nil ||
		n.Entries > 2 { // the nurse's, and perhaps the report
		t.Errorf("counted %+v, %v", n, err)
	}
	tag := base64.RawURLEncoding.EncodeToString(f.Tag(child))
	for _, report := range everyReport {
		q := oversight.Query{Actor: "lead", Organised: islington}
		if report != oversight.Actor && report != oversight.Organisation {
			q = oversight.Query{}
		}
		q.NHSNumber = map[bool]string{true: child}[report == oversight.Child]
		if report == oversight.Request {
			continue
		}
		for _, e := range f.list(auditor, report, q).Entries {
			if text, _ := json.Marshal(e); strings.Contains(string(text), tag) && strings.Contains(string(text), islington) {
				t.Errorf("%s: %s", report, text)
			}
		}
	}
	own := f.list(servicetest.Caller("la-officer", islington, policy.LocalAuthority, policy.PrivacyOfficer), oversight.Child,
		oversight.Query{NHSNumber: child})
	if want := []string{"lead register_plan done", "lead get_person done", "lead get_person done"}; !cmp.Equal(want, acts(own)) {
		t.Errorf("the authority's own: got %q, want %q", acts(own), want)
	}
}

var everyReport = []oversight.Report{
	oversight.Everything, oversight.Child, oversight.Actor, oversight.Organisation, oversight.Refusals, oversight.BreakGlass, oversight.Asked,
	oversight.PlanChanges, oversight.Policy, oversight.Contacts, oversight.Channels, oversight.OutOfHours, oversight.NoEncounter, oversight.Request,
}

// Each report shows what it is named after, and nothing else.
func TestReports_ShowWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	plan := f.MustRegister(lead, servicetest.RightCPP())
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	glass := servicetest.Unscheduled(child)
	glass.BreakGlass = "The child is injured, and nobody expected it"
	f.MustLookUp(gp, glass)
	_, _ = f.LookUp(t.Context(), lead, servicetest.Unscheduled(child))
	f.Clock.Set(time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC))
	f.MustLookUp(nurse, &lookup.Question{NHSNumber: another})
	f.MustEnd(lead, plan, "2026-11-20")
	f.list(auditor, oversight.Refusals, oversight.Query{})
	for report, want := range map[oversight.Report][]string{
		oversight.Refusals:     {"lead look_up denied"},
		oversight.BreakGlass:   {"gp look_up flag_held"},
		oversight.Asked:        {"auditor read_reports done"},
		oversight.PlanChanges:  {"lead register_plan done", "lead end_plan done"},
		oversight.OutOfHours:   {"nurse look_up no_flag_known"},
		oversight.NoEncounter:  {"nurse look_up no_flag_known"},
		oversight.Channels:     nil,
		oversight.Contacts:     nil,
		oversight.Actor:        {"nurse look_up flag_held", "nurse look_up no_flag_known"},
		oversight.Organisation: {"nurse look_up flag_held", "nurse look_up no_flag_known"},
	} {
		q := oversight.Query{}
		switch report {
		case oversight.Actor:
			q.Actor = "nurse"
		case oversight.Organisation:
			q.Organised = trust
		}
		if report == oversight.Asked {
			q.Until = f.Clock.Now().Add(time.Microsecond)
			f.Clock.Advance(time.Second)
		}
		got := acts(f.list(auditor, report, q))
		if report == oversight.Asked && len(got) > 0 {
			got = got[:1]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", report, diff)
		}
	}
}

// Filters narrow a report down.
func TestReports_AreFiltered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.Clock.Advance(time.Hour)
	f.MustLookUp(gp, &lookup.Question{NHSNumber: child, Purpose: domain.DirectCare})
	for name, tt := range map[string]struct {
		q    oversight.Query
		want []string
	}{
		"from":         {oversight.Query{From: servicetest.Noon.Add(time.Minute)}, []string{"gp look_up no_flag_known"}},
		"until":        {oversight.Query{Until: servicetest.Noon.Add(time.Minute)}, []string{"nurse look_up no_flag_known"}},
		"organisation": {oversight.Query{Organised: strings.ToLower(trust)}, []string{"nurse look_up no_flag_known"}},
		"role":         {oversight.Query{Role: "clinician_scheduled"}, []string{"gp look_up no_flag_known"}},
		"mode":         {oversight.Query{Mode: "unscheduled"}, []string{"nurse look_up no_flag_known"}},
		"action":       {oversight.Query{Action: "look_up_many"}, nil},
		"outcome":      {oversight.Query{Outcome: "flag_held"}, nil},
		"purpose":      {oversight.Query{Purpose: "direct_care"}, []string{"gp look_up no_flag_known"}},
	} {
		if tt.q.Action == "" {
			tt.q.Action = "look_up"
		}
		if diff := cmp.Diff(tt.want, acts(f.list(auditor, oversight.Everything, tt.q))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A report comes a page at a time, each entry once, in either order.
func TestReports_ArePaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Grow(7)
	f.index()
	q := because(oversight.Query{Action: "look_up"})
	for _, oldest := range []bool{true, false} {
		var seen []int64
		for page := ""; ; {
			p, err := f.Reports.ListEntries(t.Context(), auditor, &oversight.ListRequest{
				Report: oversight.Everything, Query: q, Oldest: oldest, Paging: guard.Paging{Size: 3, Page: page},
			})
			if err != nil {
				t.Fatal(servicetest.Explain(err))
			}
			for _, e := range p.Entries {
				seen = append(seen, e.Index)
			}
			if page = p.Next; page == "" {
				break
			}
		}
		want := []int64{0, 1, 2, 3, 4, 5, 6}
		if !oldest {
			slices.Reverse(want)
		}
		if !slices.Equal(seen, want) {
			t.Errorf("the oldest first %v: got entries %v, want %v", oldest, seen, want)
		}
	}
	n, err := f.Reports.CountEntries(t.Context(), auditor, &oversight.CountRequest{Report: oversight.Everything, Query: q})
	if err != nil || n.Entries != 7 {
		t.Errorf("CountEntries: got %+v, %v", n, err)
	}
}

// All that was done under one request is found by its id, and by a receipt.
func TestRequest_IsFoundByIDAndReceipt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(another))
	q := servicetest.Unscheduled(child)
	q.Request = uuid.NewString()
	a := f.MustLookUp(nurse, q)
	for name, query := range map[string]oversight.Query{
		"id": {RequestID: strings.ToUpper(q.Request)}, "receipt": {Receipt: &a.Receipt.Index}, "log": {Receipt: &a.Receipt.Index, Log: a.Receipt.Log},
	} {
		p := f.list(officer, oversight.Request, query)
		if len(p.Entries) != 1 || p.Entries[0].Index != a.Receipt.Index {
			t.Errorf("by %s: got %+v", name, p.Entries)
		}
	}
	for _, c := range []*identity.Caller{servicetest.Caller("other", servicetest.Practice, policy.GeneralPractice, policy.PrivacyOfficer)} {
		_, err := f.Reports.ListEntries(t.Context(), c, &oversight.ListRequest{Report: oversight.Request, Query: because(oversight.Query{Receipt: &a.Receipt.Index})})
		if !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("another organisation's receipt: got %v", err)
		}
	}
}

// Children whom many looked up stand out, and callers who come back.
func TestTallies_ShowWhatIsMany(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, who := range []string{"a", "b", "c"} {
		f.MustLookUp(servicetest.Caller(who, trust, policy.AcuteTrust, policy.ClinicianUnscheduled), servicetest.Unscheduled(child))
	}
	for range 4 {
		f.MustLookUp(nurse, servicetest.Unscheduled(another))
	}
	f.index()
	tally := func(c *identity.Caller, which oversight.Tally) []oversight.TallyRow {
		t.Helper()
		q := because(oversight.Query{From: servicetest.Noon.Add(-time.Hour), Until: servicetest.Noon.Add(time.Hour)})
		out, err := f.Reports.ListTallies(t.Context(), c, &oversight.TallyRequest{Tally: which, Query: q, AtLeast: 3})
		if err != nil {
			t.Fatal(servicetest.Explain(err))
		}
		return out.Rows
	}
	tag := func(number string) string { return base64.RawURLEncoding.EncodeToString(f.Tag(number)) }
	for _, c := range []*identity.Caller{auditor, officer} {
		many, again := tally(c, oversight.Children), tally(c, oversight.Callers)
		if len(many) != 1 || many[0].Subject != tag(child) || many[0].Callers != 3 || many[0].LookUps != 3 {
			t.Errorf("children: got %+v", many)
		}
		if len(again) != 1 || again[0].Subject != tag(another) || again[0].Actor != "nurse" || again[0].LookUps != 4 || again[0].Organisation != trust {
			t.Errorf("callers: got %+v", again)
		}
	}
	if rows := tally(servicetest.Caller("p", servicetest.Practice, policy.GeneralPractice, policy.PrivacyOfficer), oversight.Children); len(rows) != 0 {
		t.Errorf("another organisation: got %+v", rows)
	}
}

// What a report lacks is said, and recorded.
func TestReports_SayWhatIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ask := func(r oversight.Report, q oversight.Query) error {
		_, err := f.Reports.ListEntries(t.Context(), auditor, &oversight.ListRequest{Report: r, Query: q})
		return err
	}
	ok := oversight.Query{Reason: oversight.Routine}
	for name, tt := range map[string]struct {
		report oversight.Report
		change func(*oversight.Query)
		field  string
	}{
		"no reason":      {oversight.Everything, func(q *oversight.Query) { q.Reason = "" }, "query.reason"},
		"no words":       {oversight.Child, func(q *oversight.Query) { q.NHSNumber = child }, "query.words"},
		"a full stop":    {oversight.Actor, func(q *oversight.Query) { q.Actor, q.Words = "nurse", "." }, "query.words"},
		"no child":       {oversight.Child, func(*oversight.Query) {}, "query.nhs_number"},
		"no actor":       {oversight.Actor, func(q *oversight.Query) { q.Words = words }, "query.actor"},
		"no request":     {oversight.Request, func(*oversight.Query) {}, "query.request_id"},
		"wrong request":  {oversight.Request, func(q *oversight.Query) { q.RequestID = "7" }, "query.request_id"},
		"no report":      {"", func(*oversight.Query) {}, "report"},
		"wrong number":   {oversight.Child, func(q *oversight.Query) { q.NHSNumber, q.Words = "9990000019", words }, "query.nhs_number"},
		"wrong subject":  {oversight.Child, func(q *oversight.Query) { q.Subject, q.Words = "x", words }, "query.subject"},
		"upside down":    {oversight.Everything, func(q *oversight.Query) { q.From, q.Until = servicetest.Noon, servicetest.Noon }, "query.until"},
		"words for that": {oversight.Everything, func(q *oversight.Query) { q.NHSNumber = child }, "query.words"},
	} {
		q := ok
		tt.change(&q)
		invalid, is := errors.AsType[*domain.InvalidError](ask(tt.report, q))
		if !is || len(invalid.Violations) != 1 || invalid.Violations[0].Field != tt.field || f.LastEntry().Outcome != "invalid" {
			t.Errorf("%s: got %+v, entry %s", name, invalid, f.LastEntry().Outcome)
		}
	}
}
