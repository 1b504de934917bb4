package guard_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/service/guard"
	"cpis/service/store"
)

func TestFindOwn_FindsOnlyWhatIsTheAuthoritys(t *testing.T) {
	t.Parallel()
	const own = "018f2d6e-7c1a-7000-8000-0000000000aa"
	hung := errors.New("the database hung")
	for name, c := range map[string]struct {
		id    string
		found store.TransferRow
		err   error
		want  error
	}{
		"sent":              {own, store.TransferRow{Sender: "E1", Receiver: "E2"}, nil, nil},
		"received":          {own, store.TransferRow{Sender: "E2", Receiver: "E1"}, nil, nil},
		"in capitals":       {"018F2D6E-7C1A-7000-8000-0000000000AA", store.TransferRow{Sender: "E1"}, nil, nil},
		"between others":    {own, store.TransferRow{Sender: "E2", Receiver: "E3"}, nil, guard.ErrNotFound},
		"not there":         {own, store.TransferRow{}, store.ErrNotFound, guard.ErrNotFound},
		"no identifier":     {"1", store.TransferRow{Sender: "E1"}, nil, guard.ErrNotFound},
		"no text":           {"", store.TransferRow{Sender: "E1"}, nil, guard.ErrNotFound},
		"cannot be read":    {own, store.TransferRow{}, hung, hung},
		"is of no one":      {own, store.TransferRow{}, nil, guard.ErrNotFound},
		"damaged and other": {own, store.TransferRow{Sender: "E2"}, store.ErrDamaged, store.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			find := func(_ context.Context, id uuid.UUID) (store.TransferRow, error) {
				if id != uuid.MustParse(own) {
					t.Errorf("asked for %v", id)
				}
				return c.found, c.err
			}
			got, err := guard.FindOwn(t.Context(), find, "E1", c.id)
			if !errors.Is(err, c.want) {
				t.Fatalf("got error %v, want %v", err, c.want)
			}
			if err != nil {
				c.found = store.TransferRow{}
			}
			if diff := cmp.Diff(c.found, got); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}
