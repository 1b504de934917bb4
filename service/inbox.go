package service

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// InboxQuery asks for a page of an authority's notices. Zero values ask for
// all.
type InboxQuery struct {
	Open        bool // only those that nobody has acknowledged
	Priority    bool
	Undelivered bool
	Kind        NoticeKind
	AssignedTo  string // a colleague's id, or user id at the caller's issuer
	Paging
	Request string // request id
}

// InboxPage is a page of an authority's notices, the newest first.
type InboxPage struct {
	Receipt

	Notices []Notice
	Next    string // empty at the end
}

// ListNotices shows a page of the notices of the caller's authority. The error
// is ErrDenied, *InvalidError, *OverloadedError, ErrUnrecorded, ErrUnavailable
// or ErrDamaged.
func (s *Service) ListNotices(ctx context.Context, c *identity.Caller, q *InboxQuery) (*InboxPage, error) {
	in, size, err := q.read(c.Organisation)
	if in.AssignedTo != nil {
		in.AssignedTo = s.assignedTo(c, in.AssignedTo[0])
	}
	a := act{caller: c, action: policy.ReadNotices, own: true, request: q.Request, check: err}
	var rows []store.NoticeRow
	shown, err := s.showNotices(ctx, a, func(ctx context.Context) (_ []store.NoticeRow, err error) {
		rows, err = s.db.Inbox(ctx, in, size)
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
	var c checker
	in := store.Inbox{
		Authority: authority, Open: q.Open, Priority: q.Priority, Undelivered: q.Undelivered,
		Kind: string(q.Kind),
	}
	size, _ := Paging{Size: q.Size}.read(&c, uuid.Nil)
	if to := c.text("assigned_to", q.AssignedTo, maxUserID, "user id of a colleague"); to != "" {
		in.AssignedTo = []string{to}
	}
	if q.Page != "" {
		place, ok := parseInboxPlace(q.Page)
		if !ok {
			c.add("page", "must be what the answer before gave as next_page", "")
		}
		in.BeforeAt, in.BeforeID = place.at, place.id
	}
	return &in, size, c.err()
}

// assignedTo gives what stands in notices that were given to somebody: also what
// earlier versions wrote.
func (s *Service) assignedTo(c *identity.Caller, called string) []string {
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

// String gives the place as the contract has it: opaque.
//
//	microseconds since 1970, 8 bytes, big endian ‖ id, 16 bytes; base64url
func (p inboxPlace) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.at.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, p.id[:]...))
}

func parseInboxPlace(text string) (p inboxPlace, ok bool) {
	b, err := decodePlace(text)
	if err != nil || len(b) != 8+len(p.id) {
		return inboxPlace{}, false
	}
	p.at = time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC() //nolint:gosec // bits, as they were written
	copy(p.id[:], b[8:])
	return p, p.at.Year() >= 1970 && p.at.Year() <= 9999
}

// shownNotices is the answer that shows notices.
type shownNotices struct {
	Receipt

	notices []Notice
}

// showNotices reads notices of the caller's authority, and records that they
// are shown. They are read and opened before the transaction that records it,
// which therefore never waits for the keeper.
func (s *Service) showNotices(
	ctx context.Context, a act, read func(context.Context) ([]store.NoticeRow, error),
) (*shownNotices, error) {
	var o *openedNotices
	a.prepare = func(ctx context.Context) (err error) {
		o, err = s.readNotices(ctx, a.caller.Organisation, read)
		return err
	}
	return answer(ctx, s, a, func(_ context.Context, _ *store.Tx, e *audit.Entry) (*shownNotices, error) {
		o.enter(e)
		return &shownNotices{notices: o.notices}, nil
	})
}

// readNotices reads and opens notices of an authority.
func (s *Service) readNotices(
	ctx context.Context, authority string, read func(context.Context) ([]store.NoticeRow, error),
) (*openedNotices, error) {
	ctx, cancel := context.WithTimeout(ctx, doTimeout)
	defer cancel()
	rows, err := read(ctx)
	if err != nil {
		return nil, err
	}
	return s.openNotices(ctx, authority, rows)
}

// enter says in an entry what was disclosed.
func (o *openedNotices) enter(e *audit.Entry) {
	e.Counts = audit.Counts{"notices": int64(len(o.notices))}
	e.Disclosed = o.named
	for i := range o.notices {
		e.Degraded = e.Degraded || o.notices[i].Degraded
	}
}

// NoticeDetail is one notice with all that happened to it.
type NoticeDetail struct {
	Receipt

	Notice     Notice
	Acts       []NoticeAct // the oldest first
	Deliveries []Delivery
}

// NoticeAct is something that was done with a notice.
type NoticeAct struct {
	Change     Change
	Outcome    AckOutcome // of an acknowledgement
	AssignedTo string     // of an assignment: user id

	AssignedName string // the same, by name
}

// GetNotice shows one notice of the caller's authority. The error is ErrDenied,
// *OverloadedError, ErrNotFound (also for notices of others), ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
func (s *Service) GetNotice(ctx context.Context, c *identity.Caller, id, requestID string) (*NoticeDetail, error) {
	var o *openedNotices
	var row store.NoticeRow
	a := act{
		caller: c, action: policy.ReadNotices, own: true, request: requestID,
		prepare: func(ctx context.Context) (err error) {
			o, err = s.readNotices(ctx, c.Organisation, func(ctx context.Context) (_ []store.NoticeRow, err error) {
				row, err = findNotice(ctx, s.db.Notice, c.Organisation, id)
				return []store.NoticeRow{row}, err
			})
			return err
		},
	}
	return answer(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*NoticeDetail, error) {
		o.enter(e)
		if h := o.about[row.Person]; h != nil {
			e.Subject, e.Restricted = s.subject(h.person.NHSNumber), h.row.Restricted
		}
		out := &NoticeDetail{Notice: o.notices[0]}
		var err error
		if out.Acts, err = s.actsOn(ctx, tx, &row, o.people[row.Person]); err != nil {
			return nil, err
		}
		out.Deliveries, err = s.deliveriesOf(ctx, tx, row.ID)
		return out, err
	})
}

// findNotice finds a notice of an authority. One of another is not found, like
// one that does not exist.
func findNotice(
	ctx context.Context, find func(context.Context, uuid.UUID) (store.NoticeRow, error), authority, id string,
) (store.NoticeRow, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return store.NoticeRow{}, ErrNotFound
	}
	row, err := find(ctx, parsed)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Authority != authority {
		return store.NoticeRow{}, ErrNotFound
	}
	return row, err
}
