package notice

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

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

// AckOutcome is what was done about a notice.
type AckOutcome string

// The outcomes.
const (
	SettingContacted AckOutcome = "setting_contacted"
	FamilyContacted  AckOutcome = "family_contacted"
	Escalated        AckOutcome = "escalated"
	NoAction         AckOutcome = "no_action"
	OtherOutcome     AckOutcome = "other" // the note says what
)

// AcknowledgeRequest says what was done about a notice.
type AcknowledgeRequest struct {
	NoticeID string
	Version  int // that the caller saw
	Outcome  AckOutcome
	Note     string
	Request  string `json:"-"` // request id
}

// AssignRequest assigns a notice to somebody.
type AssignRequest struct {
	NoticeID string
	Version  int    // that the caller saw
	To       string // a colleague's id, or user id at the caller's issuer; empty takes it back
	Note     string
	Request  string `json:"-"` // request id
}

// ActResult is the answer to an act on a notice.
type ActResult struct {
	guard.Receipt `json:"-"`

	Version int
}

const (
	maxUserID   = 256
	exampleNote = "Spoke to the ward; the family is known to the social worker"
)

// AcknowledgeNotice says what was done about a notice of the caller's
// authority. It may be said more than once: each time is kept. Its own errors
// are ErrNotFound (also for notices of others) and ErrConflict (the notice has
// a newer version).
func (s *Notices) AcknowledgeNotice(ctx context.Context, c *identity.Caller, k *AcknowledgeRequest) (*ActResult, error) {
	var check domain.Reader
	note := readNote(&check, k.Version, k.Note)
	if k.Outcome == OtherOutcome && text.Blank(k.Note) {
		check.Add("note", "is required when the outcome is other: say what was done", exampleNote)
	}
	return s.actOnNotice(ctx, noticeAct{
		caller: c, notice: k.NoticeID, note: note, request: k.Request, asks: k, check: check.Err(),
		row: store.NoticeActRow{Version: k.Version + 1, Act: "acknowledge", Outcome: string(k.Outcome)},
	})
}

// AssignNotice assigns a notice of the caller's authority to a colleague, or takes
// it back. Its errors are those of AcknowledgeNotice; *InvalidError also if
// nobody is known whom it could be given to.
func (s *Notices) AssignNotice(ctx context.Context, c *identity.Caller, k *AssignRequest) (*ActResult, error) {
	var check domain.Reader
	note := readNote(&check, k.Version, k.Note)
	to := check.Text("to", k.To, maxUserID, "user id of a colleague")
	return s.actOnNotice(ctx, noticeAct{
		caller: c, notice: k.NoticeID, note: note, request: k.Request, asks: k, check: check.Err(),
		row: store.NoticeActRow{Version: k.Version + 1, Act: "assign"}, to: to,
	})
}

// readNote reads what all acts on notices have in common.
func readNote(c *domain.Reader, version int, note string) string {
	if version < 1 {
		c.Add("version", "must be the version of the notice that you saw", "1")
	}
	return c.Text("note", note, domain.MaxReasonLength, exampleNote)
}

// noticeAct is an act of a caller on one notice.
type noticeAct struct {
	caller  *identity.Caller
	notice  string // identifier, as the caller sent it
	note    string
	request string
	asks    any // the request
	check   error
	row     store.NoticeActRow // with the version that the act makes
	to      string             // of an assignment: to whom; empty if nobody
}

// actOnNotice does an act on a notice.
func (s *Notices) actOnNotice(ctx context.Context, k noticeAct) (*ActResult, error) {
	a := guard.Act{
		Caller: k.caller, Action: policy.AnswerNotice, Own: true, Request: k.request, Asks: k.asks, Check: k.check,
		Target: guard.Target(guard.KindNotice, k.notice),
		Prepare: func(ctx context.Context) error { // fetches the key; what fails here the transaction says
			_, _ = s.readNotices(ctx, k.caller.Organisation, func(ctx context.Context) ([]store.NoticeRow, error) {
				row, err := guard.FindOwn(ctx, s.db.Notices.Get, k.caller.Organisation, k.notice)
				return []store.NoticeRow{row}, err
			})
			return nil
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ActResult, error) {
		n, err := guard.FindOwn(ctx, tx.Notices.Lock, k.caller.Organisation, k.notice)
		if err != nil {
			return nil, err
		}
		if n.Version != k.row.Version-1 {
			return nil, &guard.StaleError{Current: n.Version}
		}
		row := k.row
		var to Colleague
		if k.to != "" {
			if to, err = s.findColleague(ctx, tx, k.caller, k.to); err != nil {
				return nil, err
			}
		}
		row.Notice, row.Actor, row.At, row.AssignedTo = n.ID, guard.Clip(k.caller.ID), s.clock.Moment(), to.ID
		v := noted{Name: guard.Clip(k.caller.Name), Note: k.note, To: to.User, ToName: to.Name}
		if row.Sealed, err = s.sealNote(&n, &row, v); err != nil {
			return nil, err
		}
		e.Counts = audit.Counts{"notices": 1}
		return &ActResult{Version: row.Version}, tx.Notices.Act(ctx, &n, &row)
	})
}

// sealNote seals who did something with a notice, and their note, under the key
// of whom the notice is about. Without that key there is no note, and the name
// is left to the log.
func (s *Notices) sealNote(n *store.NoticeRow, row *store.NoticeActRow, v noted) ([]byte, error) {
	key, ok := s.ring.Cached(store.PersonKeys.Owner(n.Person))
	switch {
	case !ok && v.Note == "":
		return nil, nil
	case !ok && n.Person == uuid.Nil:
		var wrong domain.Violations
		wrong.Add("note", "cannot be kept with a notice that is about no person: leave it out", "")
		return nil, wrong.Err()
	case !ok:
		return nil, guard.ErrUnavailable
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, errors.New("encoding note") // never: two texts
	}
	return key.Seal(text, record.NoteContext(row.Notice, row.Version)), nil
}

// noted is what is sealed of an act on a notice.
type noted struct {
	Name string `json:"name,omitempty"`
	Note string `json:"note,omitempty"`

	// To whom it was given. The colleague may be forgotten one day.
	To     string `json:"to,omitempty"`
	ToName string `json:"to_name,omitempty"`
}

// actsOn returns what was done with a notice. about is whom it is about; nil
// if that is nobody.
func (s *Notices) actsOn(ctx context.Context, tx *store.Tx, n *store.NoticeRow, about *record.Record) ([]Done, error) {
	rows, err := tx.Notices.Acts(ctx, n)
	if err != nil {
		return nil, err
	}
	var acts []Done
	for i := range rows {
		r := &rows[i]
		by := record.Author{Act: r.Act, Actor: r.Actor, Organisation: n.Authority}
		done := Done{Outcome: AckOutcome(r.Outcome), AssignedTo: r.AssignedTo}
		if r.Sealed != nil && about != nil && about.Key != nil {
			v := s.openNote(about.Key, r)
			by.Name, by.Reason, done.AssignedName = v.Name, v.Note, v.ToName
			done.AssignedTo = cmp.Or(v.To, r.AssignedTo)
		}
		done.Change = by.Shown(r.At)
		acts = append(acts, done)
	}
	return acts, nil
}

func (s *Notices) openNote(key *keys.DataKey, r *store.NoticeActRow) (v noted) {
	text, err := key.Open(r.Sealed, record.NoteContext(r.Notice, r.Version))
	if err != nil || json.Unmarshal(text, &v) != nil {
		s.observe.Damaged(record.TableNoticeAct)
		return noted{}
	}
	return v
}
