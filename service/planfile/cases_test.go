package planfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cpis/service/planfile"
)

// The files in testdata/cases are shaped after what case systems and
// spreadsheets were reported to write; beside each stands all that is read of
// it, word for word.
func TestRead_Cases(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("testdata/cases")
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d cases, %v", len(entries), err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".csv")
		if strings.HasSuffix(name, ".want") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			format, sources := caseFiles(t, filepath.Join("testdata/cases", e.Name()))
			golden(t, filepath.Join("testdata/cases", name+".want"), verdict(t, format, sources...))
		})
	}
}

// caseFiles reads a case: a file, or a directory of tables.
func caseFiles(tb testing.TB, path string) (planfile.Format, []planfile.Source) {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(path, "*.csv"))
	if err != nil {
		tb.Fatal(err)
	}
	format := planfile.SSD
	if len(names) == 0 {
		format, names = planfile.CSV, []string{path}
	}
	var sources []planfile.Source
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		sources = append(sources, source(filepath.Base(name), string(content)))
	}
	return format, sources
}
