package oversight

import (
	"context"
	"unicode/utf8"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// CloseReviewRequest says what was found of a look-up.
type CloseReviewRequest struct {
	ReviewID string
	Outcome  ReviewOutcome
	Words    string // what was found: kept sealed
	Request  string `json:"-"` // request id
}

// CloseReviewResult is the answer to CloseReview.
type CloseReviewResult struct {
	guard.Receipt `json:"-"`

	At    int64       // index of the entry of the look-up, in its log
	State ReviewState // ReviewSecond if misuse was found, and another must look
}

const exampleFound = "Child was this department's patient; the rota had not been updated"

// CloseReview closes the review of a look-up of the caller's organisation, once and
// for all. If misuse is found it stays open until another privacy officer has looked,
// whatever that one finds. Its own errors are ErrNotFound, ErrSamePerson (nobody
// closes the review of their own look, or looks twice), and *StateError.
func (s *Reports) CloseReview(ctx context.Context, c *identity.Caller, q *CloseReviewRequest) (*CloseReviewResult, error) {
	closing, check := q.read(c)
	var found store.ReviewRow
	var key *keys.DataKey
	a := guard.Act{
		Caller: c, Action: policy.ReviewAccess, Own: true, Request: q.Request, Asks: q, Check: check,
		Target: guard.Target(guard.KindReview, q.ReviewID),
		Prepare: func(ctx context.Context) (err error) {
			if found, err = s.findReview(ctx, q.ReviewID, c.Organisation, true); err != nil {
				return err
			}
			key, err = s.reviewKey(ctx, &found)
			return err
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*CloseReviewResult, error) {
		row, err := tx.Reviews.Lock(ctx, found.ID)
		if err != nil {
			return nil, err
		}
		line, err := lineOf(ctx, tx, &row)
		if err != nil {
			return nil, err
		}
		e.Subject, e.Restricted, e.Reason = line.Subject, line.Restricted, string(q.Outcome)
		e.Counts = audit.Counts{"entry": int64(row.Entry)}
		if err := mayClose(c, &row); err != nil {
			return nil, err
		}
		return s.keepFound(ctx, tx, e, &row, key, q.Outcome, &closing)
	})
}

// keepFound keeps what was found: misuse for somebody else to confirm, unless
// somebody has found that already.
func (s *Reports) keepFound(
	ctx context.Context, tx *store.Tx, e *audit.Entry, row *store.ReviewRow, key *keys.DataKey, outcome ReviewOutcome, found *sealedClosing,
) (*CloseReviewResult, error) {
	now, first := s.clock.Moment(), outcome == Misuse && row.FirstAt == nil
	of := closingContext(row.ID)
	if first {
		of = firstContext(row.ID)
	}
	sealed, err := record.SealJSON(key, of, found)
	if err != nil {
		return nil, err
	}
	e.Review = audit.NewReview(row.ID.String(), sealed)
	if first {
		e.Counts["second_look"] = 1
		row.FirstAt, row.FirstBy, row.FirstWords = &now, found.By, sealed
		return &CloseReviewResult{At: int64(row.Entry), State: ReviewSecond}, tx.Reviews.FindMisuse(ctx, row)
	}
	row.ClosedAt, row.ClosedBy, row.Outcome, row.Closing = &now, found.By, string(outcome), sealed
	return &CloseReviewResult{At: int64(row.Entry), State: ReviewClosed}, tx.Reviews.Close(ctx, row)
}

// read reads what was found.
func (q *CloseReviewRequest) read(c *identity.Caller) (sealedClosing, error) {
	r := domain.Reader{Form: domain.RequestForms}
	switch q.Outcome {
	case Justified, NotJustified, Referred, Misuse:
	default:
		r.Add("outcome", "must be justified, not_justified, referred or misuse", string(Justified))
	}
	words := r.RequiredText("words", q.Words, domain.MaxReasonLength, exampleFound)
	if words != "" && utf8.RuneCountInString(words) < minWords {
		r.Add("words", "must say in ten characters or more what was found", exampleFound)
	}
	return sealedClosing{By: guard.Clip(c.ID), Issuer: guard.Clip(c.Issuer), Name: guard.Clip(c.Name), Words: words}, r.Err()
}

// mayClose says what keeps a caller from closing a review.
func mayClose(c *identity.Caller, row *store.ReviewRow) error {
	switch {
	case row.ClosedAt != nil:
		return &guard.StateError{Problem: "the review was closed before: GetReview says how"}
	case guard.SameActor(row.Actor, "", c.ID, c.Issuer), row.FirstAt != nil && guard.SameActor(row.FirstBy, "", c.ID, c.Issuer):
		return guard.ErrSamePerson
	case c.System:
		return &guard.StateError{Problem: "a system cannot close a review: a person judges what another did"}
	}
	return nil
}
