package servicetest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/upload"
)

// SendCase uploads one of planfile's cases as a delta.
func (f *Fixture) SendCase(name string) *upload.Upload {
	f.TB.Helper()
	path := filepath.Join("../planfile/testdata/cases", name)
	if content, err := os.ReadFile(path + ".csv"); err == nil {
		return f.MustSend(Lead, Delta, string(content))
	}
	return f.MustSendFiles(Lead, upload.Request{Format: upload.SSD, Extent: upload.Delta}, path)
}

// HeldAbout says what is held about whoever has an NHS number.
func (f *Fixture) HeldAbout(number string) string {
	f.TB.Helper()
	p := f.MustGet(Lead, number)
	out := []string{number, p.Person.Family, p.Person.DateOfBirth.String()}
	for _, plan := range p.Plans {
		d := plan.Details
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s to %s %s%s", d.Kind, d.Start, d.End, d.Expected, d.Basis)))
	}
	return strings.Join(out, ", ")
}

// CrashApplying approves an upload while the keys are away, as if the server had
// died before it could do anything.
func (f *Fixture) CrashApplying(c *identity.Caller, u *upload.Upload) {
	f.TB.Helper()
	f.Keeper.TakeAway(true)
	defer f.Keeper.TakeAway(false)
	got, err := f.Approve(f.TB.Context(), c, u, u.Counts.Ending)
	if err != nil || got.State != upload.Applying {
		f.TB.Fatalf("got %+v, %s", got, Explain(err))
	}
	if e := f.LastEntry(); e.Action != "apply_upload" || e.Outcome != "failed" {
		f.TB.Errorf("entry %+v", e)
	}
}

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

// NumberAt gives the i-th of the valid NHS numbers that are kept for tests.
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

// InParts gives a file as the parts in which it comes.
func InParts(file io.Reader) func() (upload.Part, error) {
	buffer := make([]byte, 64<<10)
	return func() (upload.Part, error) {
		n, err := file.Read(buffer)
		if n > 0 {
			err = nil
		}
		return upload.Part{Chunk: buffer[:n]}, err
	}
}

// Send uploads a file.
func (f *Fixture) Send(ctx context.Context, c *identity.Caller, q upload.Request, file io.Reader) (*upload.Upload, error) {
	out, err := f.Upload(ctx, c, &q, InParts(file))
	if err != nil {
		return nil, err
	}
	return &out.Upload, nil
}

// MustSend uploads a file.
func (f *Fixture) MustSend(c *identity.Caller, q upload.Request, file string) *upload.Upload {
	f.TB.Helper()
	out, err := f.Send(f.TB.Context(), c, q, strings.NewReader(file))
	if err != nil {
		f.TB.Fatalf("Upload: %s", Explain(err))
	}
	return out
}

// Approve approves what was sent.
func (f *Fixture) Approve(ctx context.Context, c *identity.Caller, u *upload.Upload, confirm int) (*upload.Upload, error) {
	out, err := f.ApproveUpload(ctx, c, &upload.ApproveRequest{UploadID: u.ID, Version: u.Version, ConfirmEnding: confirm})
	if err != nil {
		return nil, err
	}
	return &out.Upload, nil
}

// MustApply uploads a file and approves it.
func (f *Fixture) MustApply(c *identity.Caller, q upload.Request, file string) *upload.Upload {
	f.TB.Helper()
	sent := f.MustSend(c, q, file)
	if sent.State != upload.Waiting {
		f.TB.Fatalf("Upload: %+v", sent)
	}
	out, err := f.Approve(f.TB.Context(), c, sent, sent.Counts.Ending)
	if err != nil || out.State != upload.Applied {
		f.TB.Fatalf("ApproveUpload: %+v, %s", out, Explain(err))
	}
	return out
}

// Rows gives what is said about all rows of an upload.
func (f *Fixture) Rows(c *identity.Caller, u *upload.Upload) []upload.RowResult {
	f.TB.Helper()
	var all []upload.RowResult
	for q := (upload.ListRowsRequest{UploadID: u.ID}); ; {
		page, err := f.ListUploadRows(f.TB.Context(), c, &q)
		if err != nil {
			f.TB.Fatalf("ListUploadRows: %s", Explain(err))
		}
		all = append(all, page.Rows...)
		if q.Page = page.Next; q.Page == "" {
			return all
		}
	}
}

// Lines gives a line for each row.
func Lines(rows []upload.RowResult) []string {
	var all []string
	for _, r := range rows {
		var line strings.Builder
		fmt.Fprint(&line, r.Line, " ", r.Outcome)
		for _, v := range r.Violations {
			fmt.Fprint(&line, "; ", v.Field, " ", v.Problem)
		}
		for _, c := range r.Changes {
			fmt.Fprintf(&line, "; %s %q to %q", c.Field, c.Old, c.New)
		}
		all = append(all, line.String())
	}
	return all
}

// ReaderFunc is a function that reads.
type ReaderFunc func([]byte) (int, error)

// Read implements io.Reader.
func (r ReaderFunc) Read(p []byte) (int, error) { return r(p) }

// Persist tries again what is refused because others are busy.
func Persist(try func() error) error {
	var err error
	for range 30 {
		err = try()
		if !IsOverloaded(err) && !errors.Is(err, guard.ErrUnavailable) {
			return err
		}
	}
	return err
}

