package acceptance_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/store/dbtest"
)

// witness remembers what callers were told, and compares it with what is in
// the database. What the two should agree on is said once, here.
type witness struct {
	in *installation
	// keeperMayBeAway allows answers without details, and no look-up that
	// fails.
	keeperMayBeAway bool

	// calls is held by callers while they ask: whoever locks it has silence.
	calls sync.RWMutex

	mu         sync.Mutex // guards what follows
	answers    []answer   // not compared yet
	refusals   []string   // request ids, likewise
	plans      map[string]acknowledged
	unread     []string // numbers of those whose plans are to be read
	known      []flaggedChild
	complaints []string
	counts     counts
	waiting    []waiter

	// What was read of the log; only the test's goroutine uses it.
	tree    audit.Tree
	read    []record
	lookUps int              // of the entries
	byID    map[string]int64 // request id → index, of look-ups
	flagged map[visit][]string
}

// answer is what a caller was told.
type answer struct {
	request, outcome string
	index            int64
	leaf             audit.Hash
	notified         []string // authorities that must have a notice
}

// acknowledged is a write that was acknowledged.
type acknowledged struct {
	plan    string
	version int32
}

// record is an entry, as far as it matters here.
type record struct {
	leaf             audit.Hash
	request, outcome string
	visit            visit
}

// visit is a person in an encounter.
type visit struct{ encounter, subject string }

// counts say how much a witness has seen.
type counts struct {
	answers, held, none, degraded, refused, failed int
	inFull                                         int // flags in a row with their details
}

// waiter is told when enough has happened.
type waiter struct {
	enough func(counts) bool
	told   chan struct{}
}

func newWitness(in *installation) *witness {
	return &witness{
		in: in, plans: map[string]acknowledged{}, byID: map[string]int64{}, flagged: map[visit][]string{},
	}
}

// complain notes that something is wrong. It never ends the test at once: what
// else is wrong matters too.
func (w *witness) complain(format string, args ...any) {
	if len(w.complaints) < 20 {
		w.complaints = append(w.complaints, fmt.Sprintf(format, args...))
	}
}

// hear takes what a caller was told. It says whether that was an answer.
func (w *witness) hear(q question, request string, a *cpisv1.LookUpResponse, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.tell()
	switch {
	case err == nil && q.denied:
		w.complain("a lead was answered %v", a.Answer)
	case err == nil:
		w.remember(q, request, a)
	case q.denied && connect.CodeOf(err) == connect.CodePermissionDenied:
		w.refusals = append(w.refusals, request)
		w.counts.refused++
	default:
		w.counts.failed++
		if w.excuseLocked("a look-up", err) && w.keeperMayBeAway {
			w.complain("a look-up failed because Vault is away: %v", err)
		}
		return false
	}
	return true
}

// remember checks an answer by itself and keeps it.
func (w *witness) remember(q question, request string, a *cpisv1.LookUpResponse) {
	w.counts.answers++
	told := answer{request: request, index: a.Receipt.Index, leaf: audit.Hash(a.Receipt.LeafHash)}
	plans := len(q.child.authorities)
	switch a.Answer {
	case held:
		told.outcome = "flag_held"
		w.counts.held++
		if q.whose == "nurse" {
			told.notified = q.child.authorities
		}
		w.countDetails(a, plans)
		if plans == 0 {
			w.complain("a flag was answered of somebody who has none")
		}
	case none:
		told.outcome = "no_flag_known"
		w.counts.none++
		if plans > 0 {
			w.complain("A FLAG WAS HIDDEN: no flag known was answered, but %d plans are visible (request %s)", plans, request)
		}
	default:
		w.complain("an answer was %v (%v)", a.Answer, a.CannotSayReason)
	}
	w.answers = append(w.answers, told)
}

// countDetails checks what an answer shows of the plans.
func (w *witness) countDetails(a *cpisv1.LookUpResponse, plans int) {
	switch {
	case !a.DetailsUnavailable && len(a.Plans) == plans:
		w.counts.inFull++
		return
	case !a.DetailsUnavailable:
		w.complain("an answer showed %d plans of %d", len(a.Plans), plans)
	case !w.keeperMayBeAway:
		w.complain("details were unavailable")
	case len(a.Plans) != 0 || len(a.Contacts) != plans || a.Contacts[0].GetRingNow().GetNumber() == "":
		w.complain("an answer without details showed %d plans and %d contacts, want 0 and %d", len(a.Plans), len(a.Contacts), plans)
	}
	w.counts.degraded++
	w.counts.inFull = 0
}

