package archive

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// sheetRows is how many entries a sheet has. Programs take 1,048,576 rows at most.
const sheetRows = 1_000_000

// The fixed parts of a workbook (ECMA-376). What is written is the least that
// programs open: texts stand in their cells, so that nothing must be remembered
// until the end, and no cell is a formula.
const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainSpace = `"http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	relSpace  = `"http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	relsSpace = `"http://schemas.openxmlformats.org/package/2006/relationships"`
	mimeOf    = "application/vnd.openxmlformats-officedocument.spreadsheetml."

	sheetHead = xmlHead + `<worksheet xmlns=` + mainSpace + `><sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>` + "\n"
	sheetFoot = "</sheetData></worksheet>\n"
)

// xlsxFile is a workbook.
type xlsxFile struct {
	in     create
	sheet  io.Writer
	sheets int
	rows   int // in the sheet
	cells  []string
	buf    []byte
	names  []string // of the columns: A, B, …
}

func openXLSX(h *head, in create) (renderer, error) {
	f := &xlsxFile{in: in}
	for i := range columns() {
		f.names = append(f.names, columnName(i))
	}
	sheets := max(1, int((h.entries+sheetRows-1)/sheetRows))
	for _, part := range workbook(sheets) {
		if err := f.put(part[0], part[1]); err != nil {
			return nil, err
		}
	}
	return f, f.begin()
}

func (f *xlsxFile) put(name, text string) error {
	w, err := f.in(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err //nolint:wrapcheck // of a writer of ours
}

// workbook are the parts around a number of sheets.
func workbook(sheets int) [][2]string {
	var types, list, rels strings.Builder
	for n := 1; n <= sheets; n++ {
		fmt.Fprintf(&types, `<Override PartName="/%s" ContentType="%sworksheet+xml"/>`, sheetName(n), mimeOf)
		fmt.Fprintf(&list, `<sheet name="Entries %d" sheetId="%d" r:id="rId%d"/>`, n, n, n)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type=%s Target="worksheets/sheet%d.xml"/>`, n, relType("worksheet"), n)
	}
	return [][2]string{
		{"[Content_Types].xml", xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + mimeOf + `sheet.main+xml"/>` + types.String() + `</Types>` + "\n"},
		{"_rels/.rels", xmlHead + `<Relationships xmlns=` + relsSpace + `><Relationship Id="rId1" Type=` + relType("officeDocument") +
			` Target="xl/workbook.xml"/></Relationships>` + "\n"},
		{"xl/workbook.xml", xmlHead + `<workbook xmlns=` + mainSpace + ` xmlns:r=` + relSpace + `><sheets>` + list.String() + `</sheets></workbook>` + "\n"},
		{"xl/_rels/workbook.xml.rels", xmlHead + `<Relationships xmlns=` + relsSpace + `>` + rels.String() + `</Relationships>` + "\n"},
	}
}

func relType(of string) string { return strings.TrimSuffix(relSpace, `"`) + "/" + of + `"` }

func sheetName(n int) string { return fmt.Sprintf("xl/worksheets/sheet%d.xml", n) }

// columnName is how programs name a column: A to Z, then AA and so on.
func columnName(i int) string {
	if i < 26 {
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i : i+1]
	}
	return columnName(i/26-1) + columnName(i%26)
}

// begin begins the next sheet.
func (f *xlsxFile) begin() error {
	f.sheets, f.rows = f.sheets+1, 0
	var err error
	if f.sheet, err = f.in(sheetName(f.sheets)); err != nil {
		return err
	}
	if _, err := io.WriteString(f.sheet, sheetHead); err != nil {
		return err //nolint:wrapcheck // of a writer of ours
	}
	return f.row(columns())
}

// Write writes a row.
func (f *xlsxFile) Write(r *Record) error {
	if f.rows > sheetRows {
		if err := f.end(); err != nil {
			return err
		}
		if err := f.begin(); err != nil {
			return err
		}
	}
	f.cells = r.appendCells(f.cells[:0])
	return f.row(f.cells)
}

func (f *xlsxFile) row(cells []string) error {
	f.rows++
	number := strconv.Itoa(f.rows)
	f.buf = append(append(append(f.buf[:0], `<row r="`...), number...), `">`...)
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		f.buf = append(append(append(f.buf, `<c r="`...), f.names[i]...), number...)
		f.buf = append(f.buf, `" t="inlineStr"><is><t xml:space="preserve">`...)
		f.buf = appendXML(f.buf, cell)
		f.buf = append(f.buf, `</t></is></c>`...)
	}
	f.buf = append(f.buf, "</row>\n"...)
	_, err := f.sheet.Write(f.buf)
	return err //nolint:wrapcheck // of a writer of ours
}

func (f *xlsxFile) end() error {
	_, err := io.WriteString(f.sheet, sheetFoot)
	return err //nolint:wrapcheck // of a writer of ours
}

// Close ends the last sheet.
func (f *xlsxFile) Close() error { return f.end() }

// maxCell is how many characters programs take in a cell.
const maxCell = 32767

// appendXML appends a text as XML has it. What XML cannot hold becomes a space;
// what would be an escape of programs (_x0041_) is none any more.
func appendXML(dst []byte, s string) []byte {
	n := 0
	for i, r := range s {
		if n++; n > maxCell {
			return dst
		}
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '_' && isEscape(s[i:]):
			dst = append(dst, "_x005F_"...)
		case r < ' ' || r == 0x7f || r == 0xfffe || r == 0xffff:
			dst = append(dst, ' ')
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// isEscape reports whether a text begins like _x0041_.
func isEscape(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	_, err := strconv.ParseUint(s[2:6], 16, 16)
	return err == nil
}
