package planfile

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"
)

// The tables that are read.
const (
	tablePerson      = "ssd_person"
	tableIdentifiers = "ssd_linked_identifiers"
	tablePlans       = "ssd_cp_plans"
	tableEpisodes    = "ssd_cla_episodes"
	tableLegal       = "ssd_legal_status"
	tableMother      = "ssd_mother"
)

// tableNames are all of them. Each must be there, if with its header only: a
// list without the episodes of care would else be one on which nobody is looked
// after.
var tableNames = []string{tablePerson, tableIdentifiers, tablePlans, tableEpisodes, tableLegal, tableMother}

const (
	sourceMixed = "is an archive beside other files: send the tables as CSV files, or one ZIP with them"
	sourceTwice = "is there twice"

	problemCellCount = "has not as many cells as the header: a comma is not in quotation marks, or the file was cut off"
)

// openSources gives the tables that were sent, by their names. Whatever else
// was sent is not read.
func openSources(sources []*watched, from []Source) (map[string]opener, error) {
	tables := map[string]opener{}
	var size int64
	for i, s := range from {
		archive, err := isArchive(sources[i], s.Size)
		switch {
		case err != nil:
			return nil, err
		case archive && len(from) > 1:
			return nil, broken("", 0, sourceMixed)
		case archive:
			return openArchive(sources[i], s.Size)
		}
		if size += min(s.Size, maxUnpacked+1); size > maxUnpacked {
			return nil, broken("", 0, archiveLarge)
		}
		open := func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(sources[i], 0, s.Size)), nil
		}
		if err := addTable(tables, s.Name, open); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

// addTable adds a table that is one of ours by the name of its file.
func addTable(tables map[string]opener, file string, open opener) error {
	name, ok := strings.CutSuffix(strings.ToLower(path.Base(file)), ".csv")
	if !ok || strings.HasSuffix(file, "/") {
		return nil
	}
	name = strings.TrimPrefix(name, "dbo.") // as database tools write it
	for _, known := range tableNames {
		if name != known {
			continue
		}
		if tables[known] != nil {
			return broken(known, 0, sourceTwice)
		}
		tables[known] = open
	}
	return nil
}

// missing says which tables were not sent.
func missing(tables map[string]opener) error {
	var names []string
	for _, name := range tableNames {
		if tables[name] == nil {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return nil
	case len(tableNames):
		return broken("", 0, "holds none of the tables: they are CSV files named "+strings.Join(tableNames, ", "))
	}
	return broken("", 0, "lacks "+strings.Join(names, ", ")+": all tables must be there, if with their header only")
}

// tables are the tables of an upload.
type tables struct {
	sources []*watched
	open    map[string]opener
}

func openTables(from []Source) (*tables, error) {
	t := &tables{sources: make([]*watched, len(from))}
	for i := range from {
		t.sources[i] = &watched{at: from[i].At}
	}
	var err error
	if t.open, err = openSources(t.sources, from); err == nil {
		err = missing(t.open)
	}
	return t, t.cause(err)
}

// cause gives what a source failed with, where that is why reading failed.
func (t *tables) cause(err error) error {
	if err == nil {
		return nil
	}
	for _, s := range t.sources {
		if s.err != nil {
			return s.cause(err)
		}
	}
	return err
}

// each calls fn with each row of a table. A row that has not as many cells as
// the header breaks the whole: what it says would be missing elsewhere, and
// programs write no such rows.
func (t *tables) each(ctx context.Context, name string, cs columns, fn func(*table) error) error {
	file, err := t.open[name]()
	if err != nil {
		return t.cause(inTable(name, err))
	}
	defer file.Close()
	rows, err := newTable(name, file, cs, false)
	for err == nil {
		if err = rows.next(ctx); err != nil {
			break
		}
		if rows.misfit() != "" {
			return broken(name, rows.line, problemCellCount)
		}
		for c := range rows.texts {
			rows.texts[c] = withoutNull(rows.texts[c])
		}
		if err := fn(rows); err != nil {
			return err
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return t.cause(err)
}

// inTable says of which table an error speaks.
func inTable(name string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.File = name
	}
	return err
}

// withoutNull gives nothing for what databases write where there is nothing.
func withoutNull(text string) string {
	if text == "NULL" {
		return ""
	}
	return text
}
