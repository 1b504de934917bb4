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

// CloseReviewRequest says what was found of a break-glass look-up.
type CloseReviewRequest struct {
	ReviewID string
	Outcome  ReviewOutcome
	Words    string // what was found: kept sealed
	Request  string `json:"-"` // request id
}

// CloseReviewResult is the answer to CloseReview.
type CloseReviewResult struct {
	guard.Receipt `json:"-"`

	At int64 // index of the entry of the look-up, in its log
}

const exampleFound = "Child was this department's patient; the rota had not been updated"

// CloseReview closes the review of a break-glass look-up of the caller's
// organisation, once and for all. Its own errors are ErrNotFound, ErrSamePerson
// (nobody closes the review of their own look), and *StateError.
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
		now := s.clock.Moment()
		row.ClosedAt, row.ClosedBy, row.Outcome = &now, closing.By, string(q.Outcome)
		if row.Closing, err = record.SealJSON(key, closingContext(row.ID), &closing); err != nil {
			return nil, err
		}
		e.Review = audit.NewReview(row.ID.String(), row.Closing)
		return &CloseReviewResult{At: int64(row.Entry)}, tx.Reviews.Close(ctx, &row)
	})
}

// read reads what was found.
func (q *CloseReviewRequest) read(c *identity.Caller) (sealedClosing, error) {
	r := domain.Reader{Form: domain.RequestForms}
	switch q.Outcome {
	case Justified, NotJustified, Referred:
	default:
		r.Add("outcome", "must be justified, not_justified or referred", string(Justified))
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
	case guard.SameActor(row.Actor, "", c.ID, c.Issuer):
		return guard.ErrSamePerson
	case c.System:
		return &guard.StateError{Problem: "a system cannot close a review: a person judges what another did"}
	}
	return nil
}
