package oversight_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/servicetest"
	"cpis/service/store"
)

// Whoever holds the service's keys can seal another reason, and cannot have the
// entry of the look-up say its hash.
func TestReview_WhoseReasonWasExchangedIsDamage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.breakGlass(gp)
	id := f.unexplained(practiceOfficer)[0].ReviewID
	if _, err := f.review(practiceOfficer, id); err != nil {
		t.Fatalf("as it was sealed: %s", servicetest.Explain(err))
	}
	row, err := f.DB.Reviews.Get(t.Context(), uuid.MustParse(id))
	if err != nil {
		t.Fatal(err)
	}
	key, err := f.Ring.UnwrapAlone(t.Context(), keys.Wrapped{Owner: store.ReviewKeys.Owner(row.ID), Text: row.WrappedKey})
	if err != nil {
		t.Fatal(err)
	}
	f.Exec(`UPDATE cpis.review SET sealed = $1`, key.Seal([]byte("The child had been here before"), record.ReviewContext(row.ID)))
	if _, err := f.review(practiceOfficer, id); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("another reason: got %v, want %v", err, guard.ErrDamaged)
	}
}

// That a review was closed is an entry, which holds a hash of what was found.
func TestReview_ClosingIsAnEntry(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.breakGlass(gp)
	id := f.unexplained(practiceOfficer)[0].ReviewID
	if _, err := f.Reports.CloseReview(t.Context(), practiceOfficer, closing(id)); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	row, err := f.DB.Reviews.Get(t.Context(), uuid.MustParse(id))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(row.Closing)
	e := f.LastEntry()
	want := audit.Review{ID: id, Reason: sum[:]}
	if diff := cmp.Diff(want, e.Review); diff != "" || e.Target != (audit.Thing{Kind: "review", ID: id}) {
		t.Errorf("entry %+v (-want +got):\n%s", e, diff)
	}
}
