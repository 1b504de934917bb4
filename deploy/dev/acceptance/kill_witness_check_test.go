package acceptance_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	cpisv1 "cpis/proto/cpis/v1"
)

// A witness that never complains proves nothing: this one notices whatever is
// lost, doubled or changed.
func TestWitnessNoticesWhatIsLost(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	s := in.newServer()
	in.registerChildren(s)
	w := newWitness(in)
	stop := in.crowd(w, s)
	w.await("answers and plans", func(c counts) bool { return c.answers >= 200 && c.refused > 0 })
	stop()
	w.conclude(s)
	told := func(request, outcome string, index int64) {
		w.answers = append(w.answers, answer{request: request, outcome: outcome, index: index, leaf: w.read[min(index, int64(len(w.read))-1)].leaf})
	}
	for _, c := range []struct {
		name, complaint string
		spoil           func()
	}{
		{"an entry that is not there", "AN ENTRY IS LOST", func() { told("r", "flag_held", int64(len(w.read))+1000) }},
		{"an entry of another request", "AN ENTRY IS ANOTHER", func() { told(uuid.NewString(), w.read[40].outcome, 40) }},
		{"an entry with another outcome", "AN ENTRY IS ANOTHER", func() { told(w.read[40].request, "cannot_say", 40) }},
		{"a refusal that is not there", "a refusal is not in the log", func() { w.refusals = append(w.refusals, uuid.NewString()) }},
		{"a flag that was hidden", "A FLAG WAS HIDDEN", func() {
			receipt := &cpisv1.Receipt{Index: 40, LeafHash: w.read[40].leaf[:]}
			w.hear(question{child: in.children[0]}, uuid.NewString(), &cpisv1.LookUpResponse{Answer: none, Receipt: receipt}, nil)
		}},
		{"a write that is lost", "A WRITE IS LOST", func() {
			w.plans[in.children[1].number] = acknowledged{uuid.NewString(), 1}
			w.unread = append(w.unread, in.children[1].number)
		}},
		{"a notice made twice", "made 2 notices", func() {
			in.exec(`INSERT INTO cpis.notice (id, authority, person_id, kind, priority, at,
				    organisation, setting, encounter, log, entry, mac)
				SELECT gen_random_uuid(), authority, person_id, kind, priority, at,
				    organisation, setting, encounter, log, entry, mac
				FROM cpis.notice
				WHERE encounter IS NOT NULL
				LIMIT 1`)
		}},
		{"a notice that is lost", "A NOTICE IS LOST", func() { in.exec(`DELETE FROM cpis.notice`) }},
		{"an entry that was rewritten", "THE LOG IS ANOTHER", func() {
			in.exec(`UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = 40) WHERE idx = 41`)
			w.forget()
		}},
	} {
		w.complaints = nil
		c.spoil()
		w.compare(s)
		if said := strings.Join(w.complaints, "\n"); !strings.Contains(said, c.complaint) {
			t.Errorf("%s: the witness said %q, want %q", c.name, said, c.complaint)
		}
	}
}

// exec runs SQL as a superuser, past every right.
func (in *installation) exec(sql string) {
	in.tb.Helper()
	ctx := in.tb.Context()
	conn, err := pgx.Connect(ctx, in.cluster.URL("postgres", "cpis"))
	must(in.tb, err)
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	must(in.tb, err)
}
