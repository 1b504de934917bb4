package service_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"cpis/service"
	"cpis/service/identity"
)

const sheetHeader = "nhs_number,family_name,given_name,date_of_birth,kind,start,end,expected,legal_basis,reference,restricted\n"

// sheetRow is one row that is right, with some cells changed: "column=text".
func sheetRow(changes ...string) string {
	names := strings.Split(strings.TrimSpace(sheetHeader), ",")
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

const (
	numberB = "nhs_number=9990000026"
	numberC = "nhs_number=9990000034"
)

// manyRows writes n right rows about different people; what differs in start
// makes other people.
func manyRows(n, start int) []byte {
	var b bytes.Buffer
	b.WriteString(sheetHeader)
	for i := range n {
		b.WriteString(sheetRow("nhs_number="+numberAt(start+i), fmt.Sprintf("reference=CASE-%d", start+i)))
	}
	return b.Bytes()
}

// numberAt gives the i-th of the valid NHS numbers that are kept for tests.
func numberAt(i int) string {
	// One prefix in eleven has no check digit; the next one then has. Counting
	// in threes, no number comes twice.
	for prefix := 999_000_000 + 3*i; ; prefix++ {
		for check := range 10 {
			if n, _ := service.ParseNHSNumber(fmt.Sprintf("%09d%d", prefix, check)); !n.IsZero() {
				return n.Reveal()
			}
		}
	}
}

var (
	delta = service.Uploading{Format: service.UploadCSV, Extent: service.UploadDelta}
	whole = service.Uploading{Format: service.UploadCSV, Extent: service.UploadWhole}
)

// numbered is an upload with a running number.
func numbered(q service.Uploading, n int64) service.Uploading {
	q.Sequence = n
	return q
}

// inParts gives a file as the parts in which it comes.
func inParts(file io.Reader) func() (service.UploadPart, error) {
	buffer := make([]byte, 64<<10)
	return func() (service.UploadPart, error) {
		n, err := file.Read(buffer)
		if n > 0 {
			err = nil
		}
		return service.UploadPart{Chunk: buffer[:n]}, err
	}
}

// Send uploads a file.
func (f *fixture) Send(ctx context.Context, c *identity.Caller, q service.Uploading, file io.Reader) (*service.Upload, error) {
	out, err := f.Upload(ctx, c, &q, inParts(file))
	if err != nil {
		return nil, err
	}
	return &out.Upload, nil
}

// MustSend uploads a file.
func (f *fixture) MustSend(c *identity.Caller, q service.Uploading, file string) *service.Upload {
	f.tb.Helper()
	out, err := f.Send(f.tb.Context(), c, q, strings.NewReader(file))
	if err != nil {
		f.tb.Fatalf("Upload: %s", explain(err))
	}
	return out
}

// Approve approves what was sent.
func (f *fixture) Approve(ctx context.Context, c *identity.Caller, u *service.Upload, confirm int) (*service.Upload, error) {
	out, err := f.ApproveUpload(ctx, c, &service.Approval{UploadID: u.ID, Version: u.Version, ConfirmEnding: confirm})
	if err != nil {
		return nil, err
	}
	return &out.Upload, nil
}

// MustApply uploads a file and approves it.
func (f *fixture) MustApply(c *identity.Caller, q service.Uploading, file string) *service.Upload {
	f.tb.Helper()
	sent := f.MustSend(c, q, file)
	if sent.State != service.UploadWaiting {
		f.tb.Fatalf("Upload: %+v", sent)
	}
	out, err := f.Approve(f.tb.Context(), c, sent, sent.Counts.Ending)
	if err != nil || out.State != service.UploadApplied {
		f.tb.Fatalf("ApproveUpload: %+v, %s", out, explain(err))
	}
	return out
}

// Rows gives what is said about all rows of an upload.
func (f *fixture) Rows(c *identity.Caller, u *service.Upload) []service.RowResult {
	f.tb.Helper()
	var all []service.RowResult
	for q := (service.RowList{UploadID: u.ID}); ; {
		page, err := f.ListUploadRows(f.tb.Context(), c, &q)
		if err != nil {
			f.tb.Fatalf("ListUploadRows: %s", explain(err))
		}
		all = append(all, page.Rows...)
		if q.Page = page.Next; q.Page == "" {
			return all
		}
	}
}

// lines gives a line for each row.
func lines(rows []service.RowResult) []string {
	var all []string
	for _, r := range rows {
		line := fmt.Sprint(r.Line, " ", r.Outcome)
		for _, v := range r.Violations {
			line += fmt.Sprint("; ", v.Field, " ", v.Problem)
		}
		for _, c := range r.Changes {
			line += fmt.Sprintf("; %s %q to %q", c.Field, c.Old, c.New)
		}
		all = append(all, line)
	}
	return all
}

type readerFunc func([]byte) (int, error)

func (r readerFunc) Read(p []byte) (int, error) { return r(p) }

// persist tries again what is refused because others are busy.
func persist(try func() error) error {
	var err error
	for range 30 {
		err = try()
		if !isOverloaded(err) && !errors.Is(err, service.ErrUnavailable) {
			return err
		}
	}
	return err
}

// assertNothingPersonal looks for what the right registrations say about people,
// also inside what is compressed.
func assertNothingPersonal(tb testing.TB, kept []byte) {
	tb.Helper()
	if _, packed, found := bytes.Cut(kept, []byte{'\n'}); found {
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			tb.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			tb.Fatal(err)
		}
		kept = append(kept, plain...)
	}
	for _, secret := range []string{"9990000018", "Example", "Robin", "2019", "CASE", "2026-09"} {
		if bytes.Contains(kept, []byte(secret)) {
			tb.Errorf("%q is kept", secret)
		}
	}
}

// holdLog keeps everybody from appending to the log until it is released.
func (f *fixture) holdLog() (release func()) {
	f.tb.Helper()
	return f.hold(`SELECT FROM cpis.log_head FOR UPDATE`)
}

// waitForBlocked waits until n transactions wait for others.
func (f *fixture) waitForBlocked(n int) {
	f.tb.Helper()
	f.admin(func(conn *pgx.Conn) error {
		for blocked := 0; blocked != n; {
			err := conn.QueryRow(f.tb.Context(), `
				SELECT count(*)
				FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&blocked)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Count counts the rows of a table.
func (f *fixture) Count(table string) (n int) {
	f.tb.Helper()
	f.admin(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.tb.Context(), `SELECT count(*) FROM cpis.`+pgx.Identifier{table}.Sanitize()).Scan(&n)
	})
	return n
}

// violationsOf gives what an *InvalidError says is wrong.
func violationsOf(tb testing.TB, err error) []service.Violation {
	tb.Helper()
	invalid, ok := errors.AsType[*service.InvalidError](err)
	if !ok {
		tb.Fatalf("got error %v, want an *InvalidError", err)
	}
	return invalid.Violations
}

// Dump gives the rows of a table as text.
func (f *fixture) Dump(table string) (rows []string) {
	f.tb.Helper()
	f.admin(func(conn *pgx.Conn) error {
		found, err := conn.Query(f.tb.Context(), `SELECT t::text FROM cpis.`+pgx.Identifier{table}.Sanitize()+` AS t`)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(found, pgx.RowTo[string])
		return err
	})
	return rows
}
