package oversight

import (
	"context"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// reviewWithin is how soon after a look-up its review should be closed.
const reviewWithin = 7 * 24 * time.Hour

// ReviewState is how far a review is.
type ReviewState string

// The states.
const (
	ReviewOpen   ReviewState = "open"
	ReviewSecond ReviewState = "second_look" // somebody found misuse, and another must look
	ReviewClosed ReviewState = "closed"
)

// ReviewItem is a review in the queue: it says nothing of who looked or whom at,
// before it is opened with a reason.
type ReviewItem struct {
	ID           string
	Kind         ReviewKind
	At           time.Time // of the look-up
	Organisation string
	State        ReviewState
	Due          time.Time // until when it should be closed
	Overdue      bool      // it was not
	Outcome      ReviewOutcome
	ClosedAt     time.Time // zero while it is open
}

// ReviewPage is a part of the queue.
type ReviewPage struct {
	guard.Receipt

	Reviews []ReviewItem
	Next    string // where to go on; empty at the end
}

// ListReviewsRequest asks for a part of the queue.
type ListReviewsRequest struct {
	Closed       bool       // those that are closed, the newest first; otherwise those that are not, the oldest first
	Kind         ReviewKind // of all kinds if empty
	Organisation string     // code; all that the caller may see if empty
	Paging       guard.Paging
	Request      string // request id
}

// ListReviews lists the reviews of the caller's organisation, for oversight of all.
// The error is as of ListEntries.
func (s *Reports) ListReviews(ctx context.Context, c *identity.Caller, q *ListReviewsRequest) (*ReviewPage, error) {
	r := read(Query{Reason: Routine, Organised: q.Organisation}, "reviews", q.Request)
	f := store.ReviewFilter{Kind: store.ReviewKind(q.Kind), Closed: q.Closed}
	r.size, f.After = q.Paging.Read(&r.Reader, uuid.Nil)
	if q.Kind != "" && !q.Kind.known() {
		r.Add("kind", "must be break_glass, restricted or sample", string(OfBreakGlass))
	}
	return answer(ctx, s, c, r, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ReviewPage, error) {
		f.Organisation = r.filter.Organisation
		rows, err := tx.Reviews.List(ctx, &f, r.size)
		if err != nil {
			return nil, err
		}
		out := &ReviewPage{Reviews: make([]ReviewItem, len(rows))}
		for i := range rows {
			out.Reviews[i] = itemOf(&rows[i], s.clock.Now())
		}
		if len(rows) > 0 {
			out.Next = guard.Next(len(rows), r.size, rows[len(rows)-1].ID)
		}
		e.Counts = audit.Counts{"shown": int64(len(rows))}
		return out, nil
	})
}

// itemOf is what the queue shows of a review.
func itemOf(r *store.ReviewRow, now time.Time) ReviewItem {
	i := ReviewItem{
		ID: r.ID.String(), Kind: ReviewKind(r.Kind), At: r.At.UTC(), Organisation: r.Organisation, State: ReviewOpen,
		Due: r.At.Add(reviewWithin).UTC(), Outcome: ReviewOutcome(r.Outcome),
	}
	until := now
	switch {
	case r.ClosedAt != nil:
		i.State, i.ClosedAt = ReviewClosed, r.ClosedAt.UTC()
		until = i.ClosedAt
	case r.FirstAt != nil:
		i.State = ReviewSecond
	}
	i.Overdue = until.After(i.Due)
	return i
}
