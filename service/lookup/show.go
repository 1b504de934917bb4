package lookup

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// contactFor returns the contact of the authority that holds a plan: the hub's, if
// the authority's numbers do not verify.
func (s *LookUps) contactFor(f *store.FlagRow, now time.Time) domain.Contact {
	if f.Damage.Has(store.DamagedAuthority) {
		return s.hub.Contact()
	}
	return directory.ContactOf(&f.Authority, s.hub, now)
}

// showPlans fills the answer with the person's visible plans, newest start
// first.
func (s *LookUps) showPlans(l *lookup, now time.Time) {
	a := &l.answer
	a.Restricted = l.restricted()
	a.Degraded = l.damage != 0 // what is sound is shown
	hidden := a.Restricted && !s.maySeeRestricted(l)
	for i := range l.rows {
		row := &l.rows[i]
		d, err := record.OpenDetails(l.key, &row.Plan)
		if err != nil {
			s.observe.Damaged(record.TablePlan)
			a.Degraded = true // the others are shown, and whom to ring about this one
			if !hidden {
				a.Contacts = append(a.Contacts, s.contactFor(row, now))
			}
			continue
		}
		p := Plan{Kind: d.Kind}
		if !hidden {
			p = planOf(&row.Plan, d, domain.LondonDay(now))
			p.Contact = s.contactFor(row, now)
			if row.Plan.TransferTo != "" && !row.Damage.Has(store.DamagedReceiving) {
				p.Receiving = directory.ContactOf(&row.Receiving, s.hub, now)
			}
		}
		a.Plans = append(a.Plans, p)
		if !hidden {
			l.entry.Disclosed = append(l.entry.Disclosed,
				audit.Disclosed{Plan: row.Plan.ID.String(), Version: row.Plan.Version})
		}
	}
	if hidden {
		l.entry.Reason = guard.ReasonKindsOnly
		a.Contacts = []domain.Contact{s.hub.Contact()}
		a.Plans = kindsOf(a.Plans)
		return
	}
	if l.damage.Has(store.DamagedPlan) {
		a.Contacts = append(a.Contacts, s.hub.Contact())
	}
	slices.SortFunc(a.Plans, func(p, q Plan) int {
		return cmp.Or(q.Start.Time().Compare(p.Start.Time()), cmp.Compare(p.ID, q.ID))
	})
	s.showHistory(l)
}

// kindsOf reduces plans to one for each kind, in a fixed order: neither their
// number nor their order says anything about the authorities.
func kindsOf(plans []Plan) []Plan {
	slices.SortFunc(plans, func(p, q Plan) int { return cmp.Compare(p.Kind, q.Kind) })
	return slices.CompactFunc(plans, func(p, q Plan) bool { return p.Kind == q.Kind })
}

// planOf returns a plan as it stands today.
func planOf(row *store.PlanRow, d domain.Details, today domain.Date) Plan {
	return Plan{
		ID:           row.ID.String(),
		Version:      row.Version,
		Kind:         d.Kind,
		Ended:        d.Ended(today),
		Start:        d.Start,
		End:          d.End,
		Expected:     d.Expected,
		VisibleUntil: d.VisibleUntil(),
	}
}

// showHistory fills the answer with the earlier unscheduled accesses. What does
// not verify is left out, and the answer says that something is missing.
func (s *LookUps) showHistory(l *lookup) {
	for i := range l.history {
		row := &l.history[i]
		l.answer.Degraded = l.answer.Degraded || row.Damage != 0
		if row.Damage.Has(store.DamagedAccess) {
			continue
		}
		a := Access{
			At:               row.At,
			Organisation:     row.Organisation,
			OrganisationName: row.OrganisationName,
			Setting:          domain.Setting(row.Setting),
			WrongPatient:     row.WrongPatient(),
		}
		if l.key != nil && row.Sealed != nil {
			a.Who = s.openWho(l.key, row)
		}
		l.answer.History = append(l.answer.History, a)
	}
	l.entry.History = len(l.answer.History)
}

