package guard

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"cpis/service/store"
)

// Owned is a pointer to a row that belongs to an authority.
type Owned[R any] interface {
	*R
	OwnedBy(authority string) bool
}

// FindOwn finds a row of an authority by the identifier that the caller sent.
// One of another authority is not found, like one that does not exist, before
// anything else is read of it.
func FindOwn[R any, P Owned[R]](
	ctx context.Context, find func(context.Context, uuid.UUID) (R, error), authority, id string,
) (R, error) {
	var none R
	parsed, err := uuid.Parse(id)
	if err != nil {
		return none, ErrNotFound
	}
	row, err := find(ctx, parsed)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return none, ErrNotFound
	case err != nil:
		return none, err
	case !P(&row).OwnedBy(authority):
		return none, ErrNotFound
	}
	return row, nil
}
