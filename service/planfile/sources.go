package planfile

import (
	"context"
	"errors"
	"io"
	"path"
	"slices"
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

	problemCellCount = "has not as many cells as the header: a comma is not in quotation marks, the file was cut off, " +
		"or a spreadsheet left out the commas of empty cells at the end of rows"
)

// contents are the tables that were sent, by their names.
type contents struct {
	tables map[string]opener
	size   uint64 // of all of them
}

// openSources finds the tables that were sent. Whatever else was sent is not
// read.
func openSources(sources []*watched, from []Source) (*contents, error) {
	c := &contents{tables: map[string]opener{}}
	for i, s := range from {
		archive, err := isArchive(sources[i], s.Size)
		switch {
		case err != nil:
			return nil, err
		case archive && len(from) > 1:
			return nil, broken("", 0, sourceMixed)
		case archive:
			return c, c.openArchive(sources[i], s.Size)
		}
		open := func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(sources[i], 0, s.Size)), nil
		}
		if err := c.add(s.Name, uint64(max(s.Size, 0)), open); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// add adds a table, if it is one of ours by the name of its file.
func (c *contents) add(file string, size uint64, open opener) error {
	name, ok := tableOf(file)
	if !ok {
		return nil
	}
	if c.tables[name] != nil {
		return broken(name, 0, sourceTwice)
	}
	if c.size += min(size, maxUnpacked+1); c.size > maxUnpacked {
		return broken("", 0, archiveLarge)
	}
	c.tables[name] = open
	return nil
}

// tableOf returns the table that a file is by its name.
func tableOf(file string) (name string, ok bool) {
	name, ok = strings.CutSuffix(strings.ToLower(path.Base(slashed(file))), ".csv")
	i := slices.Index(tableNames, strings.TrimPrefix(name, "dbo.")) // as database tools write it
	if !ok || i < 0 {
		return "", false
	}
	return tableNames[i], true
}

// HoldsTables reports whether files are tables of the dataset by their names, or
// an archive that holds such tables. Whether they can be read is for [Read] to
// say.
func HoldsTables(from []Source) bool {
	for _, s := range from {
		if _, ok := tableOf(s.Name); ok {
			return true
		}
		archive, err := isArchive(s.At, s.Size)
		if err != nil || !archive {
			continue
		}
		found := contents{tables: map[string]opener{}}
		if err := found.openArchive(s.At, s.Size); err == nil && len(found.tables) > 0 {
			return true
		}
	}
	return false
}

// missing says which tables were not sent.
func (c *contents) missing() error {
	names := slices.DeleteFunc(slices.Clone(tableNames), func(name string) bool { return c.tables[name] != nil })
	switch len(names) {
	case 0:
		return nil
	case len(tableNames):
		return broken("", 0, "holds none of the tables: they are CSV files named "+strings.Join(tableNames, ", "))
	}
	return broken("", 0, "lacks "+strings.Join(names, ", ")+": all tables must be there, if with their header only")
}

// tables are the tables of an upload, to be read one after the other.
type tables struct {
	sources []*watched
	open    map[string]opener
	order   dayOrder // of the days of all tables
}

func openTables(from []Source) (*tables, error) {
	t := &tables{sources: make([]*watched, len(from))}
	for i := range from {
		t.sources[i] = &watched{at: from[i].At, size: from[i].Size}
	}
	found, err := openSources(t.sources, from)
	if err == nil {
		err = found.missing()
	}
	if err != nil {
		return nil, t.cause(err)
	}
	t.open = found.tables
	return t, nil
}

// cause returns what a source failed with, if that is why reading failed.
func (t *tables) cause(err error) error {
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
	rows, err := newTable(name, file, cs, false, t.order)
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

// learnOrder takes what the days of all tables tell: one program wrote them.
func (t *tables) learnOrder(ctx context.Context) error {
	var order dayOrder
	for name, cs := range tableColumns {
		file, err := t.open[name]()
		if err != nil {
			return t.cause(inTable(name, err))
		}
		err = order.learnFrom(ctx, file, cs)
		_ = file.Close() // it was read
		if err != nil {
			return t.cause(err)
		}
	}
	t.order = order
	return nil
}

// tableColumns are the columns of each table.
var tableColumns = map[string]columns{
	tablePerson: personColumns, tableIdentifiers: identifierColumns, tablePlans: planColumns,
	tableEpisodes: episodeColumns, tableLegal: statusColumns, tableMother: motherColumns,
}

// day reads the day in a column of the table.
func (t *table) day(c int) (day, string) { return parseDatasetDay(t.texts[c], t.order) }

// withoutNull returns nothing for what databases, and those who extract the
// dataset, write if there is nothing.
func withoutNull(cell string) string {
	switch cell {
	case "NULL", "(null)", `\N`, "PLACEHOLDER_DATA", "SSD_PH":
		return ""
	}
	return cell
}

// FormatOf returns the format of a file by its name: that of the dataset if it is a
// ZIP, or named as a table is.
func FormatOf(name string) Format {
	if _, ok := tableOf(name); ok || strings.EqualFold(path.Ext(slashed(name)), ".zip") {
		return SSD
	}
	return CSV
}
