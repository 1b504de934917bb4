package servicetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/notice"
	"cpis/service/person"
	"cpis/service/plan"
)

// Merging asks to merge the record of one number into that of another.
func Merging(from, into string, superseded bool) *person.ProposeChangeRequest {
	return &person.ProposeChangeRequest{Kind: person.Merge, NHSNumber: into, From: from, Superseded: superseded, Reason: "the same child"}
}

// Under is a right registration under a number.
func Under(number string, change ...func(*domain.Registration)) *domain.Registration {
	r := With(RightCPP(), func(r *domain.Registration) { r.NHSNumber = number })
	for _, c := range change {
		c(r)
	}
	return r
}

// AsLAC returns a registration of another kind, which starts later.
func AsLAC(r *domain.Registration) {
	r.Kind, r.Basis, r.Start = domain.LAC, domain.S20, "2026-10-01"
}

// VersionOf returns the newest version of a plan, to act upon.
func (f *personSteps) VersionOf(plan *plan.RegisterPlanResult) int {
	f.TB.Helper()
	row, err := f.DB.Plans.Get(f.TB.Context(), uuid.MustParse(plan.PlanID))
	if err != nil {
		f.TB.Fatal(err)
	}
	return row.Version
}

// WantVersions checks what made the versions of a plan, the oldest first.
func (f *personSteps) WantVersions(held *plan.RegisterPlanResult, acts ...string) {
	f.TB.Helper()
	out, err := f.ListVersions(f.TB.Context(), Lead, &plan.ListVersionsRequest{PlanID: held.PlanID})
	if err != nil {
		f.TB.Fatalf("ListVersions: %s", Explain(err))
	}
	var got []string
	for _, v := range out.Versions {
		got = append(got, v.Change.Act)
	}
	slices.Reverse(got)
	if diff := cmp.Diff(acts, got); diff != "" {
		f.TB.Errorf("versions (-want +got):\n%s", diff)
	}
}

// PlanIDs returns the identifiers of the lead's plans.
func (f *personSteps) PlanIDs(number string) (ids []string) {
	f.TB.Helper()
	for _, p := range f.all.MustGet(Lead, number).Plans {
		ids = append(ids, p.ID)
	}
	return ids
}

// MustOffer offers a plan to another authority, and returns the transfer.
func (f *personSteps) MustOffer(c *identity.Caller, registered, to string) string {
	f.TB.Helper()
	out, err := f.ProposeTransfer(f.TB.Context(), c, &plan.ProposeTransferRequest{
		PlanID: registered, Version: f.VersionOf(&plan.RegisterPlanResult{PlanID: registered}), To: to, Reason: "has moved",
	})
	if err != nil {
		f.TB.Fatalf("ProposeTransfer: %s", Explain(err))
	}
	return out.TransferID
}

// Deputy is a second safeguarding lead of Islington.
var Deputy = Caller("deputy", Islington, policy.LocalAuthority, policy.SafeguardingLead)

// Proposal is a proposal about a person.
func Proposal(kind person.ChangeKind, number string) *person.ProposeChangeRequest {
	return &person.ProposeChangeRequest{Kind: kind, NHSNumber: number, Reason: "the same child"}
}

// MustPropose proposes a change, and returns its identifier.
func (f *personSteps) MustPropose(c *identity.Caller, q *person.ProposeChangeRequest) string {
	f.TB.Helper()
	out, err := f.ProposeChange(f.TB.Context(), c, q)
	if err != nil {
		f.TB.Fatalf("ProposeChange: %s", Because(err))
	}
	return out.ID
}

// Because is explain for errors that may say what stands in the way.
func Because(err error) string {
	if state, ok := errors.AsType[*guard.StateError](err); ok {
		return fmt.Sprintf("%v: %s", err, state.Problem)
	}
	return Explain(err)
}

