package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"connectrpc.com/connect/v2"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
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
	read    []logged
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

// logged is an entry, as far as it matters here.
type logged struct {
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
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complainLocked(format, args...)
}

func (w *witness) complainLocked(format string, args ...any) {
	if len(w.complaints) < 20 {
		w.complaints = append(w.complaints, fmt.Sprintf(format, args...))
	}
}

// hear takes what a caller was told. It says whether that was an answer.
func (w *witness) hear(q question, request string, a *cpisv1.LookUpResponse, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.tellLocked()
	switch {
	case err == nil && q.denied:
		w.complainLocked("a lead was answered %v", a.Answer)
	case err == nil:
		w.rememberLocked(q, request, a)
	case q.denied && connect.CodeOf(err) == connect.CodePermissionDenied:
		w.refusals = append(w.refusals, request)
		w.counts.refused++
	default:
		w.counts.failed++
		if w.excuseLocked("a look-up", err) && w.keeperMayBeAway {
			w.complainLocked("a look-up failed because Vault is away: %v", err)
		}
		return false
	}
	return true
}

// rememberLocked checks an answer by itself and keeps it.
func (w *witness) rememberLocked(q question, request string, a *cpisv1.LookUpResponse) {
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
		w.countDetailsLocked(a, plans)
		if plans == 0 {
			w.complainLocked("a flag was answered of somebody who has none")
		}
	case none:
		told.outcome = "no_flag_known"
		w.counts.none++
		if plans > 0 {
			w.complainLocked("A FLAG WAS HIDDEN: no flag known was answered, but %d plans are visible (request %s)", plans, request)
		}
	default:
		w.complainLocked("an answer was %v (%v)", a.Answer, a.CannotSayReason)
	}
	w.answers = append(w.answers, told)
}

// countDetailsLocked checks what an answer shows of the plans.
func (w *witness) countDetailsLocked(a *cpisv1.LookUpResponse, plans int) {
	switch {
	case !a.DetailsUnavailable && len(a.Plans) == plans:
		w.counts.inFull++
		return
	case !a.DetailsUnavailable:
		w.complainLocked("an answer showed %d plans of %d", len(a.Plans), plans)
	case !w.keeperMayBeAway:
		w.complainLocked("details were unavailable")
	case len(a.Plans) != 0 || len(a.Contacts) != plans || a.Contacts[0].GetRingNow().GetNumber() == "":
		w.complainLocked("an answer without details showed %d plans and %d contacts, want 0 and %d", len(a.Plans), len(a.Contacts), plans)
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
	w.complainLocked("%s failed with %v (by the service: %t): %v", of, code, remote, err)
	return false
}

// acknowledge takes an acknowledged write of somebody's plan.
func (w *witness) acknowledge(number, request string, now acknowledged, r *cpisv1.Receipt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, ended := w.plans[number]
	if ended && before.plan != now.plan || now.version != before.version+1 {
		w.complainLocked("version %d was acknowledged after version %d", now.version, before.version)
	}
	if !ended {
		w.known = append(w.known, flaggedChild{number, []string{islington}})
	}
	w.plans[number] = now
	w.unread = append(w.unread, number)
	w.answers = append(w.answers, answer{
		request: request, outcome: "done", index: r.GetIndex(), leaf: audit.Hash(r.GetLeafHash()),
	})
}

// newcomer returns somebody whose plan was acknowledged.
func (w *witness) newcomer(random *rand.Rand) (flaggedChild, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.known) == 0 {
		return flaggedChild{}, false
	}
	return w.known[random.IntN(len(w.known))], true
}

// seen returns the counts so far.
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

// tellLocked tells those who wait for what has happened now.
func (w *witness) tellLocked() {
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
	w.tellLocked()
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
