package notice

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"

	"github.com/google/uuid"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// WatchConfig says how notices are watched for. The zero value means the
// defaults.
type WatchConfig struct {
	// Poll is how often new notices are looked for; every second if 0.
	Poll time.Duration
	// Beat is how often a message without notices shows that the stream is
	// alive; every 15 s if 0.
	Beat time.Duration
	// For is how long a stream lasts; 5 minutes if 0.
	For time.Duration
	// PerAuthority is how many streams an authority may have at the same time;
	// 16 if 0.
	PerAuthority int
	// Page is the largest number of notices in a message; 50 if 0.
	Page int
}

func (c WatchConfig) withDefaults() WatchConfig {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.Poll, time.Second)
	set(&c.Beat, 15*time.Second)
	set(&c.For, 5*time.Minute)
	if c.PerAuthority == 0 {
		c.PerAuthority = 16
	}
	if c.Page == 0 {
		c.Page = 50
	}
	return c
}

// WatchRequest asks for notices as they come.
type WatchRequest struct {
	Cursor  string // of the last message that was dealt with; empty for all there are
	Request string // request id
}

// NewNotices is one message to a watcher.
type NewNotices struct {
	Notices []Notice      // the oldest first; none if the message only shows that the stream is alive
	Cursor  string        // where to go on after this message
	Receipt guard.Receipt // zero without notices
}

// WatchNotices passes the notices of the caller's authority to send as they come,
// from a cursor on: none is left out, and none comes twice. It ends without an
// error after a while, or when the caller's token expires, and with the
// context's error when that ends; then the caller goes on from the last cursor.
// That somebody begins to watch leaves an entry, and so does every message with
// notices, before it is sent. A send that takes long delays nobody else.
//
// Other errors are ErrDenied, *InvalidError, *OverloadedError, ErrUnrecorded,
// ErrUnavailable and send's.
func (s *Notices) WatchNotices(ctx context.Context, c *identity.Caller, w *WatchRequest, send func(*NewNotices) error) error {
	var check domain.Reader
	at, ok := parseCursor(w.Cursor)
	if !ok {
		check.Add("cursor", "must be the cursor of the last message, or empty", "")
	}
	leave, ok := s.watchers.enter(c.Organisation)
	if !ok {
		s.observe.Refused()
		return &guard.OverloadedError{RetryAfter: s.watchers.cfg.For / 10}
	}
	defer leave()
	v := watcher{
		s: s, at: at, send: send, cfg: s.watchers.cfg,
		act: guard.Act{Caller: c, Action: policy.ReadNotices, Own: true, Request: w.Request, Check: check.Err()},
	}
	return v.run(ctx)
}

// watcher is one stream of notices.
type watcher struct {
	s    *Notices
	cfg  WatchConfig
	act  guard.Act
	at   cursor
	logs []store.Log
	send func(*NewNotices) error
}

