package service_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"cpis/service"
	"cpis/service/identity"
)

// secondLead works for the same authority as lead.
var secondLead = func() *identity.Caller {
	c := *lead
	c.ID, c.Name = "second-lead", "Test second-lead"
	return &c
}()

// told is a notice as far as anybody can read it without a key.
type told struct{ To, Kind, Organisation, Reference string }

// Told gives the notices of all authorities in the order in which they were
// made, those of one entry by authority.
func (f *fixture) Told() []told {
	f.tb.Helper()
	var all []told
	f.admin(func(conn *pgx.Conn) error {
		rows, err := conn.Query(f.tb.Context(), `
			SELECT authority, kind, organisation, reference
			FROM cpis.notice
			ORDER BY log, entry, authority, organisation`)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[told])
		return err
	})
	return all
}

// MustVersions gives the versions of a plan, the newest first.
func (f *fixture) MustVersions(c *identity.Caller, plan string) []service.Version {
	f.tb.Helper()
	out, err := f.ListVersions(f.tb.Context(), c, plan, "")
	if err != nil {
		f.tb.Fatalf("ListVersions: %s", explain(err))
	}
	return out.Versions
}

// acts gives what was done to a plan, the newest first.
func acts(versions []service.Version) []string {
	var out []string
	for _, v := range versions {
		out = append(out, fmt.Sprint(v.Plan.Version, " ", v.Change.Act, " by ", v.Change.Actor))
	}
	return out
}

// atOnce runs things at the same time and gives what became of them.
func atOnce(things ...func() error) []error {
	errs := make([]error, len(things))
	var all sync.WaitGroup
	for i, do := range things {
		all.Go(func() { errs[i] = do() })
	}
	all.Wait()
	return errs
}

// expectOneWon expects that of things that were done at once one was done, and
// that the others failed as they should.
func expectOneWon(t *testing.T, errs []error, others ...error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		fits := false
		for _, other := range others {
			fits = fits || errors.Is(err, other)
		}
		if !fits {
			t.Errorf("who lost got %s, want one of %v", explain(err), others)
		}
	}
	if won != 1 {
		t.Errorf("%d won, want one", won)
	}
}

// expectStale expects the error that names the version that is current.
func expectStale(t *testing.T, err error, current int) {
	t.Helper()
	if stale, ok := errors.AsType[*service.StaleError](err); !ok || stale.Current != current {
		t.Errorf("got %s, want that version %d is current", explain(err), current)
	}
}

// expectRefused expects that an act changed nothing and left its entry.
func (f *fixture) expectRefused(t *testing.T, before held, err, want error, reason string) {
	t.Helper()
	e := f.LastEntry()
	if !errors.Is(err, want) || e.Outcome != "refused" || e.Reason != reason {
		t.Errorf("got %s with entry %s, %q; want %v", explain(err), e.Outcome, e.Reason, want)
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}

// expectInvalid expects that one field was found wrong, and nothing changed.
func (f *fixture) expectInvalid(t *testing.T, before held, err error, field string) service.Violation {
	t.Helper()
	if e := f.LastEntry(); e.Outcome != "invalid" {
		t.Errorf("entry %+v", e)
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
	v := violationsOf(t, err)
	if len(v) != 1 || v[0].Field != field {
		t.Errorf("got %+v, want only %s", v, field)
		return service.Violation{}
	}
	return v[0]
}
