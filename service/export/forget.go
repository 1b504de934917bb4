package export

import (
	"context"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// DeleteExportRequest asks to forget an export.
type DeleteExportRequest struct {
	ID      string
	Request string `json:"-"` // request id
}

// DeletedExport says that an export was forgotten.
type DeletedExport struct{ guard.Receipt }

// DeleteExport forgets an export, whether or not it is made: its key goes at once,
// so that nobody can read it any more. What it is kept in is removed later, by
// ForgetExports. Its errors are those of GetExport.
func (s *Exports) DeleteExport(ctx context.Context, c *identity.Caller, q *DeleteExportRequest) (*DeletedExport, error) {
	a := exportAct(c, policy.ExportReport, q.ID, q.Request)
	o := s.owner(c)
	a.Asks, a.Prepare = q, o.remember
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*DeletedExport, error) {
		row, err := o.get(ctx, tx.Exports.Get, q.ID)
		if err != nil {
			return nil, err
		}
		s.ring.Forget(store.ExportKeys.Owner(row.ID))
		e.Reason = guard.ReasonCancelled
		row.State = string(Failed) // whoever makes it finds that it does not count
		return &DeletedExport{}, tx.Exports.Forget(ctx, row)
	})
}

const (
	// forgetPage is how many exports are forgotten in a row.
	forgetPage = 20
	// piecesAtOnce is how many pieces are removed in one transaction: a file of
	// gigabytes takes many.
	piecesAtOnce = 256
)

// ForgetExports removes the exports that have served their time.
func (s *Exports) ForgetExports(ctx context.Context) error {
	for {
		ids, err := s.db.Exports.Expired(ctx, s.clock.Moment(), forgetPage)
		if err != nil {
			return guard.Translate(err)
		}
		for _, id := range ids {
			if err := s.remove(ctx, id); err != nil {
				return err
			}
			s.ring.Forget(store.ExportKeys.Owner(id))
		}
		if len(ids) < forgetPage {
			return nil
		}
	}
}

// remove removes an export step by step.
func (s *Exports) remove(ctx context.Context, id uuid.UUID) error {
	for gone := false; !gone; {
		err := s.db.Tx(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.Exports.Delete(ctx, id, piecesAtOnce)
			return err
		})
		if err != nil {
			return guard.Translate(err)
		}
	}
	return nil
}

// sweep removes, step by step, the pieces of all attempts but one, and if that is
// made those which are none of its file.
func (s *Exports) sweep(ctx context.Context, row *store.ExportRow, made bool) error {
	for n := int64(piecesAtOnce); n == piecesAtOnce; {
		err := s.db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.Exports.DeleteParts(ctx, row.ID, row.Attempt, made, piecesAtOnce)
			return err
		})
		if err != nil {
			return guard.Translate(err)
		}
	}
	return nil
}
