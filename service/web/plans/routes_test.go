package plans_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/person"
	"cpis/service/servicetest"
	"cpis/service/web/plans"
	"cpis/service/web/webtest"
)

// examples are how the routes are visited. Each is of a plan, or of a person, that no
// other changes.
func examples(s *webtest.Site) webtest.Examples {
	s.TB.Helper()
	b, all := s.As("lead"), webtest.Examples{}
	add := func(pattern, start, page string, typed answers) {
		all.Add(b, "lead", webtest.Journey{Pattern: pattern, Start: start, Page: page, Typed: typed})
	}
	numbers := &numberer{s: s}
	reason := map[string]string{"reason": "said so"}
	typed := right()
	typed["whose"]["nhs_number"] = "9990000018"
	add("/plans/new", "/plans/new", "whose", typed)
	cpp := func() string { return a(s, servicetest.Under(numbers.next())) }
	one := cpp()
	all["GET /plans/{id}"] = webtest.Example{As: "lead", Path: one}
	add("/plans/{id}/change", cpp()+"/change", "what", answers{"what": {"what": "reference"}, "reference": {"reference": "CASE-9"}, "reason": reason})
	add("/plans/{id}/end", cpp()+"/end", "last-day", answers{"last-day": both(reason, day("end", "2026-11-20"))})
	add("/plans/{id}/remove", cpp()+"/remove", "reason", answers{"reason": reason})
	ucpp := a(s, servicetest.With(servicetest.RightUCPP(), func(r *domain.Registration) { r.NHSNumber = numbers.next() }))
	add("/plans/{id}/birth", ucpp+"/birth", "born", answers{"born": day("born", "2026-11-20"), "also": {"also": "no"}})
	add("/plans/{id}/transfer", cpp()+"/transfer", "to", answers{"to": {"to": servicetest.Camden}, "reason": reason})
	add("/people/{id}/restrict", numbers.person(false)+"/restrict", "reason", answers{"reason": reason})
	add("/people/{id}/lift", numbers.person(true)+"/lift", "reason", answers{"reason": reason})
	add("/people/{id}/number", numbers.person(false)+"/number", "number", answers{"number": {"new_nhs_number": numbers.next()}, "reason": reason})
	add("/people/{id}/merge", numbers.person(false)+"/merge", "other", answers{
		"other": {"from_nhs_number": numbers.next()}, "stays": {"stays": "other"}, "theirs": {"theirs": "no"}, "reason": reason,
	})
	add("/proposals/{id}/undo", "/proposals/"+numbers.merged()+"/undo", "reason", answers{"reason": reason})
	addDecisions(s, all, numbers)
	return all
}

// addDecisions adds what was offered and proposed, and the lists of that.
func addDecisions(s *webtest.Site, all webtest.Examples, numbers *numberer) {
	transfer := "/transfers/" + s.MustTransfer(s.MustRegister(servicetest.Lead, servicetest.Under(numbers.next()))).TransferID
	number := numbers.next()
	s.MustRegister(servicetest.Lead, servicetest.Under(number))
	proposal := "/proposals/" + s.MustPropose(servicetest.Deputy, servicetest.Proposal(person.Restrict, number))
	decided := url.Values{"decision": {"decline"}, "reason": {"said so"}}
	all["GET /transfers"] = webtest.Example{As: "lead"}
	all["GET /transfers/{id}"] = webtest.Example{As: "lead", Path: transfer}
	all["POST /transfers/{id}"] = webtest.Example{As: "camden-lead", Path: transfer, Form: decided}
	all["GET /proposals"] = webtest.Example{As: "lead"}
	all["GET /proposals/{id}"] = webtest.Example{As: "lead", Path: proposal}
	all["POST /proposals/{id}"] = webtest.Example{As: "lead", Path: proposal, Form: decided}
}

// numberer hands out NHS numbers, each once.
type numberer struct {
	s *webtest.Site
	n int
}

func (n *numberer) next() string {
	n.n++
	return servicetest.NumberAt(n.n)
}

// person registers a plan, and returns where the pages about its person are.
func (n *numberer) person(restricted bool) string {
	n.s.TB.Helper()
	at := a(n.s, servicetest.Under(n.next(), func(r *domain.Registration) { r.Restricted = restricted }))
	return "/people/" + planOf(n.s, strings.TrimPrefix(at, "/plans/")).PersonID
}

// merged has two records joined, and returns the proposal.
func (n *numberer) merged() string {
	n.s.TB.Helper()
	from, into := n.next(), n.next()
	n.s.MustRegister(servicetest.Lead, servicetest.Under(from))
	n.s.MustRegister(servicetest.Lead, servicetest.Under(into, servicetest.AsLAC))
	return n.s.MustChange(servicetest.Merging(from, into, false))
}

func TestRoutes_LeaveTheEntriesThatTheySay(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.CheckEntries(plans.Area(plans.UseCases{}).Routes, examples(s))
}

func TestPages_InABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := s.StartChromium()
	c.LookAt(plans.Area(plans.UseCases{}).Routes, examples(s))
	b := s.As("lead").Get("/plans/new") // whose drafts the same person sees in another browser
	typed := unborn()
	typed["whose"]["nhs_number"] = servicetest.NumberAt(99)
	b.Walk(typed)
	at := strings.TrimSuffix(b.At.Path, "check")
	for _, page := range []string{"kind", "whose", "name", "start", "expected", "hidden"} {
		c.Open(at + page)
		c.Look("lead-register-" + page)
	}
	send(b)
	c.Open(at + "done")
	c.Look("lead-register-done")
	for _, page := range []string{"other", "stays", "theirs"} {
		b.Get("/people/" + planOf(s, path.Base(b.Follow("See the plan").At.Path)).PersonID + "/merge")
		b.Walk(answers{"other": {"from_nhs_number": servicetest.NumberAt(98)}, "stays": {"stays": "this"}, "theirs": {"theirs": "no"}, "reason": {"reason": "one"}})
		c.Open(strings.TrimSuffix(b.At.Path, "check") + page)
		c.Look("lead-merge-" + page)
		b.Get(at + "done")
	}
}

// Nobody sees a page of these who does not manage plans, or who logged in too weakly to
// change anything.
func TestRoutes_AreForLeadsWhoLoggedInStrongly(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	at := a(s, servicetest.RightCPP())
	s.As("level-2-lead").Get(at+"/end").Want(http.StatusOK, "/confirm", "This needs your stronger log-in")
	for _, key := range []string{"nurse", "privacy", "auditor", "administrator"} {
		s.As(key).Get(at+"/end").Want(http.StatusForbidden, at+"/end", "You cannot do this here")
	}
}
