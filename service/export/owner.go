package export

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// exportOwner is the domain of the hashes of who asked for exports.
const exportOwner = "export"

// owner is a caller, and the hashes under which exports of theirs are kept.
type owner struct {
	s      *Exports
	caller *identity.Caller
	hashes [][]byte // under all index keys, the newest first
}

func (s *Exports) owner(c *identity.Caller) *owner {
	o := &owner{s: s, caller: c}
	o.add(s.ring.Hashes(exportOwner, c.Organisation, c.Issuer, c.ID))
	return o
}

func (o *owner) add(hashes [][32]byte) {
	for i := range hashes {
		o.hashes = append(o.hashes, hashes[i][:])
	}
}

// remember adds the hashes under index keys that were retired while exports lived
// that may be kept still. It may ask the keeper.
func (o *owner) remember(ctx context.Context) error {
	retired, err := o.s.db.Keys.FormerIndex(ctx)
	if err != nil {
		return guard.Translate(err)
	}
	since := o.s.clock.Moment().Add(-o.s.keep)
	retired = slices.DeleteFunc(retired, func(k store.IndexKeyRow) bool { return k.RetiredAt.Before(since) })
	if len(retired) == 0 {
		return nil
	}
	c := o.caller
	hashes, err := o.s.ring.FormerHashes(ctx, record.WrappedIndexKeys(retired), exportOwner, c.Organisation, c.Issuer, c.ID)
	if err != nil {
		return o.s.records.KeyError(err)
	}
	o.add(hashes)
	return nil
}

// list returns the exports of the owner that are not to be forgotten yet.
func (o *owner) list(ctx context.Context) ([]store.ExportRow, error) {
	if err := o.remember(ctx); err != nil {
		return nil, err
	}
	rows, err := o.s.db.Exports.List(ctx, o.hashes, o.s.clock.Moment(), maxOpenExports)
	return rows, guard.Translate(err)
}

// find finds an export by the identifier that the owner sent, before a transaction
// begins.
func (o *owner) find(ctx context.Context, id string) (*store.ExportRow, error) {
	if err := o.remember(ctx); err != nil {
		return nil, err
	}
	return o.get(ctx, o.s.db.Exports.Get, id)
}

// get reads an export that was found before. One of somebody else is not found,
// like one that does not exist.
func (o *owner) get(ctx context.Context, get func(context.Context, uuid.UUID) (store.ExportRow, error), id string) (*store.ExportRow, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil, guard.ErrNotFound
	}
	row, err := get(ctx, parsed)
	if err != nil {
		return nil, guard.Translate(err)
	}
	mine := func(hash []byte) bool { return string(hash) == string(row.Owner) }
	if !slices.ContainsFunc(o.hashes, mine) || row.Organisation != o.caller.Organisation ||
		row.WrappedKey == "" || !row.ExpiresAt.After(o.s.clock.Now()) {
		return nil, guard.ErrNotFound
	}
	return &row, nil
}
