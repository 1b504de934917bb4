package notice_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
)

func TestOverlap_BothAuthoritiesAreTold(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	f.MustRegister(otherLead, rightLAC())
	f.MustRegister(lead, rightCPP()) // the LAC is of another kind
	want := []told{
		{To: camden, Kind: "overlap", Organisation: islington},
		{To: islington, Kind: "overlap", Organisation: camden},
	}
	if diff := cmp.Diff(want, f.Told()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	f.MustRegister(thirdLead, rightCPP())
	want = append(
		want,
		told{To: camden, Kind: "overlap", Organisation: hackney},
		told{To: hackney, Kind: "overlap", Organisation: camden},
		told{To: hackney, Kind: "overlap", Organisation: islington},
		told{To: islington, Kind: "overlap", Organisation: hackney},
	)
	if diff := cmp.Diff(want, f.Told()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// Of a restricted person nobody learns who else knows them.
func TestOverlap_OfRestrictedPersonsNamesNobody(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.Restricted = true }))
	f.MustRegister(lead, rightCPP())
	want := []told{{To: camden, Kind: "overlap"}, {To: islington, Kind: "overlap"}}
	if diff := cmp.Diff(want, f.Told()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func TestOverlap_NobodyIsToldOfWhatIsNone(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ theirs, ours *domain.Registration }{
		"another kind":           {rightLAC(), rightCPP()},
		"begins where one ends":  {with(rightCPP(), func(r *domain.Registration) { r.Start, r.End = "2026-01-01", "2026-09-01" }), rightCPP()},
		"theirs is long over":    {with(rightCPP(), func(r *domain.Registration) { r.Start, r.End = "2021-01-01", "2022-01-01" }), with(rightCPP(), func(r *domain.Registration) { r.Start = "2021-06-01" })},
		"ours is long over":      {with(rightCPP(), func(r *domain.Registration) { r.Start = "2021-06-01" }), with(rightCPP(), func(r *domain.Registration) { r.Start, r.End = "2021-01-01", "2022-01-01" })},
		"different unborn child": {with(rightUCPP(), func(r *domain.Registration) { r.Start, r.End = "2026-01-01", "2026-08-01"; r.Expected = "2026-07-30" }), rightUCPP()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			f.MustRegister(otherLead, tt.theirs)
			f.MustRegister(lead, tt.ours)
			if got := f.Told(); len(got) > 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
	f := newService(t)
	f.MustRemove(otherLead, f.MustRegister(otherLead, rightCPP()))
	f.MustRegister(lead, rightCPP())
	if got := f.Told(); len(got) > 0 {
		t.Errorf("theirs was removed: got %+v", got)
	}
}

// Two plans of another authority overlap with one: it is told once.
func TestOverlap_IsToldOncePerAuthority(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.Start, r.End = "2026-01-01", "2026-09-01" }))
	f.MustRegister(otherLead, rightCPP())
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Start = "2026-02-01" }))
	if got := f.Told(); len(got) != 2 {
		t.Errorf("got %+v", got)
	}
}

// An amendment tells of what it makes overlap, and not of what did before.
func TestOverlap_ThatAnAmendmentMakes(t *testing.T) {
	t.Parallel()
	f := newService(t)
	ended := with(rightCPP(), func(r *domain.Registration) { r.Start, r.End = "2026-01-01", "2026-03-01" })
	plan := f.MustRegister(lead, ended)
	f.MustRegister(otherLead, rightCPP())
	q := amendment(plan, ended)
	q.End = "2026-04-01"
	f.MustAmend(lead, q)
	if got := f.Told(); len(got) > 0 {
		t.Errorf("not overlapping yet: got %+v", got)
	}
	q.Version, q.End = 2, ""
	f.MustAmend(lead, q)
	if got := f.Told(); len(got) != 2 {
		t.Errorf("overlapping: got %+v", got)
	}
	q.Version, q.Reference = 3, "CASE-1"
	f.MustAmend(lead, q)
	if got := f.Told(); len(got) != 2 {
		t.Errorf("still overlapping: got %+v", got)
	}
}

// What another authority holds may be damaged: that wakes somebody, and keeps
// nobody from protecting a child.
func TestOverlap_DamageOfOthersIsNoHindrance(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	f.Exec(`UPDATE cpis.plan SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)`)
	f.MustRegister(lead, rightCPP())
	if f.Damaged.Load() == 0 {
		t.Error("nobody is woken")
	}
	if got := f.Told(); len(got) > 0 {
		t.Errorf("got %+v", got)
	}
}
