package lookup

import (
	"encoding/json"
	"time"

	"cpis/policy"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/record"
)

// decoyHistory is how many earlier accesses the decoy has.
const decoyHistory = 3

// workOnDecoy does what answering about somebody with a plan takes, and what leaving
// traces of it takes. Nothing of it is kept.
func (s *LookUps) workOnDecoy(l *lookup, now time.Time) {
	d := s.decoy
	d.Open()
	if p, err := record.OpenDetails(d.Key, &d.Plan); err == nil {
		_ = planOf(&d.Plan, p, domain.LondonDay(now))
	}
	_ = directory.ContactOf(&d.Authority, s.hub, now)
	for range decoyHistory {
		var w record.Who
		if text, err := d.Key.Open(d.Access.Sealed, record.AccessContext(d.Access.ID)); err == nil && json.Unmarshal(text, &w) == nil {
			_ = shorten(w.String(), maxWho)
		}
	}
	if l.caller == nil || l.decision.Mode != policy.Unscheduled {
		return
	}
	asks := l.who()
	_ = notice.SealSaid(d.Key, guard.NewID(), notice.Said{Who: asks})
	if text, err := json.Marshal(asks); err == nil {
		_ = d.Key.Seal(text, record.AccessContext(guard.NewID()))
	}
}