// Decide decides about a proposal.
func (f *personSteps) Decide(c *identity.Caller, id string, d domain.Decision) error {
	f.TB.Helper()
	out, err := f.DecideChange(f.TB.Context(), c, &person.DecideChangeRequest{ChangeID: id, Decision: d, Reason: "no, two"})
	if err == nil && (out.State == "" || out.State == domain.Open) {
		f.TB.Errorf("it was decided, and is %q", out.State)
	}
	return err
}

// MustAccept accepts a proposal.
func (f *personSteps) MustAccept(c *identity.Caller, id string) {
	f.TB.Helper()
	if err := f.Decide(c, id, domain.Accept); err != nil {
		f.TB.Fatalf("DecideChange: %s", Because(err))
	}
}

// MustChange proposes a change and has the deputy accept it.
func (f *personSteps) MustChange(q *person.ProposeChangeRequest) string {
	f.TB.Helper()
	id := f.MustPropose(Lead, q)
	f.MustAccept(Deputy, id)
	return id
}

// MustListChanges lists an authority's proposals.
func (f *personSteps) MustListChanges(c *identity.Caller, openOnly bool, p guard.Paging) *person.ChangePage {
	f.TB.Helper()
	out, err := f.ListChanges(f.TB.Context(), c, &person.ChangeQuery{OpenOnly: openOnly, Paging: p})
	if err != nil {
		f.TB.Fatalf("ListChanges: %s", Explain(err))
	}
	return out
}

// WantState checks that an act is refused because of what it says.
func WantState(t *testing.T, name string, err error, says string) {
	t.Helper()
	state, ok := errors.AsType[*guard.StateError](err)
	if !ok || !errors.Is(err, guard.ErrState) || !strings.Contains(state.Problem, says) {
		t.Errorf("%s: got %v, want a *StateError that says %q", name, Because(err), says)
	}
}

// Restrictions returns what an authority was told of restrictions, the newest
// first.
func (f *personSteps) Restrictions(c *identity.Caller) []notice.Notice {
	f.TB.Helper()
	return f.all.MustInbox(c, notice.InboxQuery{Kind: notice.RestrictionChanged}).Notices
}

// WantRestricted checks that the last thing an authority was told of n is that
// somebody was restricted, and not by whom.
func (f *personSteps) WantRestricted(c *identity.Caller, n int) {
	f.TB.Helper()
	all := f.Restrictions(c)
	if len(all) != n {
		f.TB.Fatalf("%s was told %d times, want %d", c.ID, len(all), n)
	}
	last := all[0]
	if !strings.Contains(last.Text, "restricted this person") || last.Priority || last.Organisation != "" || last.Actor.Name != "" {
		f.TB.Errorf("%s was told %+v", c.ID, last)
	}
	if last.Person == nil || last.Person.NHSNumber.Reveal() != OldNumber {
		f.TB.Errorf("%s was not told about whom", c.ID)
	}
}

// Numbers of the people of these tests.
const (
	OldNumber   = "9990000018" // of rightCPP
	NewNumber   = "9990000034"
	ThirdNumber = "9990000042"
)

// Replacement replaces one number by another.
func Replacement(from, to string) *person.ReplaceNHSNumberRequest {
	return &person.ReplaceNHSNumberRequest{Old: from, New: to, DateOfBirth: "2019-04-30", Reason: "PDS says so"}
}

// MustReplace replaces an NHS number.
func (f *personSteps) MustReplace(c *identity.Caller, from, to string) *person.ReplaceNHSNumberResult {
	f.TB.Helper()
	out, err := f.ReplaceNHSNumber(f.TB.Context(), c, Replacement(from, to))
	if err != nil {
		f.TB.Fatalf("ReplaceNHSNumber: %s", Explain(err))
	}
	return out
}

// Flags returns the plans that a look-up shows, and whether the number is said to
// be a former one.
func (f *personSteps) Flags(number string) (plans []string, superseded bool) {
	f.TB.Helper()
	a := f.all.MustLookUp(Nurse, Unscheduled(number))
	if (a.Verdict == lookup.FlagHeld) != (len(a.Plans) > 0) || a.Verdict == lookup.CannotSay {
		f.TB.Fatalf("look-up answers %s %s with %d plans", a.Verdict, a.Reason, len(a.Plans))
	}
	for _, p := range a.Plans {
		plans = append(plans, p.ID)
	}
	return plans, a.Superseded
}