// run begins the stream, and goes on until it is over.
func (v *watcher) run(ctx context.Context) error {
	var err error
	if v.logs, err = v.s.db.Logs.All(ctx); err != nil {
		return guard.Translate(err)
	}
	if err := v.show(ctx); err != nil { // nothing new, too: the beginning is recorded
		return err
	}
	over := time.NewTimer(v.lasts())
	defer over.Stop()
	poll, beat := time.NewTicker(v.cfg.Poll), time.NewTicker(v.cfg.Beat)
	defer poll.Stop()
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			return nil
		case <-beat.C:
			err = v.send(&NewNotices{Cursor: v.at.String()})
		case <-poll.C:
			err = v.showNew(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// lasts is how long the stream goes on: not beyond the caller's token.
func (v *watcher) lasts() time.Duration {
	if until := v.act.Caller.Expires; !until.IsZero() {
		return min(v.cfg.For, until.Sub(v.s.clock.Now()))
	}
	return v.cfg.For
}

// showNew shows what is new, message after message. If nothing is, nothing
// is recorded.
func (v *watcher) showNew(ctx context.Context) error {
	for {
		rows, err := v.next(ctx, 1)
		if err != nil || len(rows) == 0 {
			return guard.Translate(err)
		}
		if err := v.show(ctx); err != nil {
			return err
		}
	}
}

// show records what comes next, and sends it.
func (v *watcher) show(ctx context.Context) error {
	var rows []store.NoticeRow
	shown, err := v.s.showNotices(ctx, v.act, func(ctx context.Context) (_ []store.NoticeRow, err error) {
		rows, err = v.next(ctx, v.cfg.Page)
		return rows, err
	})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // nobody is there to take it; the next stream begins here
	}
	v.at.pass(rows)
	m := NewNotices{Notices: shown.notices, Cursor: v.at.String()}
	if len(m.Notices) > 0 {
		m.Receipt = shown.Receipt
	}
	return v.send(&m)
}

// next reads what comes after the cursor, log after log.
func (v *watcher) next(ctx context.Context, limit int) ([]store.NoticeRow, error) {
	var all []store.NoticeRow
	for _, log := range v.logs {
		if len(all) == limit {
			break
		}
		p := v.at.in(log.ID)
		rows, err := v.s.db.Notices.After(ctx, v.act.Caller.Organisation, log.ID, p.entry, p.id, limit-len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// cursor is how far notices were read: in each log, the last one.
type cursor []position

// position is the place of a notice in a log.
type position struct {
	log   store.LogID
	entry int64
	id    uuid.UUID
}

// in returns the position in a log: before the first notice if none was read.
func (c cursor) in(log store.LogID) position {
	for _, p := range c {
		if p.log == log {
			return p
		}
	}
	return position{log: log, entry: -1}
}

// pass moves the cursor behind notices.
func (c *cursor) pass(rows []store.NoticeRow) {
	for i := range rows {
		p := position{rows[i].Log, int64(rows[i].Entry), rows[i].ID}
		known := false
		for j := range *c {
			if (*c)[j].log == p.log {
				(*c)[j], known = p, true
			}
		}
		if !known {
			*c = append(*c, p)
		}
	}
}

// cursorVersion begins every cursor.
const cursorVersion = 1

// String returns the cursor as the contract has it: opaque.
//
//	version, 1 byte ‖ for each log: its number, 2 bytes ‖ entry, 8 bytes ‖ id, 16 bytes; base64url
//
// Numbers are big endian.
func (c cursor) String() string {
	b := []byte{cursorVersion}
	for _, p := range c {
		b = binary.BigEndian.AppendUint16(b, uint16(p.log))   //nolint:gosec // bits, read back as such
		b = binary.BigEndian.AppendUint64(b, uint64(p.entry)) //nolint:gosec // likewise
		b = append(b, p.id[:]...)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor reads a cursor; an empty text is one before all notices.
func parseCursor(text string) (c cursor, ok bool) {
	if text == "" {
		return nil, true
	}
	const size = 2 + 8 + 16
	b, err := guard.DecodePlace(text)
	if err != nil || len(b)%size != 1 || b[0] != cursorVersion {
		return nil, false
	}
	for b = b[1:]; len(b) > 0; b = b[size:] {
		p := position{
			log:   store.LogID(binary.BigEndian.Uint16(b)), //nolint:gosec // bits, as they were written
			entry: int64(binary.BigEndian.Uint64(b[2:])),   //nolint:gosec // likewise
			id:    uuid.UUID(b[10:size]),
		}
		if p.log < 1 || p.entry < 0 || c.in(p.log).entry >= 0 {
			return nil, false
		}
		c = append(c, p)
	}
	return c, true
}

// watchers counts the streams of each authority.
type watchers struct {
	cfg WatchConfig

	mu    sync.Mutex // guards count
	count map[string]int
}

func newWatchers(cfg WatchConfig) *watchers {
	return &watchers{cfg: cfg.withDefaults(), count: make(map[string]int)}
}

// enter takes a place for a stream of an authority, if there is one. leave
// gives it back.
func (w *watchers) enter(authority string) (leave func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count[authority] >= w.cfg.PerAuthority {
		return nil, false
	}
	w.count[authority]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.count[authority]--; w.count[authority] == 0 {
			delete(w.count, authority)
		}
	}, true
}
