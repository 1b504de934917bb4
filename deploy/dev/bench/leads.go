package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"text/tabwriter"
	"time"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/planfile"
)

const (
	wantLead   = 50.     // ms, p95 of what a safeguarding lead waits for
	leadsAsked = 200     // of each, in a round
	leadsFrom  = 500_000 // NHS numbers from here on are of the authority's plans
)

// leads is one run.
type leads struct {
	site   *site
	people []leadsChild
	plans  cpisv1connect.PlanServiceClient
	work   cpisv1connect.WorkServiceClient
	random *rand.Rand
}

// leadsChild is somebody with a plan.
type leadsChild struct{ number, family, given, born string }

// Leads measures what the safeguarding leads of an authority with many plans wait
// for, and prints a table.
func Leads(ctx context.Context, o Options, plans int) error {
	cluster, err := startCluster(ctx, o.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop(context.WithoutCancel(ctx)) }()
	b := &bench{Options: o, cluster: cluster}
	b.Persons = flaggedPeople
	s, err := b.newSite(ctx, "local", nil)
	if err != nil {
		return err
	}
	defer s.stop(ctx)
	l := &leads{site: s, random: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // the same in every run
	if err := l.fill(ctx, plans); err != nil {
		return err
	}
	dial := s.dial(s.tokens("lead")[0], "")
	l.plans, l.work = cpisv1connect.NewPlanServiceClient(dial), cpisv1connect.NewWorkServiceClient(dial)
	if err := l.ready(ctx); err != nil {
		return err
	}
	return l.measure(ctx)
}

// fill registers children with names and dates of birth as people have them: some
// names often, most seldom.
func (l *leads) fill(ctx context.Context, plans int) error {
	sv, closeAll, err := openService(ctx, l.site)
	if err != nil {
		return err
	}
	defer closeAll()
	for i := leadsFrom; len(l.people) < plans; i++ {
		if n, ok := numberAt(i); ok {
			l.people = append(l.people, l.child(n))
		}
	}
	for rest := l.people; len(rest) > 0; {
		n := min(len(rest), planfile.MaxRows)
		if err := l.site.upload(ctx, sv, authoritySystem(), leadsFile(rest[:n])); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func (l *leads) child(number string) leadsChild {
	seldom := func(kinds float64) string { return strconv.FormatInt(int64(l.random.ExpFloat64()*kinds/8), 26) }
	born := time.Date(2009, 1, 10, 0, 0, 0, 0, time.UTC).AddDate(0, 0, l.random.IntN(6000))
	return leadsChild{number, "Family" + seldom(2000), "Given" + seldom(500), born.Format(time.DateOnly)}
}

func leadsFile(children []leadsChild) *bytes.Buffer {
	var b bytes.Buffer
	b.WriteString("nhs_number,family_name,given_name,date_of_birth,kind,start,restricted\n")
	for _, c := range children {
		fmt.Fprintf(&b, "%s,%s,%s,%s,cpp,2026-01-02,no\n", c.number, c.family, c.given, c.born)
	}
	return &b
}

// ready waits until the server has looked at the calendar.
func (l *leads) ready(ctx context.Context) error {
	for {
		out, err := l.work.GetWorkList(ctx, &cpisv1.GetWorkListRequest{})
		if err != nil || out.GetPlans() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// measure asks for each thing in turns, and prints how long it took.
func (l *leads) measure(ctx context.Context) error {
	b := l.site.b
	t := tabwriter.NewWriter(b.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\np95 of %d, over %d plans of one authority, ms\tmeasured\twanted\t\t\n", leadsAsked, len(l.people))
	for _, ask := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"find a person by name and date of birth", func(ctx context.Context) error { return l.find(ctx, true) }},
		{"find people by family name alone", func(ctx context.Context) error { return l.find(ctx, false) }},
		{"one person with all plans", l.person},
		{"a page of 50 plans, changed last first", l.page},
		{"what waits", func(ctx context.Context) error {
			_, err := l.work.GetWorkList(ctx, &cpisv1.GetWorkListRequest{})
			return err
		}},
	} {
		var rounds []float64
		for range b.Rounds {
			took, err := timed(leadsAsked, b.Now, func(int) error { return ask.do(ctx) })
			if err != nil {
				return fmt.Errorf("asking to %s: %w", ask.what, err)
			}
			rounds = append(rounds, millis(at(took, 95)))
		}
		line := judge(ask.what, rounds, wantLead, false)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", line.what, line.measured, line.wanted, line.verdict)
	}
	return t.Flush()
}

func (l *leads) anybody() leadsChild { return l.people[l.random.IntN(len(l.people))] }

// find looks for somebody who is there.
func (l *leads) find(ctx context.Context, exactly bool) error {
	c := l.anybody()
	q := &cpisv1.FindPeopleRequest{FamilyName: c.family}
	if exactly {
		q.GivenName, q.DateOfBirth = c.given, c.born
	}
	out, err := l.plans.FindPeople(ctx, q)
	if err == nil && len(out.GetPeople()) == 0 {
		err = fmt.Errorf("nobody was found, although %d plans are held", len(l.people))
	}
	return err
}

func (l *leads) person(ctx context.Context) error {
	_, err := l.plans.GetPerson(ctx, &cpisv1.GetPersonRequest{NhsNumber: l.anybody().number})
	return err
}

func (l *leads) page(ctx context.Context) error {
	_, err := l.plans.ListPlans(ctx, &cpisv1.ListPlansRequest{Order: cpisv1.PlanOrder_PLAN_ORDER_CHANGED, Reverse: l.random.IntN(2) == 0})
	return err
}
