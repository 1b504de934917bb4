package record_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/record"
	"cpis/service/store"
)

// named is a plan under whose names somebody was recorded.
func named(family string, at time.Time, id byte) record.Plan {
	return record.Plan{Row: store.PlanRow{ID: uuid.UUID{id}, At: at}, Content: record.Content{Family: family}}
}

// A file writes many plans at the same moment. Everything that names a person to
// an authority must then agree on one of them.
func TestLastRecorded_OfOneMomentIsTheOneMadeLast(t *testing.T) {
	t.Parallel()
	earlier, at := noon.Add(-time.Hour), noon
	for name, plans := range map[string][]record.Plan{
		"in order":       {named("Old", earlier, 9), named("One", at, 1), named("Two", at, 2)},
		"backwards":      {named("Two", at, 2), named("One", at, 1), named("Old", earlier, 9)},
		"amended since":  {named("Two", at, 1), named("Old", earlier, 2)},
		"only one":       {named("Two", earlier, 1)},
		"in another row": {named("One", at, 1), named("Two", at, 2), named("Old", earlier, 9)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := record.LastRecorded(plans).Family; got != "Two" {
				t.Errorf("LastRecorded: got %s", got)
			}
			h := record.Record{Plans: plans}
			if latest, ok := h.Latest(); !ok || latest.Family != "Two" {
				t.Errorf("Latest: got %s, %v", latest.Family, ok)
			}
			if got := record.RecordedAs(domain.NHSNumber{}, domain.Date{}, plans).Family; got != "Two" {
				t.Errorf("RecordedAs: got %s", got)
			}
		})
	}
}

func TestLatest_ErrorsCountOnlyAlone(t *testing.T) {
	t.Parallel()
	wrong := named("Wrong", noon, 9)
	wrong.Row.Removed = true
	past := named("Past", noon, 1)
	for want, h := range map[string]record.Record{
		"Right": {Plans: []record.Plan{wrong, named("Right", noon.Add(-time.Hour), 1)}},
		"Wrong": {Plans: []record.Plan{wrong}},
		"Past":  {Past: &past},
	} {
		if latest, ok := h.Latest(); !ok || latest.Family != want {
			t.Errorf("got %s, %v, want %s", latest.Family, ok, want)
		}
	}
	if _, ok := new(record.Record).Latest(); ok {
		t.Error("nothing names nobody")
	}
}
