package lookup_test

import (
	"testing"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/servicetest"
	"cpis/service/store"
)

// A person may have more plans than a line of the log names: the look-up answers with
// all of them, and its line can be read, says how many it does not name, and is signed.
func TestLookUp_OfMorePlansThanALineNames(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	const plans = 1100
	copyPlan(f, rightCPP().NHSNumber, plans-1)
	answer := f.MustLookUp(nurse, attended("ED-1"))
	if answer.Verdict != lookup.FlagHeld || answer.Degraded || len(answer.Plans) != plans {
		t.Fatalf("%v with %d plans", answer.Verdict, len(answer.Plans))
	}
	e := f.LastEntry()
	if left := int(e.Counts["disclosed_left_out"]); left == 0 || len(e.Disclosed)+left != plans {
		t.Errorf("the entry names %d plans and leaves out %d", len(e.Disclosed), left)
	}
	if last := e.Shown[len(e.Shown)-1]; last.Kind != audit.LeftOut {
		t.Errorf("the entry shows %+v", e.Shown)
	}
	if err := f.Sign(t.Context()); err != nil {
		t.Error(err)
	}
}

// copyPlan makes so many plans more like the first one of a person.
func copyPlan(f *fixture, number string, times int) {
	f.TB.Helper()
	ctx := f.TB.Context()
	n, _ := domain.ParseNHSNumber(number)
	log := logID(f.TB, f)
	err := f.DB.Tx(ctx, func(tx *store.Tx) error {
		found, err := f.Find(ctx, tx, tx.People.LockByTags, lead.Organisation, []domain.NHSNumber{n})
		if err != nil {
			return err
		}
		if err := f.OpenPeople(ctx, found); err != nil {
			return err
		}
		var rows []store.PlanRow
		for _, h := range found {
			for range times {
				more := h.Plans[0]
				more.Row.ID = guard.NewID()
				if err := f.SealOwn(h, &more); err != nil {
					return err
				}
				rows = append(rows, more.Row)
			}
		}
		if err := tx.Plans.Insert(ctx, rows); err != nil {
			return err
		}
		e := audit.Entry{Version: audit.Version, Time: servicetest.Noon, Actor: "tester", Action: "upload_plans"}
		_, _, err = tx.Logs.Append(ctx, log, [][]byte{e.AppendLine(nil)}, [][]byte{nil})
		return err
	})
	if err != nil {
		f.TB.Fatal(err)
	}
}