// AssertNothingPersonal looks for what the right registrations say about people,
// also inside what is compressed.
func AssertNothingPersonal(tb testing.TB, kept []byte) {
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

// HoldLog keeps everybody from appending to the log until it is released.
func (f *Fixture) HoldLog() (release func()) {
	f.TB.Helper()
	return f.Hold(`SELECT FROM cpis.log_head FOR UPDATE`)
}

// WaitForBlocked waits until n transactions wait for others.
func (f *Fixture) WaitForBlocked(n int) {
	f.TB.Helper()
	f.AsSuperuser(func(conn *pgx.Conn) error {
		for blocked := 0; blocked != n; {
			err := conn.QueryRow(f.TB.Context(), `
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
func (f *Fixture) Count(table string) (n int) {
	f.TB.Helper()
	f.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.TB.Context(), `SELECT count(*) FROM cpis.`+pgx.Identifier{table}.Sanitize()).Scan(&n)
	})
	return n
}

// ViolationsOf gives what an *InvalidError says is wrong.
func ViolationsOf(tb testing.TB, err error) []domain.Violation {
	tb.Helper()
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		tb.Fatalf("got error %v, want an *InvalidError", err)
	}
	return invalid.Violations
}

// Dump gives the rows of a table as text.
func (f *Fixture) Dump(table string) (rows []string) {
	f.TB.Helper()
	f.AsSuperuser(func(conn *pgx.Conn) error {
		found, err := conn.Query(f.TB.Context(), `SELECT t::text FROM cpis.`+pgx.Identifier{table}.Sanitize()+` AS t`)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(found, pgx.RowTo[string])
		return err
	})
	return rows
}

// stageTime and stageMemory bound what a stage of an upload may take.
const (
	stageTime   = 10 * time.Second
	stageMemory = 64 << 20
)

// WholeList takes a whole list of so many rows from its arrival to its end.
func (f *Fixture) WholeList(rows int) {
	t := f.TB
	var file bytes.Buffer
	file.WriteString(SheetHeader)
	bad := 0
	for i := range rows {
		row := SheetRow("nhs_number="+NumberAt(i), fmt.Sprintf("reference=CASE-%d", i))
		switch i % 100 {
		case 7:
			row = SheetRow("nhs_number=9990000019", fmt.Sprintf("reference=CASE-%d", i))
		case 40:
			row = SheetRow("nhs_number="+NumberAt(i), "start=2030-01-01")
		case 77:
			row = SheetRow("nhs_number="+NumberAt(i), "kind=lac")
		default:
			bad--
		}
		bad++
		file.WriteString(row)
	}
	var sent, applied *upload.Upload
	f.stage("check", func() { sent = f.MustSend(Lead, Whole, file.String()) })
	if c := sent.Counts; sent.State != upload.Waiting || c.Rejected != bad || c.New != rows-bad {
		t.Fatalf("got %+v, want %d rejected", sent, bad)
	}
	f.stage("apply", func() {
		var err error
		if applied, err = f.Approve(t.Context(), Lead, sent, 0); err != nil || applied.State != upload.Applied || applied.Code != "CPF03" {
			t.Fatalf("got %+v, %s", applied, Explain(err))
		}
	})
	f.stage("check again", func() { sent = f.MustSend(Lead, Whole, file.String()) })
	if c := sent.Counts; sent.State != upload.Checked || c.Unchanged != rows-bad || c.Rejected != bad {
		t.Errorf("again: %+v", sent)
	}
	shorter := bytes.Join(slices.DeleteFunc(bytes.SplitAfter(file.Bytes(), []byte("\n"))[:rows*7/10], func(row []byte) bool {
		return bytes.HasPrefix(row, []byte("9990000019")) // nobody knows whose they are: nothing would end
	}), nil)
	f.stage("check a shorter one", func() { sent = f.MustSend(Lead, Whole, string(shorter)) })
	if sent.State != upload.Waiting || !sent.Brake || sent.Counts.Ending < rows/4 {
		t.Errorf("shorter: %+v", sent)
	}
	f.stage("apply a shorter one", func() {
		if got, err := f.Approve(t.Context(), Lead, sent, sent.Counts.Ending); err != nil || got.State != upload.Applied {
			t.Errorf("got %+v, %s", got, Explain(err))
		}
	})
}

// stage runs a stage of an upload within its bounds.
func (f *Fixture) stage(name string, do func()) {
	f.TB.Helper()
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		var now runtime.MemStats
		var peak uint64
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				most <- peak
				return
			case <-tick.C:
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapInuse)
			}
		}
	}()
	began := time.Now()
	do()
	took := time.Since(began)
	close(done)
	grown := max(0, int64(<-most)-int64(before.HeapInuse))
	f.TB.Logf("%s: %v, heap grew by %.1f MiB at most", name, took.Round(time.Millisecond), float64(grown)/(1<<20))
	if took > stageTime || grown > stageMemory {
		f.TB.Errorf("%s: took %v and %d bytes", name, took, grown)
	}
}

// MustSetRules makes the first rules of Islington.
func (f *Fixture) MustSetRules(r upload.Rules) {
	f.TB.Helper()
	if _, err := f.SetUploadRules(f.TB.Context(), Lead, &upload.SetRulesRequest{Rules: r}); err != nil {
		f.TB.Fatalf("SetUploadRules: %s", Explain(err))
	}
}

// MustSendFiles uploads all files of a directory.
func (f *Fixture) MustSendFiles(c *identity.Caller, q upload.Request, dir string) *upload.Upload {
	f.TB.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		f.TB.Fatal(err)
	}
	var parts []upload.Part
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			f.TB.Fatal(err)
		}
		parts = append(parts, upload.Part{File: file.Name()}, upload.Part{Chunk: data})
	}
	out, err := f.Upload(f.TB.Context(), c, &q, func() (upload.Part, error) {
		if len(parts) == 0 {
			return upload.Part{}, io.EOF
		}
		next := parts[0]
		parts = parts[1:]
		return next, nil
	})
	if err != nil {
		f.TB.Fatalf("Upload: %s", Explain(err))
	}
	return &out.Upload
}
