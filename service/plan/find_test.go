package plan_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
	"cpis/service/servicetest"
)

// named is a registration of somebody with a name.
func named(i int, family, given, born string) *domain.Registration {
	return under(numberAt(i), func(r *domain.Registration) { r.Family, r.Given, r.DateOfBirth = family, given, born })
}

// However a plan changes, its person is found by what is held now and by nothing
// else, at the authority that holds it and nowhere else; and what finds it is what a
// rebuild would make.
func TestFindPeople_HoweverPlansChange(t *testing.T) {
	t.Parallel()
	robin := func() *domain.Registration { return named(1, "O'Example-Ash", "Robin Lee", "2019-04-30") }
	tests := map[string]func(t *testing.T, f *fixture){
		"Registered": func(_ *testing.T, f *fixture) {
			f.MustRegister(lead, robin())
			f.WantFound(lead, "O'Example-Ash", numberAt(1))
		},
		"Amended": func(_ *testing.T, f *fixture) {
			q := amendment(f.MustRegister(lead, robin()), robin())
			q.Family, q.Given = "Birch", "Robyn"
			f.MustAmend(lead, q)
			f.WantFound(lead, "O'Example-Ash")
			f.WantFound(lead, "Birch, Robyn, 2019-04-30", numberAt(1))
		},
		"BornOnAnotherDay": func(_ *testing.T, f *fixture) {
			q := amendment(f.MustRegister(lead, robin()), robin())
			f.MustRegister(lead, with(robin(), servicetest.AsLAC))
			q.DateOfBirth = "2018-03-30"
			f.MustAmend(lead, q)
			f.WantFound(lead, "O'Example-Ash, , 2019-04-30")
			f.WantFound(lead, "O'Example-Ash, , 2018-03-30", numberAt(1))
			if got := f.MustFind(lead, servicetest.Named("Ash")); len(got.People) != 1 || len(got.People[0].Plans) != 2 {
				t.Errorf("got %+v, want one person with two plans", got)
			}
		},
		"Ended": func(_ *testing.T, f *fixture) {
			f.MustEnd(lead, f.MustRegister(lead, robin()), "2026-11-20")
			f.WantFound(lead, "Ash", numberAt(1))
		},
		"Removed": func(_ *testing.T, f *fixture) {
			f.MustRemove(lead, f.MustRegister(lead, robin()))
			f.WantFound(lead, "Ash")
		},
		"RegisteredAnewByAnotherName": func(_ *testing.T, f *fixture) {
			f.MustRegister(lead, robin())
			f.MustRegister(lead, with(robin(), func(r *domain.Registration) { servicetest.AsLAC(r); r.Family = "Birch" }))
			f.WantFound(lead, "Ash", numberAt(1)) // by the former name as well
			f.WantFound(lead, "Birch", numberAt(1))
			if got := f.MustFind(lead, servicetest.Named("Ash")).People[0]; got.Person.Family != "Birch" {
				t.Errorf("shown as %q, want the name that was recorded last", got.Person.Family)
			}
		},
		"Born": func(_ *testing.T, f *fixture) {
			mother := f.MustRegister(lead, with(rightUCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(2) }))
			f.MustBear(lead, &plan.RecordBirthRequest{PlanID: mother.PlanID, Version: 1, Born: "2026-11-20", Child: &plan.ChildPlan{
				NHSNumber: numberAt(1), Family: "Ash", Given: "Baby", DateOfBirth: "2026-11-20", Start: "2026-11-20",
			}})
			f.WantFound(lead, "Ash, Baby, 2026-11-20", numberAt(1))
			f.WantFound(lead, "Example, Alex, 1998-04-30", numberAt(2))
		},
		"Offered": func(_ *testing.T, f *fixture) {
			f.MustTransfer(f.MustRegister(lead, robin()))
			f.WantFound(lead, "Ash", numberAt(1))
			f.WantFound(otherLead, "Ash")
		},
		"Transferred": func(_ *testing.T, f *fixture) {
			f.MustSettle(otherLead, f.MustTransfer(f.MustRegister(lead, robin())), domain.Accept)
			f.WantFound(lead, "Ash")
			f.WantFound(otherLead, "Ash, , 2019-04-30", numberAt(1))
		},
		"Merged": func(_ *testing.T, f *fixture) {
			f.MustRegister(lead, robin())
			f.MustChange(merging(numberAt(1), numberAt(2), false))
			f.WantFound(lead, "Ash", numberAt(2))
		},
		"MergedIntoOneOfWhomAllWereErrors": func(_ *testing.T, f *fixture) {
			f.MustRemove(lead, f.MustRegister(lead, with(named(2, "Oak", "Ann", "2011-01-01"), func(r *domain.Registration) { r.Restricted = true })))
			f.MustRegister(lead, robin())
			f.MustChange(merging(numberAt(1), numberAt(2), false))
			f.WantFound(lead, "Ash, , 2019-04-30", numberAt(2))
		},
		"Unmerged": func(_ *testing.T, f *fixture) {
			f.MustRegister(lead, robin())
			f.MustRegister(otherLead, with(robin(), func(r *domain.Registration) { r.NHSNumber = numberAt(2) }))
			id := f.MustChange(merging(numberAt(1), numberAt(2), false))
			f.MustChange(servicetest.Undoing(id))
			f.WantFound(lead, "Ash", numberAt(1))
			f.WantFound(otherLead, "Ash", numberAt(2))
		},
		"Superseded": func(_ *testing.T, f *fixture) {
			f.MustRegister(lead, robin())
			f.MustRegister(otherLead, with(robin(), func(r *domain.Registration) { servicetest.AsLAC(r); r.NHSNumber = numberAt(2) }))
			f.MustRegister(lead, with(robin(), func(r *domain.Registration) { servicetest.AsLAC(r); r.NHSNumber = numberAt(2) }))
			f.MustChange(merging(numberAt(1), numberAt(2), true))
			f.WantFound(lead, "Ash", numberAt(2))
			f.WantFound(otherLead, "Ash", numberAt(2))
		},
		"NumberReplaced": func(_ *testing.T, f *fixture) {
			f.MustRegister(lead, robin())
			q := replacement(numberAt(1), numberAt(2))
			if _, err := f.ReplaceNHSNumber(f.TB.Context(), lead, q); err != nil {
				f.TB.Fatal(explain(err))
			}
			f.WantFound(lead, "Ash", numberAt(2))
		},
		"Uploaded": func(_ *testing.T, f *fixture) {
			f.MustRegister(lead, robin())
			f.MustApply(lead, servicetest.Delta, servicetest.SheetHeader+
				servicetest.SheetRow("nhs_number="+numberAt(1), "family_name=Birch", "given_name=Robin")+
				servicetest.SheetRow("nhs_number="+numberAt(3), "family_name=Oak"))
			f.WantFound(lead, "Ash")
			f.WantFound(lead, "Birch", numberAt(1))
			f.WantFound(lead, "Oak, Robin", numberAt(3))
		},
		"Restricted": func(_ *testing.T, f *fixture) {
			f.MustRegister(lead, with(robin(), func(r *domain.Registration) { r.Restricted = true }))
			got := f.MustFind(lead, servicetest.Named("Ash"))
			if len(got.People) != 1 || !got.People[0].Restricted || !f.LastEntry().Restricted {
				t.Errorf("got %+v", got)
			}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			change(t, f)
			f.WantIndexed()
			f.NothingInTheClear()
		})
	}
}

