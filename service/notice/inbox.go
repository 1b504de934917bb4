package notice

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// InboxQuery asks for a page of an authority's notices. Zero values ask for
// all.
type InboxQuery struct {
	Open        bool // only those that nobody has acknowledged
	Priority    bool
	Undelivered bool
	Kind        Kind
	AssignedTo  string // a colleague's id, or user id at the caller's issuer
	guard.Paging
	Request string // request id
}

// InboxPage is a page of an authority's notices, the newest first.
type InboxPage struct {
	guard.Receipt

	Notices []Notice
	Next    string // empty at the end
}

// ListNotices shows a page of the notices of the caller's authority. The error
// is ErrDenied, *InvalidError, *OverloadedError, ErrUnrecorded, ErrUnavailable
// or ErrDamaged.
func (s *Notices) ListNotices(ctx context.Context, c *identity.Caller, q *InboxQuery) (*InboxPage, error) {
	in, size, err := q.read(c.Organisation)
	if in.AssignedTo != nil {
		in.AssignedTo = s.assignedTo(c, in.AssignedTo[0])
	}
	a := guard.Act{Caller: c, Action: policy.ReadNotices, Own: true, Request: q.Request, Check: err}
	var rows []store.NoticeRow
	shown, err := s.showNotices(ctx, a, func(ctx context.Context) (_ []store.NoticeRow, err error) {
		rows, err = s.db.Notices.Inbox(ctx, in, size)
		return rows, err
	})
	if err != nil {
		return nil, err
	}
	page := InboxPage{Receipt: shown.Receipt, Notices: shown.notices}
	if len(rows) == size {
		last := &rows[size-1]
		page.Next = inboxPlace{last.At, last.ID}.String()
	}
	return &page, nil
}

// read reads the texts of an InboxQuery.
func (q *InboxQuery) read(authority string) (*store.Inbox, int, error) {
	var c domain.Reader
	in := store.Inbox{
		Authority: authority, Open: q.Open, Priority: q.Priority, Undelivered: q.Undelivered,
		Kind: string(q.Kind),
	}
	size, _ := guard.Paging{Size: q.Size}.Read(&c, uuid.Nil)
	if to := c.Text("assigned_to", q.AssignedTo, maxUserID, "user id of a colleague"); to != "" {
		in.AssignedTo = []string{to}
	}
	if q.Page != "" {
		place, ok := parseInboxPlace(q.Page)
		if !ok {
			c.Add("page", guard.ProblemPage, "")
		}
		in.BeforeAt, in.BeforeID = place.at, place.id
	}
	return &in, size, c.Err()
}

// assignedTo returns what stands in notices that were given to somebody: also what
// earlier versions wrote.
func (s *Notices) assignedTo(c *identity.Caller, called string) []string {
	to := []string{called}
	for _, id := range s.colleaguesCalled(c, called) {
		to = append(to, id.String())
	}
	return to
}

// inboxPlace is the place of a notice in the inbox.
type inboxPlace struct {
	at time.Time
	id uuid.UUID
}

// String returns the place as the contract has it: opaque.
//
//	microseconds since 1970, 8 bytes, big endian ‖ id, 16 bytes; base64url
func (p inboxPlace) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.at.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, p.id[:]...))
}

func parseInboxPlace(text string) (p inboxPlace, ok bool) {
	b, err := guard.DecodePlace(text)
	if err != nil || len(b) != 8+len(p.id) {
		return inboxPlace{}, false
	}
	p.at = time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC() //nolint:gosec // bits, as they were written
	copy(p.id[:], b[8:])
	return p, p.at.Year() >= 1970 && p.at.Year() <= 9999
}

// shownNotices is the answer that shows notices.
type shownNotices struct {
	guard.Receipt

	notices []Notice
}

// showNotices reads notices of the caller's authority, and records that they
// are shown. They are read and opened before the transaction that records it,
// which therefore never waits for the keeper.
func (s *Notices) showNotices(
	ctx context.Context, a guard.Act, read func(context.Context) ([]store.NoticeRow, error),
) (*shownNotices, error) {
	var o *openedNotices
	a.Prepare = func(ctx context.Context) (err error) {
		o, err = s.readNotices(ctx, a.Caller.Organisation, read)
		return err
	}
	return guard.Answer(ctx, s.guard, a, func(_ context.Context, _ *store.Tx, e *audit.Entry) (*shownNotices, error) {
		o.enter(e)
		return &shownNotices{notices: o.Notices}, nil
	})
}

// readNotices reads and opens notices of an authority.
func (s *Notices) readNotices(
	ctx context.Context, authority string, read func(context.Context) ([]store.NoticeRow, error),
) (*openedNotices, error) {
	ctx, cancel := context.WithTimeout(ctx, guard.Timeout)
	defer cancel()
	rows, err := read(ctx)
	if err != nil {
		return nil, err
	}
	return s.OpenNotices(ctx, authority, rows)
}

// enter says in an entry what was disclosed.
func (o *openedNotices) enter(e *audit.Entry) {
	e.Counts = audit.Counts{"notices": int64(len(o.Notices))}
	guard.Show(e, guard.KindNotice, o.Notices, func(n *Notice) string { return n.ID })
	e.Disclosed = o.named
	for i := range o.Notices {
		e.Degraded = e.Degraded || o.Notices[i].Degraded
	}
}

// About returns notices to an authority about a person, the newest first, opened like
// those of its inbox. Whoever shows them says so in an entry.
func (s *Notices) About(ctx context.Context, a *store.NoticesAbout) ([]Notice, error) {
	o, err := s.readNotices(ctx, a.Authority, func(ctx context.Context) ([]store.NoticeRow, error) {
		return s.db.Notices.About(ctx, a)
	})
	if err != nil {
		return nil, err
	}
	return o.Notices, nil
}

// GetNoticeRequest asks for one notice.
type GetNoticeRequest struct {
	NoticeID string
	Request  string // request id
}

// Detail is one notice with all that happened to it.
type Detail struct {
	guard.Receipt

	Notice     Notice
	Acts       []Done // the oldest first
	Deliveries []Delivery
}

// Done is something that was done with a notice.
type Done struct {
	Change     domain.Change
	Outcome    AckOutcome // of an acknowledgement
	AssignedTo string     // of an assignment: user id

	AssignedName string // the same, by name
}

// GetNotice shows one notice of the caller's authority. Its own error is
// ErrNotFound (also for notices of others).
func (s *Notices) GetNotice(ctx context.Context, c *identity.Caller, q *GetNoticeRequest) (*Detail, error) {
	var o *openedNotices
	var row store.NoticeRow
	a := guard.Act{
		Caller: c, Action: policy.ReadNotices, Own: true, Request: q.Request, Target: guard.Target(guard.KindNotice, q.NoticeID),
		Prepare: func(ctx context.Context) (err error) {
			o, err = s.readNotices(ctx, c.Organisation, func(ctx context.Context) (_ []store.NoticeRow, err error) {
				row, err = guard.FindOwn(ctx, s.db.Notices.Get, c.Organisation, q.NoticeID)
				return []store.NoticeRow{row}, err
			})
			return err
		},
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Detail, error) {
		o.enter(e)
		if h := o.About[row.Person]; h != nil {
			e.Subject, e.Restricted = s.records.Subject(h.Person.NHSNumber), h.Row.Restricted
		}
		out := &Detail{Notice: o.Notices[0]}
		var err error
		if out.Acts, err = s.actsOn(ctx, tx, &row, o.people[row.Person]); err != nil {
			return nil, err
		}
		out.Deliveries, err = s.deliveriesOf(ctx, tx, row.ID)
		return out, err
	})
}
