package guard_test

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
)

func TestRepeatedRequest_GetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	f := newService(t)
	r := with(rightCPP(), func(r *domain.Registration) { r.Request = "same" })
	first := f.MustRegister(lead, r)
	f.Clock.Advance(23 * time.Hour)
	again := f.MustRegister(lead, r)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("answers (-first +again):\n%s", diff)
	}
	e := f.LastEntry()
	if e.Outcome != "done" || e.Reason != "repeated" || e.Disclosed != nil || string(e.Subject) != string(f.Tag("9990000018")) {
		t.Errorf("entry %+v", e)
	}

	q := ending(first)
	q.Request = "same too"
	ended, err := f.EndPlan(t.Context(), lead, q)
	if err != nil {
		t.Fatal(explain(err))
	}
	endedAgain, err := f.EndPlan(t.Context(), lead, q)
	if err != nil {
		t.Fatal(explain(err))
	}
	if diff := cmp.Diff(ended, endedAgain, cmp.AllowUnexported(domain.Date{}, plan.ChangeResult{})); diff != "" {
		t.Errorf("answers (-first +again):\n%s", diff)
	}
	if h := f.Held(); h.Plans != 1 || h.PlanVersions != 2 || h.Answers != 2 {
		t.Errorf("%+v", h)
	}
}

func TestRepeatedRequest_WithOtherContentIsRefused(t *testing.T) {
	t.Parallel()
	f := newService(t)
	first := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Request = "same" }))
	changes := map[string]func(*domain.Registration){
		"number":     func(r *domain.Registration) { r.NHSNumber = "9990000026" },
		"family":     func(r *domain.Registration) { r.Family = "Other" },
		"given":      func(r *domain.Registration) { r.Given = "Other" },
		"born":       func(r *domain.Registration) { r.DateOfBirth = "2019-04-29" },
		"kind":       func(r *domain.Registration) { r.Kind, r.Basis = domain.LAC, domain.S20 },
		"start":      func(r *domain.Registration) { r.Start = "2026-09-02" },
		"end":        func(r *domain.Registration) { r.End = "2026-10-02" },
		"reference":  func(r *domain.Registration) { r.Reference = "CASE-1043" },
		"restricted": func(r *domain.Registration) { r.Restricted = true },
		// The same letters, in another place.
		"boundary": func(r *domain.Registration) { r.Family, r.Given = "ExampleR", "obin" },
	}
	for name, change := range changes {
		r := with(with(rightCPP(), func(r *domain.Registration) { r.Request = "same" }), change)
		if _, err := f.RegisterPlan(t.Context(), lead, r); !errors.Is(err, guard.ErrReused) {
			t.Errorf("%s: got %v, want %v", name, err, guard.ErrReused)
		}
	}
	q := ending(first)
	q.Request = "same"
	if _, err := f.EndPlan(t.Context(), lead, q); !errors.Is(err, guard.ErrReused) {
		t.Errorf("another act: got %v, want %v", err, guard.ErrReused)
	}
	if e := f.LastEntry(); e.Outcome != "refused" || e.Reason != "request_reused" {
		t.Errorf("entry %+v", e)
	}
	if h := f.Held(); h.Plans != 1 || h.PlanVersions != 1 {
		t.Errorf("%+v", h)
	}
}

func TestRepeatedRequest_IsOfOneOrganisation(t *testing.T) {
	t.Parallel()
	f := newService(t)
	r := with(rightCPP(), func(r *domain.Registration) { r.Request = "same" })
	if a, b := f.MustRegister(lead, r), f.MustRegister(otherLead, r); a.PlanID == b.PlanID {
		t.Error("one organisation got the answer of another")
	}
}

// Without a request id nothing can be repeated, and nothing is kept.
func TestRepeatedRequest_NeedsAnID(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	_, err := f.RegisterPlan(t.Context(), lead, rightCPP())
	violationsOf(t, err)
	if h := f.Held(); h.Answers != 0 {
		t.Errorf("%d answers are kept", h.Answers)
	}
}

// What was refused or failed may be corrected and sent again.
func TestRepeatedRequest_AfterAFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	f := newService(t)
	r := with(rightCPP(), func(r *domain.Registration) { r.Request, r.Family, r.Given = "same", "", "" })
	_, err := f.RegisterPlan(t.Context(), lead, r)
	violationsOf(t, err)
	r.Family, r.Given = "Example", "Child"
	f.Keeper.TakeAway(true)
	if _, err := f.RegisterPlan(t.Context(), lead, r); !errors.Is(err, guard.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	f.Keeper.TakeAway(false)
	f.MustRegister(lead, r)
}

func TestRepeatedRequest_IsForgottenAfterADay(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Request = "same" }))
	f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.Request = "other" }))
	f.Clock.Advance(24*time.Hour + time.Second)
	f.MustRegister(lead, with(rightUCPP(), func(r *domain.Registration) { r.Request = "same" }))
	if h := f.Held(); h.Plans != 3 || h.Answers != 1 {
		t.Errorf("%+v", h)
	}
	f.Clock.Advance(24*time.Hour + time.Second)
	if err := f.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := f.Held(); h.Answers != 0 {
		t.Errorf("%d answers are kept", h.Answers)
	}
}

