package planfile_test

import (
	"slices"
	"strings"
	"testing"

	"cpis/service/planfile"
)

// A file that was read has its lines, whatever stands in cells that are not read.
func TestLines_OfCellsThatAreNotRead(t *testing.T) {
	t.Parallel()
	sheet := source("plans.csv", sheetHeader+"too,few,caf\xc3\xa9,\x81\xe9\n"+sheetRow())
	dataset := smallDataset()
	plans := strings.Split(strings.TrimSpace(dataset["ssd_cp_plans"]), "\n")
	dataset["ssd_cp_plans"] = plans[0] + ",note\n" + strings.Join(plans[1:], ",\x81\xe9\n") + ",\n"
	for _, tt := range []struct {
		name    string
		format  planfile.Format
		sources []planfile.Source
	}{
		{"a row that lacks cells", planfile.CSV, []planfile.Source{sheet}},
		{"a column of the authority's own", planfile.SSD, dataset.sources()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := read(t, tt.format, tt.sources...); err != nil {
				t.Fatalf("the file cannot be read: %v", err)
			}
			found := false
			err := planfile.Lines(t.Context(), tt.format, tt.sources, func(l *planfile.Line) error {
				found = found || slices.Contains(l.Cells, "\ufffdé")
				return nil
			})
			if err != nil || !found {
				t.Errorf("the bytes are shown: %t, %v", found, err)
			}
		})
	}
}
