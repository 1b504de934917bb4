package notice

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
	"cpis/service/text"
)

// A notice is given to a colleague: a person who did something for the same
// authority in the last 90 days, as a safeguarding lead. Who that is, the
// service remembers by itself, once a day for each; nobody keeps a list.

// Colleagues are to whom notices can be given.
type Colleagues struct {
	db      *store.DB
	ring    *keys.Ring
	clock   domain.Clock
	guard   *guard.Guard
	records *record.Records
	met     met // who need not be remembered again today
}

// Colleague is somebody who acts for the caller's authority.
type Colleague struct {
	ID       string // the service's own
	User     string // identifier at the issuer
	Name     string // empty if no token said so
	LastSeen domain.Date
}

// sealedColleague is what is sealed of a colleague.
type sealedColleague struct {
	Authority string `json:"authority"`
	Issuer    string `json:"issuer"`
	User      string `json:"user"`
	Name      string `json:"name,omitempty"`
}

const (
	hashColleague    = "colleague" // domain of the hashes that are identifiers
	colleagueVersion = 1
	maxColleagues    = 500
	meetAgain        = time.Minute // after a failure
)

// ColleaguesKept is how long a colleague is known who was not seen again.
const ColleaguesKept = 90 * 24 * time.Hour

// colleagueID returns the identifier of somebody who acts for an authority.
// Identifiers at an issuer are taken as actors are compared.
func (s *Colleagues) colleagueID(authority, issuer, user string) uuid.UUID {
	h := s.ring.StableHash(hashColleague, authority, issuer, strings.ToLower(text.Fold(user)))
	id, _ := uuid.FromBytes(h[:16]) // never fails: sixteen bytes
	return id
}

// met says until when colleagues need not be remembered again.
type met struct {
	mu    sync.Mutex // guards until
	until map[uuid.UUID]time.Time
}

// due reports whether somebody is to be remembered, which is tried once at a time
// and not again before then.
func (m *met) due(id uuid.UUID, now, then time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Before(m.until[id]) {
		return false
	}
	m.set(id, then)
	return true
}

// set says until when somebody need not be remembered; those whose time has come
// leave room.
func (m *met) set(id uuid.UUID, then time.Time) {
	if m.until == nil || len(m.until) >= 4*maxColleagues {
		m.until = make(map[uuid.UUID]time.Time)
	}
	m.until[id] = then
}

// Meet remembers, once a day, a person who acts as a safeguarding lead. If
// that fails it is tried again with a later act: no act waits for it in vain.
func (s *Colleagues) Meet(ctx context.Context, c *identity.Caller, as policy.Role) {
	if c.System || as != policy.SafeguardingLead {
		return
	}
	id, now := s.colleagueID(c.Organisation, c.Issuer, c.ID), s.clock.Now()
	if !s.met.due(id, now, now.Add(meetAgain)) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, record.KeyWait)
	defer cancel()
	if s.keepColleague(ctx, id, c) == nil {
		s.met.mu.Lock()
		defer s.met.mu.Unlock()
		s.met.set(id, s.clock.Today().AddDays(1).Time())
	}
}

// keepColleague writes that somebody was seen today.
func (s *Colleagues) keepColleague(ctx context.Context, id uuid.UUID, c *identity.Caller) error {
	rows, err := s.db.Colleagues.ByID(ctx, c.Organisation, []uuid.UUID{id})
	if err != nil {
		return err
	}
	row := store.ColleagueRow{ID: id, Authority: c.Organisation, SeenOn: s.clock.Today().Time()}
	write := func(tx *store.Tx) error { return tx.Colleagues.Insert(ctx, &row) }
	var key *keys.DataKey
	if len(rows) == 0 {
		made, err := s.ring.New(ctx, []string{store.ColleagueKeys.Owner(id)})
		if err != nil {
			return fmt.Errorf("making key of colleague: %w", err)
		}
		row.WrappedKey, key = made[0].Wrapped.Text, made[0].Key
	} else {
		if rows[0].SeenOn.Equal(row.SeenOn) {
			return nil
		}
		if key = s.colleagueKeys(ctx, rows)[0]; key == nil {
			return guard.ErrUnavailable
		}
		write = func(tx *store.Tx) error { return tx.Colleagues.Update(ctx, &row) }
	}
	who := sealedColleague{Authority: c.Organisation, Issuer: c.Issuer, User: guard.Clip(c.ID), Name: guard.Clip(c.Name)}
	if row.Sealed, err = record.SealJSON(key, record.DetailsContext(record.TableColleague, id, colleagueVersion), who); err != nil {
		return err
	}
	return s.db.Tx(ctx, write)
}