// A client that lost patience sends again while the first is still under way.
// Whichever comes first, both get one answer.
func TestRepeatedRequest_AtTheSameMoment(t *testing.T) {
	t.Parallel()
	f := newService(t)
	s := f.Another() // a load balancer sends every other one there
	known := f.MustRegister(lead, with(rightUCPP(), func(r *domain.Registration) { r.NHSNumber = "9990000034" }))
	requests := map[string]func(*service.Service) (any, error){
		"about somebody new": func(s *service.Service) (any, error) {
			return s.Plans.RegisterPlan(t.Context(), lead, with(rightCPP(), func(r *domain.Registration) { r.Request = "new" }))
		},
		"about somebody known": func(s *service.Service) (any, error) {
			return s.Plans.RegisterPlan(t.Context(), lead, with(rightUCPP(), func(r *domain.Registration) {
				r.NHSNumber, r.Start, r.Expected, r.End, r.Request = "9990000034", "2025-01-01", "2025-03-01", "2025-03-02", "known"
			}))
		},
		"ending": func(s *service.Service) (any, error) {
			q := ending(known)
			q.Request = "ending"
			return s.Plans.EndPlan(t.Context(), lead, q)
		},
	}
	for name, send := range requests {
		answers := make([]any, 8)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				server := f.Service
				if i%2 == 1 {
					server = s
				}
				var err error
				if answers[i], err = send(server); err != nil {
					t.Errorf("%s, request %d: %s", name, i, explain(err))
				}
			})
		}
		all.Wait()
		for i := range answers {
			if diff := cmp.Diff(answers[0], answers[i], cmp.AllowUnexported(domain.Date{}, plan.ChangeResult{})); diff != "" {
				t.Errorf("%s, answer %d (-first +this):\n%s", name, i, diff)
			}
		}
	}
	if h := f.Held(); h.Persons != 2 || h.Plans != 3 || h.PlanVersions != 4 || h.Answers != 3 {
		t.Errorf("%+v", h)
	}
	repeated := 0
	for _, e := range f.Entries() {
		if e.Reason == "repeated" {
			repeated++
		}
	}
	if repeated != 3*7 {
		t.Errorf("%d entries of repeated requests, want 21", repeated)
	}
}

// The fingerprints of requests outlive a change of the index key.
func TestRepeatedRequest_WhileTheIndexKeyRotates(t *testing.T) {
	t.Parallel()
	f := newService(t)
	r := with(rightCPP(), func(r *domain.Registration) { r.Request = "same" })
	first := f.MustRegister(lead, r)
	f.AddIndexKey(2)
	again, err := f.Another().Plans.RegisterPlan(t.Context(), lead, r)
	if err != nil {
		t.Fatal(explain(err))
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("answers (-first +again):\n%s", diff)
	}
}

// What is kept of an answer names nobody.
func TestRepeatedRequest_NothingPersonalIsKept(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Request = "one" }))
	row, err := f.DB.Answers.Find(t.Context(), islington, "one")
	if err != nil {
		t.Fatal(err)
	}
	assertNothingPersonal(t, row.Response)
}

// A field that were forgotten would make two requests one: the second would get
// the answer of the first, and nothing would be done.
func TestRequests_DifferInEachField(t *testing.T) {
	t.Parallel()
	found := requests()
	if len(found) < 15 {
		t.Errorf("only %d requests that may be repeated were found", len(found))
	}
	for _, request := range found {
		t.Run(request.Name(), func(t *testing.T) {
			t.Parallel()
			differsInEachField(t, request)
		})
	}
}

// requests are the requests of all rooms that may be repeated.
func requests() []reflect.Type {
	var all []reflect.Type
	for room := range reflect.TypeFor[service.Service]().Fields() {
		for method := range room.Type.Methods() {
			for in := range method.Type.Ins() {
				if in.Kind() != reflect.Pointer || in.Elem().Kind() != reflect.Struct {
					continue
				}
				if id, ok := in.Elem().FieldByName("Request"); ok && id.Tag.Get("json") == "-" { // others are only read
					all = append(all, in.Elem())
				}
			}
		}
	}
	return all
}

func differsInEachField(t *testing.T, request reflect.Type) {
	t.Helper()
	none := contentOf(t, reflect.New(request))
	for _, index := range fieldsOf(request) {
		one := reflect.New(request)
		field := one.Elem()
		for _, i := range index {
			if field.Kind() == reflect.Pointer {
				field.Set(reflect.New(field.Type().Elem()))
				field = field.Elem()
			}
			field = field.Field(i)
		}
		fill(t, field)
		if slices.Equal(none, contentOf(t, one)) {
			t.Errorf("%s is not part of what %s asks for", request.FieldByIndex(index).Name, request.Name())
		}
	}
}

// fieldsOf are the fields of a request that hold no others, but its id, and how long
// somebody waits for the answer: who waits longer asks for the same.
func fieldsOf(request reflect.Type) [][]int {
	var all [][]int
	for _, field := range reflect.VisibleFields(request) {
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case len(field.Index) > 1 || field.Name == "Request":
		case field.Type == reflect.TypeFor[time.Duration]() && field.Tag.Get("json") == "-":
		case inner.Kind() == reflect.Struct && inner != reflect.TypeFor[time.Time]():
			for _, index := range fieldsOf(inner) {
				all = append(all, append(slices.Clone(field.Index), index...))
			}
		default:
			all = append(all, field.Index)
		}
	}
	return all
}

func contentOf(t *testing.T, request reflect.Value) []string {
	t.Helper()
	content, err := guard.ContentOf(request.Interface())
	if err != nil {
		t.Fatalf("ContentOf: %v", err)
	}
	return content
}

// fill sets a field to something else than nothing.
func fill(t *testing.T, field reflect.Value) {
	t.Helper()
	if at, ok := reflect.TypeAssert[*time.Time](field.Addr()); ok {
		*at = noon
		return
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString("x")
	case reflect.Int, reflect.Int64:
		field.SetInt(1)
	case reflect.Bool:
		field.SetBool(true)
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
	case reflect.Slice:
		field.Set(reflect.MakeSlice(field.Type(), 1, 1))
	default:
		t.Fatalf("a request holds a %s: say here how to fill it", field.Type())
	}
}