// excuse says whether an error is one that callers may see while things die:
// the service says that it is unavailable, or is not there at all. Any other
// is complained of.
func (w *witness) excuse(of string, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.excuseLocked(of, err)
}

func (w *witness) excuseLocked(of string, err error) bool {
	code := connect.CodeOf(err)
	remote := false
	if e := new(connect.Error); errors.As(err, &e) {
		remote = e.IsRemote()
	}
	broken := !remote && code != connect.CodeDeadlineExceeded // the connection, at some point
	if broken || code == connect.CodeUnavailable {
		return true
	}
	w.complain("%s failed with %v (by the service: %t): %v", of, code, remote, err)
	return false
}

// registered takes an acknowledged write.
func (w *witness) registered(number, plan string, version int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if version == 1 {
		w.known = append(w.known, flaggedChild{number, []string{islington}})
	} else if w.plans[number].plan != plan {
		w.complain("a plan changed its id")
	}
	w.plans[number] = acknowledged{plan, version}
	w.unread = append(w.unread, number)
}

// newcomer gives somebody whose plan was acknowledged.
func (w *witness) newcomer(random *rand.Rand) (flaggedChild, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.known) == 0 {
		return flaggedChild{}, false
	}
	return w.known[random.IntN(len(w.known))], true
}

// seen gives the counts so far.
func (w *witness) seen() counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts
}

// told is how many look-ups were answered, be it with a refusal.
func (w *witness) told() int {
	c := w.seen()
	return c.answers + c.refused
}

// tell tells those who wait for what has happened now.
func (w *witness) tell() {
	w.waiting = slices.DeleteFunc(w.waiting, func(wait waiter) bool {
		enough := wait.enough(w.counts)
		if enough {
			close(wait.told)
		}
		return enough
	})
}

// await waits until enough has happened.
func (w *witness) await(what string, enough func(counts) bool) {
	w.in.tb.Helper()
	wait := waiter{enough, make(chan struct{})}
	w.mu.Lock()
	w.waiting = append(w.waiting, wait)
	w.tell()
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(w.in.tb.Context(), patience)
	defer cancel()
	select {
	case <-wait.told:
	case <-ctx.Done():
		w.report()
		w.in.tb.Fatalf("waited in vain for %s: %+v", what, w.seen())
	}
}

// awaitMore waits for so many more answers.
func (w *witness) awaitMore(n int) {
	w.in.tb.Helper()
	from := w.seen().answers
	w.await(fmt.Sprintf("%d more answers", n), func(c counts) bool { return c.answers >= from+n })
}

// report fails the test with what was complained of.
func (w *witness) report() {
	w.in.tb.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.complaints {
		w.in.tb.Error(c)
	}
	w.complaints = nil
}

// check compares all that callers were told until now with the database, and
// has the program verify the log. Callers keep silent meanwhile: it is long
// enough as it is. The server s tells what plans there are.
func (w *witness) check(s *server) {
	w.in.tb.Helper()
	w.calls.Lock()
	defer w.calls.Unlock()
	w.compare(s)
	w.in.awaitSigned(w.tree.Size())
	w.in.verifyExport()
}

// compare compares all that callers were told with the database.
func (w *witness) compare(s *server) {
	w.in.tb.Helper()
	w.mu.Lock()
	answers, refusals, unread := w.answers, w.refusals, w.unread
	w.answers, w.refusals, w.unread = nil, nil, nil
	w.mu.Unlock()
	w.readOn()
	w.mu.Lock()
	for _, a := range answers {
		w.compareAnswer(a)
	}
	for _, request := range refusals {
		if i, ok := w.byID[request]; !ok || w.read[i].outcome != "denied" {
			w.complain("a refusal is not in the log (request %s)", request)
		}
	}
	w.mu.Unlock()
	w.compareNotices()
	w.comparePlans(s, unread)
	w.readOn() // what comparing has left
	w.report()
}

// compareAnswer finds the entry of an answer where its receipt says.
func (w *witness) compareAnswer(a answer) {
	if a.index >= int64(len(w.read)) {
		w.complain("AN ENTRY IS LOST: an answer is to be at %d, but the log has %d entries (request %s)", a.index, len(w.read), a.request)
		return
	}
	e := w.read[a.index]
	if e.leaf != a.leaf || e.request != a.request || e.outcome != a.outcome {
		w.complain("AN ENTRY IS ANOTHER: at %d is %s of request %s, and %s was answered to %s", a.index, e.outcome, e.request, a.outcome, a.request)
	}
	if a.notified != nil {
		w.flagged[e.visit] = a.notified
	}
}