// A name finds whoever has it, however it is written.
func TestFindPeople_ComparesNamesAsPeopleDo(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, named(1, "O'Brien-Smith", "Zoë Mary", "2015-01-01"))
	f.MustRegister(lead, named(2, "O Brien", "Zoe", "2016-01-01"))
	f.MustRegister(lead, named(3, "", "Muhammad Ali", "2015-01-01"))
	f.MustFill()
	for name, want := range map[string][]string{
		"OBRIEN":                       {numberAt(1), numberAt(2)},
		"o’brien":                      {numberAt(1), numberAt(2)},
		"O Brien":                      {numberAt(2), numberAt(1)},
		"Smith O'Brien":                {numberAt(1)},
		"Obriensmith":                  {numberAt(1)},
		"OBrien, ZOE":                  {numberAt(1), numberAt(2)},
		"OBrien, Mary":                 {numberAt(1)},
		"OBrien, Zoe, 2016-01-01":      {numberAt(2)},
		"OBrien, Zoe, 2016-01-02":      nil,
		"Brie":                         nil,
		"Zoe":                          nil, // a given name is no family name
		", Ali":                        {numberAt(3)},
		", muhammad-ali, 2015-01-01":   {numberAt(3)},
		"a b c d e f, g h, 2015-01-01": nil,
	} {
		f.WantFound(lead, name, want...)
	}
	if got := f.MustFind(lead, &plan.FindRequest{NHSNumber: numberAt(2)}); len(got.People) != 1 || got.People[0].Person.Given != "Zoe" {
		t.Errorf("by number: got %+v", got)
	}
}

// What is asked for must be a name, or a number alone.
func TestFindPeople_RefusesWhatNamesNobody(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for field, q := range map[string]*plan.FindRequest{
		"family_name":   {DateOfBirth: "2019-04-30"},
		"nhs_number":    {NHSNumber: numberAt(1), Family: "Example"},
		"date_of_birth": {Family: "Example", DateOfBirth: "yesterday"},
	} {
		_, err := f.FindPeople(t.Context(), lead, q)
		f.ExpectInvalid(t, f.Held(), err, field)
	}
	if _, err := f.FindPeople(t.Context(), nurse, servicetest.Named("Example")); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a nurse: got %v, want %v", err, guard.ErrDenied)
	}
}

