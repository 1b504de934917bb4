package servicetest

import (
	"bytes"
	"fmt"
	"strings"

	"cpis/service/domain"
	"cpis/service/upload"
)

// SheetHeader is the first row of a file of plans.
const SheetHeader = "nhs_number,family_name,given_name,date_of_birth,kind,start,end,expected,legal_basis,reference,restricted\n"

// SheetRow is one row that is right, with some cells changed: "column=text".
func SheetRow(changes ...string) string {
	names := strings.Split(strings.TrimSpace(SheetHeader), ",")
	cells := strings.Split("9990000018,Example,Robin,2019-04-30,cpp,2026-09-01,,,,CASE-1042,no", ",")
	for _, c := range changes {
		name, text, _ := strings.Cut(c, "=")
		for i := range names {
			if names[i] == name {
				cells[i] = text
			}
		}
	}
	return strings.Join(cells, ",") + "\n"
}

// NumberB and NumberC are cells with numbers of other people.
const (
	NumberB = "nhs_number=9990000026"
	NumberC = "nhs_number=9990000034"
)

// ManyRows writes n right rows about different people; what differs in start
// makes other people.
func ManyRows(n, start int) []byte {
	var b bytes.Buffer
	b.WriteString(SheetHeader)
	for i := range n {
		b.WriteString(SheetRow("nhs_number="+NumberAt(start+i), fmt.Sprintf("reference=CASE-%d", start+i)))
	}
	return b.Bytes()
}

// NumberAt returns the i-th of the valid NHS numbers that are kept for tests.
func NumberAt(i int) string {
	// One prefix in eleven has no check digit; the next one then has. Counting
	// in threes, no number comes twice.
	for prefix := 999_000_000 + 3*i; ; prefix++ {
		for check := range 10 {
			if n, _ := domain.ParseNHSNumber(fmt.Sprintf("%09d%d", prefix, check)); !n.IsZero() {
				return n.Reveal()
			}
		}
	}
}

// Delta and Whole are uploads of some plans and of all.
var (
	Delta = upload.Request{Format: upload.CSV, Extent: upload.Delta}
	Whole = upload.Request{Format: upload.CSV, Extent: upload.Whole}
)

// Numbered is an upload with a running number.
func Numbered(q upload.Request, n int64) upload.Request {
	q.Sequence = n
	return q
}
