package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"cpis/service/store"
)

// Values that cause errors, or stand beside those that do, are not in them:
// PostgreSQL's own messages and details quote them.
func TestErrorsQuoteNoValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	const canary = "canary9990000000"
	for name, write := range map[string]func(tx *store.Tx) error{
		"check": func(tx *store.Tx) error {
			_, err := tx.Tiles.Insert(ctx, f.log, []store.TileRow{{Hashes: []byte(canary)}})
			return err
		},
		"unique": func(tx *store.Tx) error {
			row := store.IdempotentRow{Organisation: canary, Key: canary, Fingerprint: []byte(canary), Response: []byte(canary), At: f.now}
			return errors.Join(tx.Answers.Keep(ctx, row), tx.Answers.Keep(ctx, row))
		},
		"foreign key": func(tx *store.Tx) error {
			p := f.plan(newID(), nil)
			p.Authority, p.Sealed = canary, []byte(canary)
			return tx.Plans.Insert(ctx, []store.PlanRow{p})
		},
		"encoding": func(tx *store.Tx) error {
			p := f.person()
			p.WrappedKey = canary + "\x00"
			return tx.People.Insert(ctx, []store.PersonRow{p})
		},
		"not null": func(tx *store.Tx) error {
			return tx.Answers.Keep(ctx, store.IdempotentRow{Organisation: leeds, Key: canary, At: f.now})
		},
	} {
		err := f.tryChange(write)
		if err == nil {
			t.Errorf("%s: got no error", name)
			continue
		}
		if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "63616e617279") {
			t.Errorf("%s: the error quotes a value", name)
		}
		if _, ok := errors.AsType[*pgconn.PgError](err); ok {
			t.Errorf("%s: the error carries PostgreSQL's own: %v", name, err)
		}
		if !strings.Contains(err.Error(), "SQLSTATE") {
			t.Errorf("%s: got %v, want an error that names the SQLSTATE", name, err)
		}
	}
}

func TestErrorsKeepTheContexts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, err := f.db.Plans.Flags(ctx, []store.Tag{randomTag()}, today)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want %v because of %v", err, store.ErrUnavailable, context.DeadlineExceeded)
	}
}