func (s *LookUps) openWho(key *keys.DataKey, row *store.AccessRow) string {
	text, err := key.Open(row.Sealed, record.AccessContext(row.ID))
	if err != nil {
		s.observe.Damaged(record.TableAccess)
		return ""
	}
	var w record.Who
	if err := json.Unmarshal(text, &w); err != nil {
		s.observe.Damaged(record.TableAccess)
		return ""
	}
	return shorten(w.String(), maxWho)
}

// maxWho is how much of a name the history shows, in bytes of an answer in JSON.
// With it the longest history fits the size that all answers have; names come
// from callers, and nobody may make a child's answer longer than others.
const maxWho = 80

// shorten cuts a text that takes more bytes in JSON, and shows that it did.
func shorten(text string, limit int) string {
	const cut = "…"
	size, keep := 0, 0
	for i, r := range text {
		if size <= limit-len(cut) {
			keep = i
		}
		if size += sizeInJSON(r); size > limit {
			return text[:keep] + cut
		}
	}
	return text
}

// sizeInJSON is how many bytes a character takes in JSON at the most.
func sizeInJSON(r rune) int {
	if r < ' ' || strings.ContainsRune("\"\\<>&\u007f\u2028\u2029", r) {
		return len(`\u0000`)
	}
	return utf8.RuneLen(r)
}

// leaveTraces prepares what a look-up of somebody with plans leaves behind: the
// access in the history, and a notice for each authority. One that got no
// answer, because the date of birth is another, joins no history, but trying
// dates out is not silent either.
func (s *LookUps) leaveTraces(l *lookup, now time.Time) {
	if l.decision.Mode == policy.Unscheduled && l.answer.Verdict == FlagHeld {
		l.accesses = append(l.accesses, s.accessOf(l, now))
	}
	kind := l.noticeKind()
	if kind == "" {
		return
	}
	for i := range l.rows {
		if !record.FirstOfAuthority(l.rows, i) {
			continue
		}
		n := store.NoticeRow{
			ID:           guard.NewID(),
			Person:       l.rows[i].Person.ID,
			Authority:    l.rows[i].Plan.Authority,
			Kind:         string(kind),
			Priority:     kind == notice.Restricted || kind == notice.BreakGlass,
			At:           now,
			Organisation: l.caller.Organisation,
			Setting:      string(l.question.Encounter.Setting),
			Encounter:    l.entry.Encounter,
			Dedupe:       kind == notice.Unscheduled || kind == notice.Mismatch,
		}
		if l.key != nil {
			n.Sealed = notice.SealSaid(l.key, n.ID, notice.Said{Who: l.who()})
		}
		l.notices = append(l.notices, n)
	}
}

// noticeKind returns the kind of notice that a look-up makes, if it makes one.
// The look-up of a restricted person makes one whatever its mode and however
// often it is repeated; so does break-glass.
func (l *lookup) noticeKind() notice.Kind {
	switch {
	case l.answer.Reason == RecordDamaged:
		return "" // what was found is about somebody else
	case l.restricted():
		return notice.Restricted
	case l.decision.BreakGlass:
		return notice.BreakGlass
	case l.decision.Mode != policy.Unscheduled:
		return ""
	case l.answer.Verdict == FlagHeld:
		return notice.Unscheduled
	}
	return notice.Mismatch
}

func (s *LookUps) accessOf(l *lookup, now time.Time) store.AccessRow {
	a := store.AccessRow{
		ID:           guard.NewID(),
		Person:       l.rows[0].Person.ID,
		At:           now,
		Organisation: l.caller.Organisation,
		Setting:      string(l.question.Encounter.Setting),
		Encounter:    l.entry.Encounter,
	}
	if l.key == nil {
		return a // who it was stands in the log
	}
	if text, err := json.Marshal(l.who()); err == nil { // fails only for years beyond four digits
		a.Sealed = l.key.Seal(text, record.AccessContext(a.ID))
	}
	return a
}

// who says who asks.
func (l *lookup) who() record.Who {
	q := l.question
	return record.Who{
		Name: l.caller.Name, Title: l.caller.Title,
		Responsible: q.Responsible.Name, Role: q.Responsible.Role, Phone: q.Responsible.Phone,
		Lead: q.SafeguardingLead.Name, LeadRole: q.SafeguardingLead.Role, LeadPhone: q.SafeguardingLead.Phone,
		Start: q.Encounter.Start.UTC().Truncate(time.Second),
	}
}
