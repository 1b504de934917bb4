package acceptance_test

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"slices"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/store/dbtest"
)

// check compares all that callers were told until now with the database, and
// has the program verify the log. Callers keep silent meanwhile: it is long
// enough as it is. The server s tells what plans there are.
func (w *witness) check(s *server) {
	w.in.tb.Helper()
	w.calls.Lock()
	defer w.calls.Unlock()
	w.compare(s)
	w.report()
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
		w.compareAnswerLocked(a)
	}
	for _, request := range refusals {
		if i, ok := w.byID[request]; !ok || w.read[i].outcome != "denied" {
			w.complainLocked("a refusal is not in the log (request %s)", request)
		}
	}
	w.mu.Unlock()
	w.compareNotices()
	w.comparePlans(s, unread)
	w.readOn() // what comparing has left
}

// compareAnswerLocked finds the entry of an answer where its receipt says.
func (w *witness) compareAnswerLocked(a answer) {
	if a.index >= int64(len(w.read)) {
		w.complainLocked("AN ENTRY IS LOST: an answer is to be at %d, but the log has %d entries (request %s)", a.index, len(w.read), a.request)
		return
	}
	e := w.read[a.index]
	if e.leaf != a.leaf || e.request != a.request || e.outcome != a.outcome {
		w.complainLocked("AN ENTRY IS ANOTHER: at %d is %s of request %s, and %s was answered to %s", a.index, e.outcome, e.request, a.outcome, a.request)
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
	log, err := db.Logs.Find(ctx, dbtest.Origin)
	must(w.in.tb, err)
	head, err := db.Head(ctx, log.ID)
	must(w.in.tb, err)
	for row, err := range db.Logs.Entries(ctx, log.ID, w.tree.Size(), head.Size()) {
		must(w.in.tb, err)
		e, err := audit.ParseLine(row.Line)
		must(w.in.tb, err)
		leaf := audit.LeafHash(row.Line)
		w.tree.Append(leaf)
		if _, again := w.byID[e.Request]; again && e.Action == "look_up" {
			w.complain("request %s was entered twice", e.Request)
		}
		w.byID[e.Request] = row.Index
		if e.Action == "look_up" {
			w.lookUps++
		}
		w.read = append(w.read, logged{
			leaf: leaf, request: e.Request, outcome: e.Outcome,
			visit: visit{hex.EncodeToString(e.Encounter), hex.EncodeToString(e.Subject)},
		})
	}
	if w.tree != head {
		w.complain("THE LOG IS ANOTHER: %d entries do not add up to the head of %d", w.tree.Size(), head.Size())
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
		JOIN cpis.person_tag AS t USING (person_id)
		WHERE n.encounter IS NOT NULL`) // others are not of look-ups
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
			w.complainLocked("one encounter made %d notices to %s", n, k.authority)
		}
	}
	lost := 0
	for v, authorities := range w.flagged {
		for _, authority := range authorities {
			if made[key{v, authority}] == 0 {
				lost++
			}
		}
	}
	if lost > 0 {
		w.complainLocked("A NOTICE IS LOST: %d of those that %d flagged encounters should have made", lost, len(w.flagged))
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
			w.complain("A WRITE IS LOST: version %d was acknowledged, got %v", want.version, got)
		}
	}
}

// forget forgets what was read of the log, to read it from its first entry on.
func (w *witness) forget() {
	w.tree, w.read, w.lookUps, w.byID = audit.Tree{}, nil, 0, map[string]int64{}
}

// conclude checks everything once more after the last caller has gone: the log
// from its first entry on, and all plans.
func (w *witness) conclude(s *server) {
	w.in.tb.Helper()
	w.check(s)
	before := w.read
	w.forget()
	w.unread = slices.Collect(maps.Keys(w.plans))
	w.compare(s)
	w.report()
	for i, r := range before {
		if i >= len(w.read) || w.read[i] != r {
			w.in.tb.Fatalf("THE LOG WAS REWRITTEN: entry %d is not what it was", i)
		}
	}
	w.in.tb.Logf("seen %+v, %d entries, %d acknowledged plans", w.seen(), w.tree.Size(), len(w.plans))
}
