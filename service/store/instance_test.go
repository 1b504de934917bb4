package store_test

import (
	"testing"

	"cpis/service/store"
)

func TestAddressOf_IsTheSameForOnePlaceAndDiffersForOthers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, url, want string }{
		{"Host", "postgres://cpis_app@DB.example/cpis?sslmode=verify-full", "db.example:5432/cpis"},
		{"UserAndTLSDoNotMatter", "postgres://cpis_owner:x@db.example:5432/cpis", "db.example:5432/cpis"},
		{"AnyOrder", "postgres://b.example,a.example:5433/cpis", "a.example:5433,b.example:5432/cpis"},
		{"Loopback", "postgres://127.0.0.1/cpis", "[box:127.0.0.1]:5432/cpis"},
		{"Localhost", "postgres://localhost:6000/cpis", "[box:localhost]:6000/cpis"},
		{"Socket", "postgres:///cpis?host=/run/postgresql&port=5433", "[box:/run/postgresql]:5433/cpis"},
	} {
		got, err := store.AddressOf(tt.url, "box")
		if err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
	if _, err := store.AddressOf("postgres://cpis:secret word@[", "box"); err == nil {
		t.Error("an address that is none: no error")
	}
}

// A server must be able to read what tells a copy, with the rights it has.
func TestServiceReadsItsPlace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	place, err := f.db.Place(t.Context())
	f.must(err)
	if place.System == "" || place.Database == 0 {
		t.Errorf("Place: got %+v", place)
	}
	served, err := f.db.Served(t.Context())
	f.must(err)
	if !served {
		t.Error("Served: got false, though this is a session of the service's")
	}
}
