package service_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/person"
	"cpis/service/plan"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// The life of plans as chance has it: any acts of two authorities, each with
// two leads, about few people. Most are refused; whatever happens, what holds
// of plans must hold after each.

const (
	livesShort = 3
	livesLong  = 1 << 20 // until the time is over
	actsShort  = 60
	actsLong   = 400          // after which records have been merged, and divided again
	lifeBorn   = "2012-04-30" // of the children
	lifeMother = "1996-04-30"
)

var (
	otherSecondLead = caller("other-second-lead", camden, policy.LocalAuthority, policy.SafeguardingLead)
	lifeLeads       = []*identity.Caller{lead, secondLead, otherLead, otherSecondLead}
)

func TestLifeOfPlans(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for n := range livesShort {
		live(t, f, n, actsShort, uint64(n))
	}
}

// TestSoakLifeOfPlans is TestLifeOfPlans for a tenth of the time, from another
// place each time.
func TestSoakLifeOfPlans(t *testing.T) {
	if os.Getenv("TEST_SOAK") == "" {
		t.Skip("takes long: make soak runs it")
	}
	whole, err := time.ParseDuration(os.Getenv("TEST_SOAK"))
	if err != nil {
		t.Fatal(err)
	}
	f := newService(t)
	until, acts := time.Now().Add(whole/10), 0
	for n := 0; n < livesLong && time.Now().Before(until); n++ {
		acts += live(t, f, n, actsLong, rand.Uint64())
	}
	t.Logf("%d acts", acts)
}

// life is one sequence of acts.
type life struct {
	*fixture
	t       *testing.T
	r       *rand.Rand
	numbers []string // of children
	mothers []string
	plans   map[string]int    // the version seen last
	owners  map[string]string // whose they were then
	kinds   map[string]domain.Kind
	open    []proposed
	log     store.LogID
	actor   *identity.Caller // of the act that is under way
	trace   []string
	done    map[string]int // acts that were not refused
}

// proposed is something that was proposed, and who might decide.
type proposed struct {
	kind, id string
	decider  *identity.Caller
}