// The entry says whose plans were shown, and not what was asked for. An identifier
// of a person is the same for colleagues, finds the person, and says nothing at
// another authority.
func TestFindPeople_PeopleHaveAnIdentifierOfTheAuthority(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, with(rightCPP(), servicetest.AsLAC))
	mine, theirs := f.MustFind(lead, servicetest.Named("Example")).People[0].ID, f.MustFind(otherLead, servicetest.Named("Example")).People[0].ID
	if mine == "" || mine == theirs || mine != f.MustFind(secondLead, servicetest.Named("Example, Robin")).People[0].ID {
		t.Errorf("identifiers %q, %q", mine, theirs)
	}
	e := f.LastEntry()
	if e.Action != "find_people" || e.Counts["found"] != 1 || len(e.Disclosed) != 1 || e.Disclosed[0].Plan != held.PlanID || e.Subject != nil {
		t.Errorf("entry %+v", e)
	}
	got, err := f.GetPerson(t.Context(), secondLead, &plan.GetPersonRequest{PersonID: mine})
	if err != nil || got.ID != mine || got.Person.Family != "Example" || len(got.Plans) != 1 || string(f.LastEntry().Subject) != string(f.Tag("9990000018")) {
		t.Errorf("by identifier: got %+v, %v", got, explain(err))
	}
	for _, id := range []string{theirs, "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "x"} {
		if _, err := f.GetPerson(t.Context(), lead, &plan.GetPersonRequest{PersonID: id}); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", id, err, guard.ErrNotFound)
		}
	}
	f.MustRemove(lead, held)
	if _, err := f.GetPerson(t.Context(), lead, &plan.GetPersonRequest{PersonID: mine}); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("of whom nothing is held: got %v, want %v", err, guard.ErrNotFound)
	}
}

// Of many with one name some are shown, and that there are others.
func TestFindPeople_ShowsAtMostFifty(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, servicetest.Delta, string(servicetest.ManyRows(60, 100)))
	f.MustRegister(lead, named(1, "Example", "Kim", "2019-04-30"))
	got := f.MustFind(lead, servicetest.Named("Example"))
	if len(got.People) != 50 || !got.More || len(f.LastEntry().Disclosed) != 50 {
		t.Errorf("%d people, more: %v", len(got.People), got.More)
	}
	if got := f.MustFind(lead, servicetest.Named("Example, Kim")); len(got.People) != 1 || got.More {
		t.Errorf("by more of the name: %d people, more: %v", len(got.People), got.More)
	}
}

// What finds plans only proposes: who is shown is compared. What was changed is
// found out, and what was taken away comes back.
func TestFindPeople_BelievesNoRow(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, named(1, "Ash", "Ann", "2019-04-30"))
	f.MustRegister(lead, named(2, "Oak", "Ole", "2018-04-30"))
	f.MustFill()
	f.Turned("plan_index", "names", "(SELECT names FROM cpis.plan_index ORDER BY plan_id LIMIT 1)", func() {
		f.WantFound(lead, "Oak")
		f.WantFound(lead, "Ash", numberAt(1))
		before := f.Damaged.Load()
		f.VerifyAll()
		if f.Damaged.Load() == before {
			t.Error("nobody was woken")
		}
	})
	f.Turned("holding", "id", "gen_random_uuid()", func() {
		if _, err := f.FindPeople(t.Context(), lead, servicetest.Named("Ash")); !errors.Is(err, guard.ErrDamaged) {
			t.Errorf("an identifier of somebody else: got %v, want %v", err, guard.ErrDamaged)
		}
	})
	f.Exec(`DELETE FROM cpis.plan_index`)
	f.WantFound(lead, "Oak")
	f.Clock.Advance(time.Hour)
	f.MustFill()
	if err := f.FillIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.WantFound(lead, "Oak", numberAt(2))
	f.WantIndexed()
}

// Equal names look different at two authorities, and brothers and sisters have
// nothing in common.
func TestPlanIndex_SaysNothingOfRelatives(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, named(1, "Rarename", "Ann", "2019-04-30"))
	f.MustRegister(lead, named(2, "Rarename", "Bo", "2017-04-30"))
	f.MustRegister(otherLead, with(named(1, "Rarename", "Ann", "2019-04-30"), servicetest.AsLAC))
	seen := map[string]int{}
	for i, row := range f.Dump("plan_index") {
		for field := range strings.SplitSeq(row, ",") {
			if name := strings.Trim(field, `"{}()\`); strings.HasPrefix(name, "x") && len(name) == 33 {
				if other, ok := seen[name]; ok && other != i {
					t.Errorf("rows %d and %d have a hash in common", i, other)
				}
				seen[name] = i
			}
		}
	}
	if len(seen) != 3*4 {
		t.Errorf("%d hashes of names, want of each plan 4", len(seen))
	}
}
