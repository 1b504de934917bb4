package lookup

import (
	"context"
	"slices"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// lookup is one look-up on its way through the group: what was asked, what
// was found, and what will be answered once its entry is committed. One
// goroutine at a time owns it; done passes it back to its caller.
type lookup struct {
	ctx context.Context //nolint:containedctx // only asked whether the caller still waits; work for a group runs on a context of its own

	// Asked.
	caller   *identity.Caller
	question *Question
	listed   bool // one of a clinic list
	asked    asked
	decision policy.Decision
	verdict  error      // ErrDenied or *InvalidError: nothing is read, only recorded
	tags     []keys.Tag // newest first; two while the index key rotates
	entry    audit.Entry

	// Found.
	rows    []store.FlagRow
	history []store.AccessRow
	damage  store.Damage  // what does not verify; such plans are not among the rows
	key     *keys.DataKey // the person's; nil until unwrapped, and while the keeper is away
	tried   bool          // the keeper was asked for the key

	// To be written with the entry.
	accesses []store.AccessRow
	notices  []store.NoticeRow
	reviews  []store.ReviewRow

	// Answered.
	answer Answer
	err    error
	done   chan struct{}
}

// LookUp answers one question. If the caller hangs up, the error is that of ctx;
// the look-up is recorded all the same.
func (s *LookUps) LookUp(ctx context.Context, c *identity.Caller, q *Question) (*Answer, error) {
	l := s.newLookup(ctx, c, q, policy.LookUp)
	if err := s.group.submit(ctx, l); err != nil {
		return nil, err
	}
	return l.wait(ctx)
}

// newLookup reads a question and asks the policy about it.
func (s *LookUps) newLookup(ctx context.Context, c *identity.Caller, q *Question, a policy.Action) *lookup {
	q = q.fold()
	l := &lookup{ctx: ctx, caller: c, question: q, listed: a == policy.LookUpMany, done: make(chan struct{})}
	l.decision = s.policy.Decide(policy.Request{
		Roles:      c.Roles,
		Class:      c.Class,
		Action:     a,
		Mode:       q.Mode,
		Assurance:  c.Assurance,
		BreakGlass: q.BreakGlass != "",
	})
	var invalid error
	l.asked, invalid = q.read(c, domain.LondonDay(s.clock.Now()))
	switch {
	case !l.decision.Allowed:
		l.verdict = guard.Denied(l.decision) // before what is wrong with the question: who may not ask learns nothing
	case invalid != nil:
		l.verdict = invalid
	}
	if !l.asked.number.IsZero() {
		l.tags = s.ring.Tags(l.asked.number.Reveal())
	}
	l.entry = s.lookupEntry(l, a)
	return l
}

// lookupEntry fills what is known of the entry before anything is read.
func (s *LookUps) lookupEntry(l *lookup, a policy.Action) audit.Entry {
	q := l.question
	e := guard.Entry(l.caller, a, q.Request)
	guard.Decided(&e, s.policy, l.decision)
	e.Setting = string(q.Encounter.Setting)
	e.Purpose = string(q.Purpose)
	if e.Purpose == "" {
		e.Purpose = string(domain.DirectCare)
	}
	e.Grounds = string(q.Grounds)
	if len(l.tags) > 0 {
		e.Subject = l.tags[0][:]
	}
	e.Encounter = s.records.Encounter(l.caller.Organisation, q.Encounter.ID)
	if !q.Responsible.IsZero() {
		e.Responsible = s.records.Responsible(l.caller.Organisation, q.Responsible.Name, q.Responsible.Role)
	}
	return e
}

// wait returns the answer once the entry is committed. A caller that hangs up
// first gets nothing.
func (l *lookup) wait(ctx context.Context) (*Answer, error) {
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l.err != nil {
		return nil, l.err
	}
	return &l.answer, nil
}

// finish hands the look-up back to its caller.
func (l *lookup) finish(err error) {
	l.err = err
	close(l.done)
}

// wantsKey reports whether details were found that no key at hand opens, and the
// keeper has not been asked yet.
func (l *lookup) wantsKey() bool { return len(l.rows) > 0 && l.key == nil && !l.tried }

// take takes the rows of a tag. What cannot be believed is left out: plans that
// do not verify, and everything if the tag does not.
func (l *lookup) take(rows []store.FlagRow, history []store.AccessRow) {
	l.damage = 0
	for i := range rows {
		l.damage |= rows[i].Damage
	}
	if l.damage.Has(store.DamagedTag) {
		return
	}
	if l.damage.Has(store.DamagedPlan) {
		rows = slices.DeleteFunc(rows, func(f store.FlagRow) bool { return f.Damage.Has(store.DamagedPlan) })
	}
	if len(rows) > 0 {
		l.rows, l.history = rows, history
	}
}

// restricted reports whether the person's whereabouts must not be revealed: also
// if that is not known.
func (l *lookup) restricted() bool {
	return l.damage.Has(store.DamagedPerson) || len(l.rows) > 0 && l.rows[0].Person.Restricted
}

// open opens what was found and decides the answer. It does the same work for
// a person without plans: what it then opens is a decoy.
func (s *LookUps) open(l *lookup, now time.Time) {
	a := &l.answer
	a.Mode = l.decision.Mode
	switch {
	case len(l.rows) == 0 && l.damage != 0:
		a.Verdict, a.Reason = CannotSay, RecordDamaged
		a.Contacts = []domain.Contact{s.hub.Contact()}
	case len(l.rows) == 0:
		a.Verdict = NoFlagKnown
		s.workOnDecoy(l, now)
	case l.key == nil, l.damage.Has(store.DamagedPerson):
		s.answerDegraded(l, now)
	default:
		s.answerOpened(l, now)
	}
	if len(l.rows) > 0 {
		s.leaveTraces(l, now)
	}
	if l.decision.BreakGlass {
		l.reviews = append(l.reviews, s.reviewOf(l, now))
	}
	a.advise()
	l.entry.Outcome = string(a.Verdict)
	if a.Reason != NoReason {
		l.entry.Reason = string(a.Reason)
	}
	l.entry.Restricted = l.restricted() // also if the answer does not say so
	l.entry.Degraded = a.Degraded
}

// answerOpened answers from opened details.
func (s *LookUps) answerOpened(l *lookup, now time.Time) {
	person, err := record.OpenPerson(l.key, &l.rows[0].Person)
	if err != nil {
		s.observe.Damaged(record.TablePerson)
		s.answerDegraded(l, now)
		return
	}
	a := &l.answer
	switch {
	case !person.Has(l.asked.number):
		// The index points at somebody else: what is held for the number that
		// was asked for cannot be known.
		s.observe.Damaged("person_tag")
		a.Verdict, a.Reason = CannotSay, RecordDamaged
	case !l.asked.born.IsZero() && l.asked.born != person.DateOfBirth:
		a.Verdict, a.Reason = CannotSay, IdentityMismatch
	default:
		a.Verdict = FlagHeld
		a.IdentityChecked = !l.asked.born.IsZero()
		a.Superseded = !person.NHSNumber.Is(l.asked.number)
		s.showPlans(l, now)
		return
	}
	a.Contacts = []domain.Contact{s.hub.Contact()}
}

// answerDegraded answers that a flag is held although its details cannot be
// opened: whom to ring is known all the same.
func (s *LookUps) answerDegraded(l *lookup, now time.Time) {
	a := &l.answer
	*a = Answer{Verdict: FlagHeld, Degraded: true, Mode: a.Mode, Restricted: l.restricted()}
	if a.Restricted && !s.maySeeRestricted(l) {
		a.Contacts = []domain.Contact{s.hub.Contact()}
		return
	}
	for i := range l.rows {
		if record.FirstOfAuthority(l.rows, i) {
			a.Contacts = append(a.Contacts, s.contactFor(&l.rows[i], now))
		}
	}
	if l.damage.Has(store.DamagedPlan) {
		a.Contacts = append(a.Contacts, s.hub.Contact())
	}
	if l.asked.born.IsZero() { // else it may be somebody else's: the date could not be compared
		s.showHistory(l)
	}
}

// maySeeRestricted reports whether the caller has the special right to see where
// a restricted person's plans are held.
func (s *LookUps) maySeeRestricted(l *lookup) bool {
	return s.policy.Decide(policy.Request{
		Roles:     l.caller.Roles,
		Class:     l.caller.Class,
		Action:    policy.ViewRestricted,
		Own:       l.ownAlone(),
		Assurance: l.caller.Assurance,
	}).Allowed
}

// ownAlone reports whether all visible plans are of the caller's organisation.
func (l *lookup) ownAlone() bool {
	another := func(f store.FlagRow) bool { return f.Plan.Authority != l.caller.Organisation }
	return l.damage == 0 && !slices.ContainsFunc(l.rows, another)
}

// UnderWay is how many look-ups are under way, and beyond how many more are refused.
func (s *LookUps) UnderWay() (now, most int) { return s.group.queue.underWay(), s.group.cfg.MaxWaiting }