// live runs one sequence, of people of its own, and returns the number of acts
// that were not refused.
func live(t *testing.T, f *fixture, n, acts int, seed uint64) (done int) {
	t.Helper()
	l := &life{
		fixture: f, t: t, r: rand.New(rand.NewPCG(seed, 1)), plans: map[string]int{}, owners: map[string]string{}, kinds: map[string]domain.Kind{},
		done: map[string]int{},
	}
	for i := 0; len(l.numbers)+len(l.mothers) < 5; i++ {
		number, ok := testNumber(100*n + i)
		switch {
		case !ok:
		case len(l.numbers) < 4:
			l.numbers = append(l.numbers, number)
		default:
			l.mothers = append(l.mothers, number)
		}
	}
	log, err := f.DB.Logs.Find(t.Context(), dbtest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	l.log = log.ID
	defer func() {
		if t.Failed() {
			t.Fatalf("sequence %d from seed %d:\n%s", n, seed, strings.Join(l.trace, "\n"))
		}
	}()
	f.Clock.Set(noon)
	for range acts {
		l.act()
		l.check()
		if t.Failed() {
			return 0
		}
	}
	l.checkTables()
	t.Log(l.done)
	for _, n := range l.done {
		done += n
	}
	return done
}

// testNumber returns the i-th NHS number of those that are never issued.
func testNumber(i int) (string, bool) {
	nine := fmt.Sprintf("9995%05d", i)
	sum := 0
	for j, c := range nine {
		sum += (10 - j) * int(c-'0')
	}
	check := (11 - sum%11) % 11
	return fmt.Sprint(nine, check), check < 10
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// day returns a day before or after today.
func (l *life) day(from, to int) string {
	return l.Clock.Now().AddDate(0, 0, from+l.r.IntN(to-from+1)).Format(time.DateOnly)
}

// plan returns some plan, mostly one of the caller's authority in the version
// that it has.
func (l *life) plan(who *identity.Caller, kinds ...domain.Kind) (id string, version int) {
	var ids []string
	for id := range l.plans {
		if len(kinds) > 0 && !slices.Contains(kinds, l.kinds[id]) {
			continue
		}
		if l.owners[id] == who.Organisation || l.r.IntN(12) == 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return "00000000-0000-7000-8000-000000000000", 1
	}
	slices.Sort(ids) // the order of a map is not the seed's
	id = pick(l.r, ids)
	version = l.plans[id]
	if l.r.IntN(12) == 0 {
		version = max(1, version-1)
	}
	return id, version
}

// act does one act, and notes how it went: one entry, of this act, that says
// so.
func (l *life) act() {
	l.t.Helper()
	acts := []func(*identity.Caller) (what string, do func() error){
		l.register, l.register, l.register, l.register, l.amend, l.amend, l.end, l.remove, l.birth, l.birth,
		l.offer, l.offer, l.settle, l.settle, l.settle, l.replace, l.replace,
		l.propose, l.propose, l.propose, l.propose, l.rule, l.rule, l.rule, l.rule, l.wait,
	}
	l.actor = pick(l.r, lifeLeads)
	what, do := pick(l.r, acts)(l.actor)
	who := l.actor
	if do == nil {
		l.trace = append(l.trace, what)
		return
	}
	before := l.size()
	err := do()
	l.trace = append(l.trace, fmt.Sprintf("%s: %s: %s", who.ID, what, explain(err)))
	if err == nil {
		l.done[strings.Fields(what)[0]]++
	}
	if left := l.size() - before; left != 1 {
		l.t.Errorf("%s left %d entries, want 1", what, left)
		return
	}
	e := l.entryAt(before)
	if (e.Outcome == "done") != (err == nil) || e.Actor != who.ID {
		l.t.Errorf("%s (%v) left an entry by %s with outcome %s", what, err, e.Actor, e.Outcome)
	}
	for _, d := range e.Disclosed {
		if seen := l.plans[d.Plan]; d.Version < seen || d.Version > seen+2 {
			l.t.Errorf("%s: the entry speaks of version %d of a plan last seen in %d", what, d.Version, seen)
		}
		l.plans[d.Plan] = d.Version
	}
}

// size is how many entries the log has.
func (l *life) size() int64 {
	l.t.Helper()
	head, err := l.DB.Head(l.t.Context(), l.log)
	if err != nil {
		l.t.Fatal(err)
	}
	return head.Size()
}

func (l *life) entryAt(index int64) audit.Entry {
	l.t.Helper()
	for row, err := range l.DB.Logs.Entries(l.t.Context(), l.log, index, index+1) {
		if err != nil {
			l.t.Fatal(err)
		}
		e, err := audit.ParseLine(row.Line)
		if err != nil {
			l.t.Fatal(err)
		}
		return e
	}
	l.t.Fatalf("entry %d is not there", index)
	return audit.Entry{}
}

func (l *life) wait(*identity.Caller) (string, func() error) {
	l.Clock.Advance(time.Duration(1+l.r.IntN(60)) * 24 * time.Hour)
	return "time passes", nil
}

func (l *life) register(who *identity.Caller) (string, func() error) {
	q := &domain.Registration{
		NHSNumber: pick(l.r, l.numbers), Family: pick(l.r, []string{"Ash", "Birch"}), Given: "Robin", DateOfBirth: lifeBorn,
		Kind: pick(l.r, []domain.Kind{domain.CPP, domain.LAC}), Start: l.day(-200, 0), Restricted: l.r.IntN(15) == 0,
	}
	if q.Kind == domain.LAC {
		q.Basis = domain.S20
	}
	if l.r.IntN(3) == 0 {
		q.End = l.day(-30, 200)
	}
	if l.r.IntN(4) == 0 {
		q.NHSNumber, q.DateOfBirth, q.Kind, q.Basis = pick(l.r, l.mothers), lifeMother, domain.UCPP, ""
		q.Start, q.End, q.Expected = l.day(-60, 0), "", l.day(0, 60)
	}
	return fmt.Sprintf("register %s about %s from %s to %q", q.Kind, q.NHSNumber, q.Start, q.End), func() error {
		_, err := l.RegisterPlan(l.t.Context(), who, q)
		return err
	}
}

func (l *life) amend(who *identity.Caller) (string, func() error) {
	id, version := l.plan(who)
	q := &plan.AmendPlanRequest{
		PlanID: id, Version: version, Reason: "corrected", Family: pick(l.r, []string{"Ash", "Birch"}), Given: "Robin",
		DateOfBirth: lifeBorn, Start: l.day(-200, 0), Reference: pick(l.r, []string{"", "A-1"}),
	}
	if l.r.IntN(2) == 0 {
		q.End = l.day(-10, 200)
	}
	if found, err := l.GetPlan(l.t.Context(), who, &plan.GetPlanRequest{PlanID: id}); err == nil {
		q.Basis, q.Expected = found.Plan.Details.Basis, found.Plan.Details.Expected.String()
		q.DateOfBirth = found.Person.DateOfBirth.String()
	}
	return "amend " + id, func() error {
		_, err := l.AmendPlan(l.t.Context(), who, q)
		return err
	}
}

func (l *life) end(who *identity.Caller) (string, func() error) {
	id, version := l.plan(who)
	q := &plan.EndPlanRequest{PlanID: id, Version: version, End: l.day(-20, 20), Reason: "over"}
	return "end " + id, func() error {
		_, err := l.EndPlan(l.t.Context(), who, q)
		return err
	}
}

func (l *life) remove(who *identity.Caller) (string, func() error) {
	if l.r.IntN(3) > 0 {
		return "nothing is removed", nil
	}
	id, version := l.plan(who)
	q := &plan.RemovePlanRequest{PlanID: id, Version: version, Reason: "in error"}
	return "remove " + id, func() error {
		_, err := l.RemovePlan(l.t.Context(), who, q)
		return err
	}
}

func (l *life) birth(who *identity.Caller) (string, func() error) {
	id, version := l.plan(who, domain.UCPP)
	q := &plan.RecordBirthRequest{PlanID: id, Version: version, Born: l.day(-5, 0)}
	if l.r.IntN(2) == 0 {
		q.Child = &plan.ChildPlan{
			NHSNumber: pick(l.r, l.numbers), Family: "Ash", Given: "Baby", DateOfBirth: q.Born, Start: l.day(0, 0),
		}
	}
	return "birth " + id, func() error {
		_, err := l.RecordBirth(l.t.Context(), who, q)
		return err
	}
}

func (l *life) offer(who *identity.Caller) (string, func() error) {
	id, version := l.plan(who)
	q := &plan.ProposeTransferRequest{PlanID: id, Version: version, To: otherAuthority(who.Organisation), Reason: "moved"}
	return "offer " + id, func() error {
		got, err := l.ProposeTransfer(l.t.Context(), who, q)
		if err == nil {
			l.open = append(l.open, proposed{"transfer", got.TransferID, ofAuthority(q.To)})
		}
		return err
	}
}

// some returns something that was proposed, mostly lately, and mostly to somebody
// who may decide.
func (l *life) some(kind string, who *identity.Caller) (id string, decider *identity.Caller) {
	var of []proposed
	for _, p := range l.open {
		if p.kind == kind {
			of = append(of, p)
		}
	}
	if len(of) == 0 {
		return "", nil
	}
	p := of[max(0, len(of)-1-l.r.IntN(2))]
	if l.r.IntN(5) > 0 {
		who = p.decider
	}
	l.actor = who
	return p.id, who
}

// colleague returns the other lead of an authority; ofAuthority some lead.
func colleague(who *identity.Caller) *identity.Caller {
	for _, c := range lifeLeads {
		if c != who && c.Organisation == who.Organisation {
			return c
		}
	}
	return nil
}

func otherAuthority(gss string) string {
	if gss == islington {
		return camden
	}
	return islington
}

func ofAuthority(gss string) *identity.Caller {
	for _, c := range lifeLeads {
		if c.Organisation == gss {
			return c
		}
	}
	return nil
}

func (l *life) decision() domain.Decision {
	return pick(l.r, []domain.Decision{domain.Accept, domain.Accept, domain.Accept, domain.Decline, domain.Withdraw})
}

func (l *life) settle(who *identity.Caller) (string, func() error) {
	id, who := l.some("transfer", who)
	if who == nil {
		return "nothing was offered", nil
	}
	d := l.decision()
	return fmt.Sprintf("settle %s %s", id, d), func() error {
		_, err := l.DecideTransfer(l.t.Context(), who, &plan.DecideTransferRequest{TransferID: id, Decision: d, Reason: "agreed"})
		return err
	}
}

func (l *life) replace(who *identity.Caller) (string, func() error) {
	q := &person.ReplaceNHSNumberRequest{Old: pick(l.r, l.numbers), New: pick(l.r, l.numbers), DateOfBirth: lifeBorn, Reason: "superseded"}
	return fmt.Sprintf("replace %s by %s", q.Old, q.New), func() error {
		_, err := l.ReplaceNHSNumber(l.t.Context(), who, q)
		return err
	}
}

func (l *life) propose(who *identity.Caller) (string, func() error) {
	q := &person.ProposeChangeRequest{
		Kind:      pick(l.r, []person.ChangeKind{person.Restrict, person.LiftRestriction, person.Merge, person.Merge, person.Unmerge}),
		NHSNumber: pick(l.r, l.numbers), Reason: "because",
	}
	switch q.Kind {
	case person.Merge:
		q.From, q.Superseded = pick(l.r, l.numbers), l.r.IntN(2) == 0
	case person.Unmerge:
		q.NHSNumber = ""
		if q.MergeID, who = l.some("merge", who); who == nil {
			return "nothing was merged", nil
		}
	case person.Restrict, person.LiftRestriction:
	}
	kind := "proposal"
	if q.Kind == person.Merge {
		kind = "merge" // which may be undone
	}
	return fmt.Sprintf("propose-%s of %s from %s", q.Kind, q.NHSNumber, q.From), func() error {
		got, err := l.ProposeChange(l.t.Context(), who, q)
		if err == nil {
			l.open = append(l.open, proposed{kind, got.ID, colleague(who)})
		}
		return err
	}
}

func (l *life) rule(who *identity.Caller) (string, func() error) {
	id, who := l.some(pick(l.r, []string{"proposal", "merge"}), who)
	if who == nil {
		return "nothing was proposed", nil
	}
	d := l.decision()
	return fmt.Sprintf("rule-%s %s", d, id), func() error {
		_, err := l.DecideChange(l.t.Context(), who, &person.DecideChangeRequest{ChangeID: id, Decision: d, Reason: "agreed"})
		return err
	}
}

// shown is what a look-up of a number shows.
type shown struct {
	Plans      []string // identifiers, in order of themselves
	Kinds      []domain.Kind
	Restricted bool
}

// check checks what must hold: every plan has one owner, its versions only
// grow, and look-ups show exactly what is to be seen.
func (l *life) check() {
	l.t.Helper()
	want := map[string]*shown{}
	offered := map[string]string{}
	for id, version := range l.plans {
		found := l.owner(id)
		if found == nil {
			continue
		}
		if found.Plan.Version != version {
			l.t.Errorf("plan %s is in version %d, and no entry says so: last was %d", id, found.Plan.Version, version)
		}
		l.owners[id], l.kinds[id] = found.owner, found.Plan.Details.Kind
		if found.Plan.TransferTo != "" {
			offered[id] = found.Plan.TransferTo
		}
		numbers := append([]domain.NHSNumber{found.Person.NHSNumber}, found.Person.Former...)
		for _, n := range numbers {
			w := want[n.Reveal()]
			if w == nil {
				w = &shown{Restricted: found.Restricted}
				want[n.Reveal()] = w
			}
			if visible(&found.Plan, l.Clock.Now()) {
				w.Plans = append(w.Plans, id)
				w.Kinds = append(w.Kinds, found.Plan.Details.Kind)
			}
		}
	}
	for _, number := range slices.Concat(l.numbers, l.mothers) {
		l.checkLookUp(number, want[number], offered)
	}
}

// owned is a plan and whose it is.
type owned struct {
	*plan.Found
	owner string
}

// owner returns a plan as the one authority whose it is shows it.
func (l *life) owner(id string) *owned {
	l.t.Helper()
	var found []*owned
	for _, c := range []*identity.Caller{lead, otherLead} {
		if p, err := l.GetPlan(l.t.Context(), c, &plan.GetPlanRequest{PlanID: id}); err == nil {
			found = append(found, &owned{p, c.Organisation})
		}
	}
	if len(found) != 1 {
		l.t.Errorf("plan %s has %d owners", id, len(found))
		return nil
	}
	return found[0]
}

// visible says whether look-ups show a plan: until 365 days after its end, an
// unborn child's until 28 days after that or the expected date.
func visible(p *plan.Plan, now time.Time) bool {
	today := now.Format(time.DateOnly)
	last, days := p.Details.End, 365
	if p.Details.Kind == domain.UCPP {
		days = 28
		if last.IsZero() {
			last = p.Details.Expected
		}
	}
	switch {
	case p.Removed:
		return false
	case last.IsZero():
		return true
	}
	return last.Time().AddDate(0, 0, days).Format(time.DateOnly) >= today
}

func (l *life) checkLookUp(number string, want *shown, offered map[string]string) {
	l.t.Helper()
	if want == nil {
		want = &shown{}
	}
	a := l.MustLookUp(gp, &lookup.Question{NHSNumber: number, Mode: policy.Scheduled})
	if (a.Verdict == lookup.FlagHeld) != (len(want.Plans) > 0) || a.Verdict == lookup.CannotSay || a.Degraded {
		l.t.Errorf("look-up of %s: got %s, want %d plans", number, a.Verdict, len(want.Plans))
		return
	}
	got, expected := []string{}, slices.Sorted(slices.Values(want.Plans))
	for _, p := range a.Plans {
		got = append(got, p.ID)
		if !want.Restricted && p.Receiving.Authority.GSS != offered[p.ID] {
			l.t.Errorf("plan %s is shown as offered to %q, want %q", p.ID, p.Receiving.Authority.GSS, offered[p.ID])
		}
	}
	if want.Restricted && len(want.Plans) > 0 {
		kinds := []domain.Kind{}
		for _, p := range a.Plans {
			kinds = append(kinds, p.Kind)
		}
		if diff := cmp.Diff(slices.Compact(slices.Sorted(slices.Values(want.Kinds))), kinds); diff != "" || !a.Restricted {
			l.t.Errorf("look-up of %s, restricted %v (-want +got):\n%s", number, a.Restricted, diff)
		}
		return
	}
	slices.Sort(got)
	if diff := cmp.Diff(append([]string{}, expected...), got); diff != "" {
		l.t.Errorf("look-up of %s (-want +got):\n%s", number, diff)
	}
}

// checkTables checks that every plan has its versions from 1 on without a gap,
// that the last is as it is now, and that each has entries that record it.
func (l *life) checkTables() {
	l.t.Helper()
	const wrong = `
		SELECT count(*)
		FROM (
		    SELECT l.id
		    FROM cpis.plan AS l
		    JOIN cpis.plan_version AS v ON v.plan_id = l.id
		    LEFT JOIN cpis.change AS c ON c.id = v.change_id
		    LEFT JOIN cpis.log_head AS h ON h.log = c.log AND c.entry + c.entries <= h.size
		    GROUP BY l.id
		    HAVING count(*) <> l.version
		        OR min(v.version) <> 1
		        OR max(v.version) <> l.version
		        OR count(h.log) <> count(*)
		        OR NOT bool_or(v.version = l.version AND v.sealed = l.sealed AND v.authority = l.authority
		            AND v.person_id = l.person_id AND v.removed = l.removed
		            AND v.visible_until IS NOT DISTINCT FROM l.visible_until
		            AND v.transfer_to IS NOT DISTINCT FROM l.transfer_to)
		        OR (l.transfer_to IS NOT NULL) <> (
		            SELECT count(*) = 1 FROM cpis.transfer AS t WHERE t.plan_id = l.id AND t.state = 'open' AND t.receiver = l.transfer_to
		        )
		) AS bad`
	l.AsSuperuser(func(conn *pgx.Conn) error {
		var bad int
		err := conn.QueryRow(l.t.Context(), wrong).Scan(&bad)
		if bad > 0 {
			l.t.Errorf("%d plans do not agree with their versions, transfers or entries", bad)
		}
		return err
	})
}
