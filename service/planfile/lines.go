package planfile

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"cpis/service/text"
)

// Line is a line of a file as it was written, but for how its cells are quoted.
type Line struct {
	File   string // table of which it is a line; empty of a CSV file
	Line   int    // on which it begins, from 1
	Header bool   // it names the columns
	Cells  []string
}

// resultTables are the tables with the lines that rows of the dataset name.
var resultTables = []string{tablePlans, tableEpisodes}

// Lines calls fn with the lines that rows may be about, header first: those of the
// file or, of the dataset, of two of its tables. Lines in which nothing is written
// are passed over, and so are columns of an earlier result. A byte that is no
// character is shown as U+FFFD: Read refuses it only where it reads. The line
// belongs to fn until it returns. The error is as that of [Read].
func Lines(ctx context.Context, f Format, sources []Source, fn func(*Line) error) error {
	switch f {
	case CSV:
		if len(sources) != 1 {
			return broken("", 0, "is not one file: a CSV upload has exactly one")
		}
		at := &watched{at: sources[0].At, size: sources[0].Size}
		return at.cause(lines(ctx, "", io.NewSectionReader(at, 0, at.size), fn))
	case SSD:
		return linesOfTables(ctx, sources, fn)
	}
	return errors.New("no such format of files")
}

func linesOfTables(ctx context.Context, sources []Source, fn func(*Line) error) error {
	t, err := openTables(sources)
	if err != nil {
		return err
	}
	for _, name := range resultTables {
		file, err := t.open[name]()
		if err == nil {
			err = lines(ctx, name, file, fn)
			_ = file.Close() // it was read
		}
		if err != nil {
			return t.cause(inTable(name, err))
		}
	}
	return nil
}

// lines calls fn with the lines of one file.
func lines(ctx context.Context, name string, file io.Reader, fn func(*Line) error) error {
	r := newRecords(file)
	line, earlier := Line{File: name, Header: true}, 0
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line.Line, line.Cells = rec.line, line.Cells[:0]
		for _, cell := range rec.cells {
			line.Cells = append(line.Cells, shown(cell))
		}
		if !slices.ContainsFunc(line.Cells, func(cell string) bool { return !text.Blank(cell) }) {
			continue
		}
		if line.Header {
			earlier = resultWidth(line.Cells)
		}
		shown := line
		line.Header = false
		shown.Cells = line.Cells[min(earlier, len(line.Cells)):]
		if err := errors.Join(ctx.Err(), fn(&shown)); err != nil {
			return err
		}
	}
}

// resultWidth is how many columns of an earlier result a header begins with.
func resultWidth(header []string) int {
	for i, name := range ResultColumns {
		if i >= len(header) || columnName(unguarded(header[i])) != columnName(name) {
			return 0
		}
	}
	return len(ResultColumns)
}

// ofResult reports whether a column's name is one that only results have.
func ofResult(name string) bool {
	return slices.ContainsFunc(ResultColumns, func(c string) bool { return columnName(c) == name })
}

// unguarded returns a cell without the apostrophe that a result puts before what a
// spreadsheet would take for a formula.
func unguarded(cell string) string {
	rest, guarded := strings.CutPrefix(cell, "'")
	if inside := strings.TrimSpace(rest); guarded && inside != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(inside)[0]) {
		return inside
	}
	return cell
}