// WantFlags checks whom the plans of a number are.
func (f *personSteps) WantFlags(number string, superseded bool, plans ...string) {
	f.TB.Helper()
	got, former := f.Flags(number)
	if diff := cmp.Diff(plans, got); diff != "" || former != superseded {
		f.TB.Errorf("flags of %s, superseded %t (-want +got):\n%s", number, former, diff)
	}
}

// NothingInTheClear searches all tables for what is personal in these tests.
func (f *personSteps) NothingInTheClear() {
	f.TB.Helper()
	dump := f.DumpAll()
	for _, text := range []string{OldNumber, NewNumber, ThirdNumber, "Example", "Robin", "2019-04-30", "PDS says so", "the same child", "no, two"} {
		if bytes.Contains(dump, []byte(text)) {
			f.TB.Errorf("%q is stored in the clear", text)
		}
	}
}

// DumpAll returns all rows of all tables, with their bytes as they are.
func (f *personSteps) DumpAll() []byte {
	f.TB.Helper()
	var all bytes.Buffer
	f.all.AsSuperuser(func(conn *pgx.Conn) error {
		rows, err := conn.Query(f.TB.Context(), `
			SELECT quote_ident(relname)
			FROM pg_class
			WHERE relnamespace = 'cpis'::regnamespace AND relkind IN ('r', 'p')`)
		if err != nil {
			return err
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, table := range tables {
			if _, err := conn.PgConn().CopyTo(f.TB.Context(), &all, "COPY (SELECT * FROM cpis."+table+") TO STDOUT (FORMAT binary)"); err != nil {
				return err
			}
		}
		return nil
	})
	if !bytes.Contains(all.Bytes(), []byte("local_authority")) && !bytes.Contains(all.Bytes(), []byte("Islington")) {
		f.TB.Fatal("the dump holds nothing")
	}
	return all.Bytes()
}

// KindsTo returns the kinds of an authority's notices, but for those of look-ups.
func (f *personSteps) KindsTo(authority string) (kinds []string) {
	f.TB.Helper()
	for _, n := range f.all.NoticesTo(authority) {
		if n.Kind != "unscheduled_access" && n.Kind != "restricted_access" {
			kinds = append(kinds, n.Kind)
		}
	}
	return kinds
}

// Undoing asks to undo a merge.
func Undoing(merge string) *person.ProposeChangeRequest {
	return &person.ProposeChangeRequest{Kind: person.Unmerge, MergeID: merge, Reason: "no, two"}
}

// MustVacate registers a restricted person in error, and takes that back: the
// NHS number is somebody else's, who was born on another day.
func (f *personSteps) MustVacate() *plan.RegisterPlanResult {
	f.TB.Helper()
	plan := f.all.MustRegister(Lead, With(RightCPP(), func(r *domain.Registration) { r.Restricted = true }))
	f.all.MustRemove(Lead, plan)
	return plan
}

// WantOther checks that the number is of who was born later, and that its
// restriction stays.
func (f *personSteps) WantOther(plan string) {
	f.TB.Helper()
	q := Unscheduled(OldNumber)
	q.DateOfBirth = "2020-01-02"
	if a := f.all.MustLookUp(Nurse, q); a.Verdict != lookup.FlagHeld || !a.IdentityChecked || !a.Restricted {
		f.TB.Errorf("a look-up answers %s %s, restricted %t", a.Verdict, a.Reason, a.Restricted)
	}
	p := f.all.MustGet(OtherLead, OldNumber)
	if p.Person.DateOfBirth.String() != "2020-01-02" || !p.Restricted || len(p.Plans) != 1 || plan != "" && p.Plans[0].ID != plan {
		f.TB.Errorf("the authority has %+v", p.Plans)
	}
}
