package oversight

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// ReviewKind is why a look-up is reviewed.
type ReviewKind string

// The kinds.
const (
	OfBreakGlass ReviewKind = "break_glass" // a right was claimed
	OfRestricted ReviewKind = "restricted"  // of somebody whose whereabouts must not be revealed
	OfSample     ReviewKind = "sample"      // drawn by lot
)

// known reports whether it is one of them.
func (k ReviewKind) known() bool {
	switch k {
	case OfBreakGlass, OfRestricted, OfSample:
		return true
	}
	return false
}

// ReviewOutcome is what came of the review of a look-up. Its texts stand in the
// database and in the log.
type ReviewOutcome string

// The outcomes.
const (
	Justified    ReviewOutcome = "justified"
	NotJustified ReviewOutcome = "not_justified"
	Referred     ReviewOutcome = "referred" // to somebody who looks into it further
	Misuse       ReviewOutcome = "misuse"   // as two people found
)

// Review is a look-up that somebody else than who made it explains.
type Review struct {
	guard.Receipt
	ReviewItem

	Actor    string
	Log      string // where its entry stands
	Index    int64
	Subject  string   // what the log calls the child, base64url
	Claim    string   // why, in the words of who looked by break-glass; empty where that is withheld
	Withheld bool     // the child is restricted, and this is not the caller's organisation
	First    *Closing // that misuse was found, which somebody else must confirm; nil if it was not
	Closed   *Closing // nil while nobody has closed it
}

// Closing is what somebody found by a review.
type Closing struct {
	At      time.Time
	By      string
	Outcome ReviewOutcome
	Words   string // empty where those are withheld
}

// sealedClosing is what is sealed of what somebody found.
type sealedClosing struct {
	By     string `json:"by"`
	Issuer string `json:"issuer"`
	Name   string `json:"name,omitempty"`
	Words  string `json:"words"`
}

// closingContext is of what was found when a review was closed, and firstContext of
// what was found before, when that was misuse.
func closingContext(review uuid.UUID) keys.Context {
	return record.DetailsContext(record.TableReview, review, 1)
}

func firstContext(review uuid.UUID) keys.Context {
	return record.DetailsContext(record.TableReview, review, 2)
}

// GetReviewRequest asks why a right was claimed, and what was found of it.
type GetReviewRequest struct {
	ReviewID string
	Reason   Reason
	Words    string // why, in words; may be empty
	Request  string // request id
}

// GetReview opens the review of a look-up: a privacy officer's own organisation's, an auditor's any. The error is ErrNotFound, or as of
// ListEntries.
func (s *Reports) GetReview(ctx context.Context, c *identity.Caller, q *GetReviewRequest) (*Review, error) {
	r := read(Query{Reason: q.Reason, Words: q.Words}, "review", q.Request)
	r.review = q.ReviewID
	var opened openedReview
	r.fetch = func(ctx context.Context) (err error) {
		opened, err = s.openReview(ctx, r.asked)
		return err
	}
	return answer(ctx, s, c, r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Review, error) {
		line, err := lineOf(ctx, tx, &opened.row)
		if err != nil {
			return nil, err
		}
		if opened.row.Kind == store.ReviewBreakGlass && line.Review.ID != "" && !opened.isOf(&line) {
			return nil, s.records.Damaged(record.TableReview)
		}
		withheld, err := s.withholds(ctx, tx, r.asked, line.Subject, opened.row.At)
		if err != nil {
			return nil, err
		}
		e.Subject, e.Restricted = line.Subject, line.Restricted
		e.Counts = audit.Counts{"shown": 1}
		out := opened.show(line.Subject, withheld, s.clock.Now())
		origins, err := originsOf(ctx, tx)
		out.Log = origins[opened.row.Log]
		return out, err
	})
}

// openedReview is a review, and what was sealed of it.
type openedReview struct {
	row            store.ReviewRow
	claim          string
	first, closing sealedClosing
}