// readOn reads what was added to the log, and checks that all of it together
// adds up to the head.
func (w *witness) readOn() {
	w.in.tb.Helper()
	ctx := w.in.tb.Context()
	db := w.in.open()
	defer db.Close()
	log, err := db.Log(ctx, dbtest.Origin)
	must(w.in.tb, err)
	head, err := db.Head(ctx, log.ID)
	must(w.in.tb, err)
	for row, err := range db.Entries(ctx, log.ID, w.tree.Size(), head.Size()) {
		must(w.in.tb, err)
		e, err := audit.ParseLine(row.Line)
		must(w.in.tb, err)
		leaf := audit.LeafHash(row.Line)
		w.tree.Append(leaf)
		if _, again := w.byID[e.Request]; again && e.Action == "look_up" {
			w.in.tb.Errorf("request %s was entered twice", e.Request)
		}
		w.byID[e.Request] = row.Index
		if e.Action == "look_up" {
			w.lookUps++
		}
		w.read = append(w.read, record{
			leaf: leaf, request: e.Request, outcome: e.Outcome,
			visit: visit{hex.EncodeToString(e.Encounter), hex.EncodeToString(e.Subject)},
		})
	}
	if w.tree != head {
		w.in.tb.Errorf("THE LOG IS ANOTHER: %d entries do not add up to the head of %d", w.tree.Size(), head.Size())
	}
}

// compareNotices checks that each flagged encounter that was answered has made
// one notice to each authority, and that no encounter has made two.
func (w *witness) compareNotices() {
	w.in.tb.Helper()
	type key struct {
		visit     visit
		authority string
	}
	made := map[key]int{}
	ctx := w.in.tb.Context()
	conn, err := pgx.Connect(ctx, w.in.cluster.URL("cpis_owner", "cpis"))
	must(w.in.tb, err)
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, `
		SELECT encode(n.encounter, 'hex'), encode(t.tag, 'hex'), n.authority
		FROM cpis.notice AS n
		JOIN cpis.person_tag AS t USING (person_id)`)
	must(w.in.tb, err)
	var k key
	_, err = pgx.ForEachRow(rows, []any{&k.visit.encounter, &k.visit.subject, &k.authority}, func() error {
		made[k]++
		return nil
	})
	must(w.in.tb, errors.Join(err, rows.Err()))
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, n := range made {
		if n > 1 {
			w.complain("one encounter made %d notices to %s", n, k.authority)
		}
	}
	for v, authorities := range w.flagged {
		for _, authority := range authorities {
			if made[key{v, authority}] == 0 {
				w.complain("A NOTICE IS LOST: to %s", authority)
			}
		}
	}
}

// comparePlans reads those whose plans were written: each has one, of the
// version that was acknowledged or, if the lead went on, the next.
func (w *witness) comparePlans(s *server, numbers []string) {
	w.in.tb.Helper()
	plans := w.in.plansOf(s, "lead")
	for _, number := range slices.Compact(slices.Sorted(slices.Values(numbers))) {
		w.mu.Lock()
		want := w.plans[number]
		w.mu.Unlock()
		var p *cpisv1.GetPersonResponse
		w.in.await("the plans of somebody", func() bool {
			ctx, cancel := context.WithTimeout(w.in.tb.Context(), deadline)
			defer cancel()
			ctx, _ = named(ctx, uuid.NewString())
			var err error
			p, err = plans.GetPerson(ctx, &cpisv1.GetPersonRequest{NhsNumber: number})
			if err == nil || connect.CodeOf(err) == connect.CodeNotFound {
				return true
			}
			w.excuse("reading plans", err)
			return false
		})
		if got := p.GetPlans(); len(got) != 1 || got[0].Id != want.plan || got[0].Version < want.version {
			w.in.tb.Errorf("A WRITE IS LOST: version %d was acknowledged, got %v", want.version, got)
		}
	}
}

// conclude checks everything once more after the last caller has gone: the log
// from its first entry on, and all plans.
func (w *witness) conclude(s *server) {
	w.in.tb.Helper()
	w.check(s)
	before := w.read
	w.tree, w.read, w.lookUps, w.byID = audit.Tree{}, nil, 0, map[string]int64{}
	w.unread = slices.Collect(maps.Keys(w.plans))
	w.compare(s)
	for i, r := range before {
		if i >= len(w.read) || w.read[i] != r {
			w.in.tb.Fatalf("THE LOG WAS REWRITTEN: entry %d is not what it was", i)
		}
	}
	w.in.tb.Logf("seen %+v, %d entries, %d acknowledged plans", w.seen(), w.tree.Size(), len(w.plans))
}
