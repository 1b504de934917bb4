package store_test

import (
	"errors"
	"strings"
	"testing"

	"cpis/deploy/dev/pgdev"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

func TestOpen(t *testing.T) {
	t.Parallel()

	t.Run("RefusesADatabaseThatForgets", func(t *testing.T) {
		t.Parallel()
		_, data := dbtest.Installed(t, pgdev.Options{Fast: true})
		_, err := store.Open(t.Context(), data.App, store.Options{})
		if !errors.Is(err, store.ErrUnsafe) {
			t.Errorf("fsync off: got %v, want %v", err, store.ErrUnsafe)
		}
	})

	t.Run("RefusesToRunWithoutWaitingForStandbys", func(t *testing.T) {
		t.Parallel()
		_, data := dbtest.Installed(t, pgdev.Options{})
		for _, level := range []string{"off", "local"} {
			_, err := store.Open(t.Context(), data.App+"&synchronous_commit="+level, store.Options{})
			if !errors.Is(err, store.ErrUnsafe) {
				t.Errorf("synchronous_commit=%s: got %v, want %v", level, err, store.ErrUnsafe)
			}
		}
	})

	t.Run("RefusesRightsThatTheServiceMustNotHave", func(t *testing.T) {
		t.Parallel()
		data := dbtest.New(t)
		for _, url := range []string{data.Admin, data.Owner} {
			_, err := store.Open(t.Context(), url, store.Options{AllowUnsafe: true})
			if !errors.Is(err, store.ErrUnsafe) {
				t.Errorf("opening as an owner: got %v, want %v", err, store.ErrUnsafe)
			}
		}
		_, err := store.Open(t.Context(), data.App, store.Options{AllowUnsafe: true, Owner: true})
		if err == nil {
			t.Error("opening as owner with the service's role: got no error")
		}
	})

	t.Run("RefusesASchemaItDoesNotKnow", func(t *testing.T) {
		t.Parallel()
		data := dbtest.New(t)
		admin := connect(t, data.Admin)
		for _, sql := range []string{
			`INSERT INTO cpis.schema_version (version_id, is_applied) VALUES (9999, true)`,
			`DELETE FROM cpis.schema_version WHERE version_id > 1`,
			`DROP SCHEMA cpis CASCADE`,
		} {
			if _, err := admin.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
			_, err := store.Open(t.Context(), data.App, store.Options{AllowUnsafe: true})
			if !errors.Is(err, store.ErrSchema) {
				t.Errorf("after %s: got %v, want %v", sql, err, store.ErrSchema)
			}
		}
	})

	t.Run("DoesNotQuoteTheAddress", func(t *testing.T) {
		t.Parallel()
		const password = "hunter2"
		for _, url := range []string{"postgres://cpis_app:" + password + "@%zz/db", "host=nowhere password=" + password + " port=x"} {
			_, err := store.Open(t.Context(), url, store.Options{})
			if err == nil || strings.Contains(err.Error(), password) {
				t.Errorf("opening a broken address: got %v, want an error without the password", err)
			}
		}
	})

	t.Run("SaysThatNobodyIsThere", func(t *testing.T) {
		t.Parallel()
		_, err := store.Open(t.Context(), "postgres://cpis_app@127.0.0.1:1/cpis", store.Options{})
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("opening where nobody listens: got %v, want %v", err, store.ErrUnavailable)
		}
	})
}

func TestReadyFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	c, data := dbtest.Installed(t, pgdev.Options{})
	f := fixtureIn(t, data, dbtest.Open(t, data))
	f.must(f.db.Ready(t.Context()))
	f.must(c.Kill())
	if err := f.db.Ready(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ready after a crash: got %v, want %v", err, store.ErrUnavailable)
	}
	f.must(c.Restart(t.Context()))
	f.must(f.db.Ready(t.Context()))
}

// A server whose database was migrated by a newer program is taken out of
// rotation, though it goes on to finish what it has.
func TestReadyEndsWithANewerSchema(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.db.Ready(t.Context()))
	f.exec(`INSERT INTO cpis.schema_version (version_id, is_applied) VALUES (9999, true)`)
	if err := f.db.Ready(t.Context()); !errors.Is(err, store.ErrSchema) {
		t.Errorf("Ready on a newer schema: got %v, want %v", err, store.ErrSchema)
	}
}
