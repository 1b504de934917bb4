package record_test

import (
	"errors"
	"testing"
	"time"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/record"
	"cpis/service/servicetest"
	"cpis/service/store"
)

// What is damaged keeps nobody else from the new index key. Each row is named;
// whoever can be opened is found by the new key, too, and nobody is given up who
// cannot.
func TestRetag_GoesOnPastDamage(t *testing.T) {
	t.Parallel()
	const of, third = ` WHERE id = (SELECT person_id FROM cpis.person_tag WHERE tag = $1)`, servicetest.ThirdNumber
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = another }))
	sound := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = third }))
	f.Exec(`CREATE TABLE public.before AS SELECT * FROM cpis.person`)
	f.Exec(`UPDATE cpis.person SET restricted = true`+of, f.Tag(servicetest.OldNumber)) // can be opened
	f.Exec(`UPDATE cpis.person SET sealed = sha256(sealed)`+of, f.Tag(another))         // cannot
	f.Exec(`UPDATE cpis.plan SET removed = true WHERE id = $1`, sound.PlanID)
	f.MustRotateIndexKey()
	admin := operatorOf(f, 2*time.Minute)
	admin.DB = admin.DB.Guarded(f.OpenRing(), func(string) {})

	damaged, err := admin.Retag(t.Context(), f.OpenRing(), func(int) {})
	tables := map[string]int{}
	for _, d := range damaged {
		tables[d.Table]++
	}
	if err != nil || tables["person"] != 2 || tables["plan"] != 1 || len(damaged) != 3 {
		t.Fatalf("Retag: got %v, %v; want two persons and a plan", damaged, err)
	}
	if _, err = admin.RetireIndex(t.Context(), true); !errors.Is(err, record.ErrRotating) {
		t.Errorf("RetireIndex, while somebody would not be found any more: got %v, want %v", err, record.ErrRotating)
	}

	f.Exec(`UPDATE cpis.person AS p SET sealed = b.sealed FROM public.before AS b WHERE b.id = p.id`)
	if damaged, err = admin.Retag(t.Context(), f.OpenRing(), func(int) {}); err != nil || len(damaged) != 2 {
		t.Errorf("Retag, put back: got %v, %v; want a person and a plan", damaged, err)
	}
	if damaged, err = admin.RetireIndex(t.Context(), false); !errors.Is(err, guard.ErrDamaged) || len(damaged) != 2 {
		t.Errorf("RetireIndex: got %v, %v; want %v of a person and a plan", damaged, err, guard.ErrDamaged)
	}
	want := damaged
	if damaged, err = admin.RetireIndex(t.Context(), true); err != nil || len(damaged) != len(want) {
		t.Errorf("RetireIndex, giving up: got %v, %v", damaged, err)
	}
	if err := f.CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	for number, verdict := range map[string]lookup.Verdict{
		servicetest.OldNumber: lookup.FlagHeld, another: lookup.FlagHeld, third: lookup.CannotSay,
	} {
		if a := f.MustLookUp(nurse, unscheduled(number)); a.Verdict != verdict {
			t.Errorf("%s: got %s, want %s", number, a.Verdict, verdict)
		}
	}
}

// What rows say is theirs alone: a damaged row is named by its table and id.
func TestDamagedRows_AreNamed(t *testing.T) {
	t.Parallel()
	f := newService(t)
	given := f.MustRegister(lead, rightCPP())
	f.Exec(`UPDATE cpis.plan_version SET removed = true`)
	got, err := operatorOf(f, 0).DB.MACs.Damaged(t.Context())
	want := store.DamagedRow{Table: "plan_version", Row: given.PlanID + " version 1"}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
