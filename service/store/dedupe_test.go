package store_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// seen is what an access or a notice is told apart by.
type seen struct {
	person, authority, organisation, kind string
	encounter                             string // "" for none
	at                                    time.Time
	dedupe                                bool
}

// alike says whether two are about the same, encounters apart.
func (s seen) alike(o seen) bool {
	return s.person == o.person && s.authority == o.authority && s.organisation == o.organisation && s.kind == o.kind
}

// kept is the rule in its plainest form: of notices that arrive one after the
// other, which are written.
func kept(before []seen, s seen) bool {
	if !s.dedupe {
		return true
	}
	return !slices.ContainsFunc(before, func(b seen) bool {
		if !s.alike(b) {
			return false
		}
		if s.encounter != "" {
			return b.encounter == s.encounter
		}
		return b.at.After(s.at.Add(-4 * time.Hour))
	})
}

// TestOneNoticeForAnEncounter compares what is written with the rule, over any
// sequence of groups.
func TestOneNoticeForAnEncounter(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(f)
		at := f.now
		for range rapid.IntRange(1, 6).Draw(rt, "groups") {
			at = at.Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "minutes later")) * time.Minute)
			w.group(rt, at)
		}
		w.compare(rt)
	})
}

// world is what the rule says should be in the database of one run. Each run
// has persons of its own.
type world struct {
	f                *fixture
	persons          map[string]uuid.UUID
	accesses, notice []seen
}

func newWorld(f *fixture) *world {
	return &world{f: f, persons: map[string]uuid.UUID{"a": newID(), "b": newID()}}
}

// group draws and appends one group.
func (w *world) group(rt *rapid.T, at time.Time) {
	group := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) seen {
		return seen{
			person:       rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "person"),
			authority:    rapid.SampledFrom([]string{leeds, york}).Draw(rt, "authority"),
			organisation: rapid.SampledFrom([]string{trust, other}).Draw(rt, "organisation"),
			kind:         rapid.SampledFrom([]string{"unscheduled", "restricted"}).Draw(rt, "kind"),
			encounter:    rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "encounter"),
			dedupe:       rapid.IntRange(0, 4).Draw(rt, "dedupe") > 0,
			at:           at,
		}
	}), 1, 6).Draw(rt, "group")
	w.f.append(lines(len(group)), func(b *store.Batch) {
		for i, s := range group {
			w.add(b, i, s)
		}
	})
}

// add puts an access and a notice into a batch, and into the world by the rule.
func (w *world) add(b *store.Batch, i int, s seen) {
	var encounter []byte
	if s.encounter != "" {
		encounter = []byte(s.encounter)
	}
	b.Accesses = append(b.Accesses, store.AccessRow{
		ID: newID(), Person: w.persons[s.person], At: s.at, Organisation: s.organisation, Encounter: encounter, Entry: i,
	})
	b.Notices = append(b.Notices, store.NoticeRow{
		ID: newID(), Person: w.persons[s.person], Authority: s.authority, Kind: s.kind, At: s.at,
		Organisation: s.organisation, Encounter: encounter, Dedupe: s.dedupe, Entry: i,
	})
	if kept(w.notice, s) {
		w.notice = append(w.notice, s)
	}
	// An access is told apart by person and organisation alone.
	s.authority, s.kind, s.dedupe = "", "", true
	if kept(w.accesses, s) {
		w.accesses = append(w.accesses, s)
	}
}

// compare counts what is stored for the persons of this world.
func (w *world) compare(rt *rapid.T) {
	for name, id := range w.persons {
		of := func(all []seen) int {
			return len(slices.DeleteFunc(slices.Clone(all), func(s seen) bool { return s.person != name }))
		}
		if got, want := w.f.count(`SELECT count(*) FROM cpis.notice WHERE person_id = $1`, id), of(w.notice); got != want {
			rt.Errorf("notices of %s: got %d, want %d", name, got, want)
		}
		if got, want := w.f.count(`SELECT count(*) FROM cpis.access WHERE person_id = $1`, id), of(w.accesses); got != want {
			rt.Errorf("accesses of %s: got %d, want %d", name, got, want)
		}
	}
}

// Two servers look the same person up for the same encounters at the same
// time: the swap of the head lets only one of them see that there is no notice.
func TestRacingServersWriteOneNotice(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	servers := []*store.DB{f.db, dbtest.Open(t, f.data)}
	person := newID()
	const encounters = 40
	for i := range encounters {
		encounter := randomTag()
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				b := store.Batch{Lines: lines(1), Subjects: make([][]byte, 1)}
				at := f.now.Add(time.Duration(i) * time.Second)
				b.Accesses = []store.AccessRow{{ID: newID(), Person: person, At: at, Organisation: trust, Encounter: encounter[:]}}
				b.Notices = []store.NoticeRow{{
					ID: newID(), Person: person, Authority: leeds, Kind: "unscheduled", At: at,
					Organisation: trust, Encounter: encounter[:], Dedupe: true,
				}}
				if err := appendBatch(t, servers[w%2], f.log, &b); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	for table, sql := range map[string]string{
		"notices":  `SELECT count(*) FROM cpis.notice`,
		"accesses": `SELECT count(*) FROM cpis.access`,
	} {
		if got := f.count(sql); got != encounters {
			t.Errorf("%s: got %d, want one for each of %d encounters", table, got, encounters)
		}
	}
	if got := len(f.verifyLog()); got != 4*encounters {
		t.Errorf("entries: got %d, want every look-up's", got)
	}
}