// colleagueKeys gets the keys of colleagues; nil for those that cannot be had.
func (s *Colleagues) colleagueKeys(ctx context.Context, rows []store.ColleagueRow) []*keys.DataKey {
	wrapped := make([]keys.Wrapped, len(rows))
	for i := range rows {
		wrapped[i] = keys.Wrapped{Owner: store.ColleagueKeys.Owner(rows[i].ID), Text: rows[i].WrappedKey}
	}
	ctx, cancel := context.WithTimeout(ctx, record.KeyWait)
	defer cancel()
	opened := make([]*keys.DataKey, len(rows))
	for i, r := range s.ring.Unwrap(ctx, wrapped) {
		if r.Err != nil {
			_ = s.records.KeyError(r.Err) // if the key is not this colleague's, somebody is woken
			continue
		}
		opened[i] = r.Value
	}
	return opened
}

// openColleagues opens colleagues of an authority. Of those who cannot be opened
// now nothing but the identifier is known.
func (s *Colleagues) openColleagues(ctx context.Context, rows []store.ColleagueRow) []Colleague {
	out := make([]Colleague, len(rows))
	for i, key := range s.colleagueKeys(ctx, rows) {
		r := &rows[i]
		out[i] = Colleague{ID: r.ID.String(), LastSeen: domain.DateOf(r.SeenOn)}
		if key == nil {
			continue
		}
		var who sealedColleague
		err := record.OpenJSON(key, record.DetailsContext(record.TableColleague, r.ID, colleagueVersion), r.Sealed, &who)
		if err != nil || who.Authority != r.Authority {
			_ = s.records.Damaged(record.TableColleague)
			continue
		}
		out[i].User, out[i].Name = who.User, who.Name
	}
	return out
}

// ListColleaguesRequest asks to whom notices can be given.
type ListColleaguesRequest struct {
	Request string // request id
}

// ColleagueList is to whom notices of an authority can be given.
type ColleagueList struct {
	guard.Receipt

	Colleagues []Colleague // by name
}

// ListColleagues shows to whom notices of the caller's authority can be given:
// who acted for it as a safeguarding lead in the last 90 days.
func (s *Colleagues) ListColleagues(ctx context.Context, c *identity.Caller, q *ListColleaguesRequest) (*ColleagueList, error) {
	a := guard.Act{Caller: c, Action: policy.ListColleagues, Own: true, Request: q.Request}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ColleagueList, error) {
		rows, err := tx.Colleagues.List(ctx, c.Organisation, maxColleagues)
		if err != nil {
			return nil, err
		}
		known := slices.DeleteFunc(s.openColleagues(ctx, rows), func(c Colleague) bool { return c.User == "" })
		if len(rows) > 0 && len(known) == 0 {
			return nil, guard.ErrUnavailable
		}
		slices.SortStableFunc(known, func(a, b Colleague) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.User, b.User))
		})
		e.Counts = audit.Counts{"colleagues": int64(len(known))}
		guard.Show(e, guard.KindColleague, known, func(c *Colleague) string { return c.ID })
		return &ColleagueList{Colleagues: known}, nil
	})
}

// colleaguesCalled returns the identifiers that a text may mean: one of the
// service's own, or a user id at the issuer of who says it.
func (s *Colleagues) colleaguesCalled(c *identity.Caller, called string) []uuid.UUID {
	ids := []uuid.UUID{s.colleagueID(c.Organisation, c.Issuer, called)}
	if id, err := uuid.Parse(called); err == nil {
		ids = append(ids, id)
	}
	return ids
}

// findColleague finds to whom a notice is to be given.
func (s *Colleagues) findColleague(ctx context.Context, tx *store.Tx, c *identity.Caller, called string) (Colleague, error) {
	rows, err := tx.Colleagues.ByID(ctx, c.Organisation, s.colleaguesCalled(c, called))
	if err != nil {
		return Colleague{}, err
	}
	if len(rows) == 0 {
		var v domain.Violations
		v.Add("to", "must be the id or user id of a colleague, as ListColleagues shows them: somebody who acted for your authority in the last 90 days", "")
		return Colleague{}, v.Err()
	}
	return s.openColleagues(ctx, rows[:1])[0], nil
}

// ForgetColleagues forgets who was not seen for long.
func (s *Colleagues) ForgetColleagues(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Colleagues.Forget(ctx, s.clock.Now().Add(-ColleaguesKept))
		return err
	})
}

// nameAssignees says to whom notices were given. What stands there of an earlier
// version is a text that somebody chose.
func (s *Colleagues) nameAssignees(ctx context.Context, authority string, notices []Notice) error {
	var ids []uuid.UUID
	for i := range notices {
		if id, err := uuid.Parse(notices[i].AssignedTo); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := s.db.Colleagues.ByID(ctx, authority, ids)
	if err != nil || len(rows) == 0 {
		return err
	}
	known := make(map[string]Colleague, len(rows))
	for _, c := range s.openColleagues(ctx, rows) {
		known[c.ID] = c
	}
	for i := range notices {
		n := &notices[i]
		if c, ok := known[n.AssignedTo]; ok {
			n.Assignee = &c
			n.AssignedTo = cmp.Or(c.User, c.ID)
		}
	}
	return nil
}