// openReview finds a review and opens it. One of another organisation than the
// caller may see is not found.
func (s *Reports) openReview(ctx context.Context, q *asked) (o openedReview, err error) {
	if o.row, err = s.findReview(ctx, q.review, q.filter.Organisation, q.own); err != nil {
		return o, err
	}
	key, err := s.reviewKey(ctx, &o.row)
	if err != nil {
		return o, err
	}
	claim, err := key.Open(o.row.Sealed, record.ReviewContext(o.row.ID))
	if err != nil {
		return o, s.records.Damaged(record.TableReview)
	}
	o.claim = string(claim)
	if openFound(key, firstContext(o.row.ID), o.row.FirstWords, &o.first) != nil ||
		openFound(key, closingContext(o.row.ID), o.row.Closing, &o.closing) != nil {
		return o, s.records.Damaged(record.TableReview)
	}
	return o, nil
}

// openFound opens what somebody found, if anybody has.
func openFound(key *keys.DataKey, of keys.Context, sealed []byte, out *sealedClosing) error {
	if sealed == nil {
		return nil
	}
	return record.OpenJSON(key, of, sealed, out)
}

// isOf reports whether the review is the one that an entry names, with the reason
// that was sealed then. Entries of version 1 name none.
func (o *openedReview) isOf(line *audit.Entry) bool {
	kept := audit.NewReview(o.row.ID.String(), o.row.Sealed)
	return line.Review.ID == kept.ID && bytes.Equal(line.Review.Reason, kept.Reason)
}

// findReview finds a review by the identifier that the caller sent.
func (s *Reports) findReview(ctx context.Context, id, organisation string, own bool) (store.ReviewRow, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return store.ReviewRow{}, guard.ErrNotFound
	}
	row, err := s.db.Reviews.Get(ctx, parsed)
	switch {
	case err != nil:
		return store.ReviewRow{}, guard.Translate(err)
	case own && row.Organisation != organisation:
		return store.ReviewRow{}, guard.ErrNotFound
	}
	return row, nil
}

// reviewKey unwraps the key of a review, of which there is one for each server and
// hour.
func (s *Reports) reviewKey(ctx context.Context, row *store.ReviewRow) (*keys.DataKey, error) {
	key, err := s.ring.UnwrapAlone(ctx, keys.Wrapped{Owner: store.ReviewKeys.Owner(row.ID), Text: row.WrappedKey})
	if err != nil {
		return nil, fmt.Errorf("unwrapping the key of a review: %w", s.records.KeyError(err))
	}
	return key, nil
}

// lineOf returns the entry of a look-up that is reviewed; an empty one if its line is
// no longer stored.
func lineOf(ctx context.Context, tx *store.Tx, row *store.ReviewRow) (audit.Entry, error) {
	for stored, err := range tx.Logs.StoredEntries(ctx, row.Log, int64(row.Entry), int64(row.Entry)+1) {
		if err != nil {
			return audit.Entry{}, err
		}
		return audit.ParseLine(stored.Line)
	}
	return audit.Entry{}, nil
}

// withholds reports whether the words about a look-up are withheld from a caller:
// the child is restricted, or may be, and the look-up is another organisation's.
func (s *Reports) withholds(ctx context.Context, tx *store.Tx, q *asked, subject []byte, at time.Time) (bool, error) {
	switch {
	case q.own:
		return false, nil
	case subject == nil: // the line is gone: nobody knows whom it was about
		return true, nil
	}
	withheld, err := s.withheld(ctx, tx, q.own, []store.FoundEntry{{IndexRow: store.IndexRow{Subject: subject, At: at}}})
	return withheld[string(subject)], err
}

// show returns a review as it is shown.
func (o *openedReview) show(subject []byte, withheld bool, now time.Time) *Review {
	r := &o.row
	out := &Review{
		ReviewItem: itemOf(r, now), Actor: r.Actor, Index: int64(r.Entry), Subject: SubjectText(subject), Claim: o.claim, Withheld: withheld,
	}
	if r.FirstAt != nil {
		out.First = &Closing{At: r.FirstAt.UTC(), By: r.FirstBy, Outcome: Misuse, Words: o.first.Words}
	}
	if r.ClosedAt != nil {
		out.Closed = &Closing{At: r.ClosedAt.UTC(), By: r.ClosedBy, Outcome: ReviewOutcome(r.Outcome), Words: o.closing.Words}
	}
	if withheld {
		out.Claim = ""
		for _, found := range []*Closing{out.First, out.Closed} {
			if found != nil {
				found.Words = ""
			}
		}
	}
	return out
}
