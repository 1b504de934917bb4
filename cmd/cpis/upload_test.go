package main

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// intake stands for UploadService: it keeps what it was sent, and goes through
// the states that the test wants.
type intake struct {
	cpisv1connect.UnimplementedUploadServiceHandler

	mu       sync.Mutex
	begin    *cpisv1.UploadBegin
	files    []string // "name:content" of each that came, whole
	ids      []string // X-Request-ID of each upload
	busy     int      // how many uploads are refused first
	states   []*cpisv1.Upload
	rows     []*cpisv1.RowResult
	approved []*cpisv1.ApproveUploadRequest
	result   []*cpisv1.DownloadResultResponse
}

// next returns the next state; the last one stays.
func (s *intake) next() *cpisv1.Upload {
	now := s.states[0]
	if len(s.states) > 1 {
		s.states = s.states[1:]
	}
	return now
}

func (s *intake) Upload(ctx context.Context, stream cpisv1connect.UploadServiceUploadServerStream) (*cpisv1.UploadResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, _ := connect.CallInfoForServerContext(ctx)
	s.ids = append(s.ids, info.RequestHeader().Get("X-Request-ID"))
	if s.busy > 0 {
		s.busy--
		return nil, connect.NewError(connect.CodeResourceExhausted, "busy")
	}
	s.files = nil
	for {
		m, err := stream.Receive()
		switch {
		case errors.Is(err, io.EOF):
			return &cpisv1.UploadResponse{Upload: s.next(), Receipt: &cpisv1.Receipt{Log: "log", Index: 1}}, nil
		case err != nil:
			return nil, err
		case m.GetBegin() != nil:
			s.begin = m.GetBegin()
		case m.GetFile() != nil:
			s.files = append(s.files, m.GetFile().GetName()+":")
		default:
			if len(s.files) == 0 {
				s.files = []string{":"}
			}
			s.files[len(s.files)-1] += string(m.GetChunk())
		}
	}
}

func (s *intake) ApproveUpload(_ context.Context, m *cpisv1.ApproveUploadRequest) (*cpisv1.ApproveUploadResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.approved = append(s.approved, m)
	return &cpisv1.ApproveUploadResponse{Upload: s.next(), Receipt: &cpisv1.Receipt{Log: "log", Index: 2}}, nil
}

func (s *intake) GetUpload(context.Context, *cpisv1.GetUploadRequest) (*cpisv1.GetUploadResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &cpisv1.GetUploadResponse{Upload: s.next()}, nil
}

// ListUploadRows returns a page for each row, and an empty one before.
func (s *intake) ListUploadRows(_ context.Context, m *cpisv1.ListUploadRowsRequest) (*cpisv1.ListUploadRowsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var wanted []*cpisv1.RowResult
	for _, row := range s.rows {
		if m.GetOutcome() == 0 || row.GetOutcome() == m.GetOutcome() {
			wanted = append(wanted, row)
		}
	}
	n := len(m.GetPage()) // pages are called "", "x", "xx" …
	if n == 0 {
		return &cpisv1.ListUploadRowsResponse{NextPage: "x"}, nil
	}
	answer := &cpisv1.ListUploadRowsResponse{}
	if n <= len(wanted) {
		answer.Rows = wanted[n-1 : n]
	}
	if n < len(wanted) {
		answer.NextPage = m.GetPage() + "x"
	}
	return answer, nil
}

func (s *intake) DownloadResult(
	_ context.Context, _ *cpisv1.DownloadResultRequest, stream cpisv1connect.UploadServiceDownloadResultServerStream,
) error {
	for _, part := range s.result {
		if err := stream.Send(part); err != nil {
			return err
		}
	}
	return nil
}

// serve serves the intake, and returns how a command reaches it.
func (s *intake) serve(t *testing.T) []string {
	t.Helper()
	server, mux := connect.NewServer(), http.NewServeMux()
	cpisv1connect.RegisterUploadServiceHandler(server, s)
	connecthttp.Mount(mux, server)
	listening := httptest.NewServer(mux)
	t.Cleanup(listening.Close)
	return []string{"--url", listening.URL, "--token-file", tokenFile(t, "a-token")}
}

// state makes a state of an upload.
func state(s cpisv1.UploadState, counts *cpisv1.UploadCounts) *cpisv1.Upload {
	return &cpisv1.Upload{Id: "upload-1", Version: 3, State: s, Counts: counts}
}

const (
	received  = cpisv1.UploadState_UPLOAD_STATE_RECEIVED
	checked   = cpisv1.UploadState_UPLOAD_STATE_CHECKED
	waiting   = cpisv1.UploadState_UPLOAD_STATE_WAITING
	applying  = cpisv1.UploadState_UPLOAD_STATE_APPLYING
	applied   = cpisv1.UploadState_UPLOAD_STATE_APPLIED
	fileWrong = cpisv1.UploadState_UPLOAD_STATE_REJECTED
)

// plansFile writes a file of plans.
func plansFile(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestUpload_AsksOrIsTold(t *testing.T) {
	t.Parallel()
	file := tokenFile(t, "any file")
	command(t, "y\n", "upload", "--token-file", file, file).want(t, 1, "give --yes")
}

func TestUpload_AsksUntilYes(t *testing.T) {
	t.Parallel()
	brake := state(waiting, &cpisv1.UploadCounts{Ending: 40})
	brake.Brake = true
	for _, tt := range []struct {
		state  *cpisv1.Upload
		answer string
		want   bool
	}{
		{state(waiting, nil), "y\n", true},
		{state(waiting, nil), "Yes\n", true},
		{state(waiting, nil), "n\n", false},
		{state(waiting, nil), "\n", false},
		{state(waiting, nil), "", false},
		{state(waiting, nil), "yesterday\n", false},
		{brake, "y\n", false},
		{brake, "39\n", false},
		{brake, "40\n", true},
		{brake, " 40 \n", true},
		{brake, "", false},
	} {
		var prompt strings.Builder
		u := uploader{w: &world{stdin: strings.NewReader(tt.answer), stderr: &prompt}}
		if got, err := u.ask(tt.state); got != tt.want || err != nil {
			t.Errorf("ask about brake %v, answered %q: got %v, %v, want %v", tt.state.GetBrake(), tt.answer, got, err, tt.want)
		}
		if tt.state.GetBrake() != strings.Contains(prompt.String(), "end 40 plans") {
			t.Errorf("ask about brake %v: asked %q", tt.state.GetBrake(), prompt.String())
		}
	}
}

func TestUpload_GoesThroughTheStates(t *testing.T) {
	t.Parallel()
	good := &cpisv1.UploadCounts{Rows: 2, New: 2}
	brake := state(waiting, &cpisv1.UploadCounts{Rows: 2, Ending: 40})
	brake.Brake, brake.Warnings = true, []string{"It would end many."}
	broken := state(fileWrong, &cpisv1.UploadCounts{})
	broken.Code, broken.Problems = "CPF01", []*cpisv1.FieldViolation{{Problem: "ends in the middle of a row"}}
	for _, tt := range []struct {
		name     string
		flags    []string
		states   []*cpisv1.Upload
		status   int
		approved int // how often
		want     []string
	}{
		{"Applied", []string{"--yes"}, []*cpisv1.Upload{state(waiting, good), state(applied, good)}, 0, 1, []string{"Applied: entry 2 of the log log."}},
		{"ByRule", []string{"--yes"}, []*cpisv1.Upload{state(applied, good)}, 0, 0, []string{"Applied: entry 1 of the log log."}},
		{"Unchanged", []string{"--yes"}, []*cpisv1.Upload{state(checked, good)}, 0, 0, []string{"Nothing to apply"}},
		{"Checked", []string{"--check"}, []*cpisv1.Upload{state(waiting, good)}, 0, 0, []string{"nothing was changed", "cpis upload approve upload-1 --version 3\n"}},
		{
			"TakesItsTime",
			[]string{"--yes"},
			[]*cpisv1.Upload{state(received, nil), state(waiting, good), state(applying, good), state(applied, good)},
			0, 1,
			[]string{"Applied: "},
		},
		{
			"ChangedMeanwhile",
			[]string{"--yes"},
			[]*cpisv1.Upload{state(waiting, good), state(waiting, good), state(applied, good)},
			0, 2,
			[]string{"has changed meanwhile", "Applied: "},
		},
		{"Brake", []string{"--yes"}, []*cpisv1.Upload{brake}, 1, 0, []string{
			"SAFETY BRAKE: this would end 40 plans.\nWarning: It would end many.\n", "cpis upload approve upload-1 --version 3 --confirm-ending 40",
		}},
		{"BrakeOfAnotherNumber", []string{"--yes", "--confirm-ending", "39"}, []*cpisv1.Upload{brake}, 1, 0, []string{"not approved"}},
		{"BrakeConfirmed", []string{"--yes", "--confirm-ending", "40"}, []*cpisv1.Upload{brake, state(applied, good)}, 0, 1, []string{"Applied: "}},
		{"Broken", []string{"--yes"}, []*cpisv1.Upload{broken}, exitRejected, 0, []string{"ends in the middle of a row", "Rejected (CPF01): nothing was changed."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &intake{states: tt.states}
			o := command(t, "", slices.Concat([]string{"upload", plansFile(t, "plans.csv", "a,b\n")}, tt.flags, s.serve(t))...)
			o.want(t, tt.status, tt.want...)
			if len(s.approved) != tt.approved {
				t.Errorf("approved %d times, want %d", len(s.approved), tt.approved)
			}
			for _, a := range s.approved {
				if a.GetUploadId() != "upload-1" || a.GetVersion() != 3 || (a.GetConfirmEnding() == 40) != (tt.name == "BrakeConfirmed") {
					t.Errorf("approved %v", a)
				}
			}
		})
	}
}

func TestUpload_SaysWhatComes(t *testing.T) {
	t.Parallel()
	tables := t.TempDir()
	for name, text := range map[string]string{"ssd_person.csv": "p", "ssd_cp_plans.CSV": "c", "readme.txt": "x"} {
		if err := os.WriteFile(filepath.Join(tables, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive := filepath.Join(t.TempDir(), "tables.zip")
	var packed strings.Builder
	z := zip.NewWriter(&packed)
	if err := errors.Join(z.Close(), os.WriteFile(archive, []byte(packed.String()), 0o600)); err != nil {
		t.Fatal(err)
	}
	recognised := archive + ".of-tables.zip"
	var tablesPacked strings.Builder
	z = zip.NewWriter(&tablesPacked)
	_, err := z.Create("extract/ssd_person.csv")
	if err := errors.Join(err, z.Close(), os.WriteFile(recognised, []byte(tablesPacked.String()), 0o600)); err != nil {
		t.Fatal(err)
	}
	csv := plansFile(t, "plans.csv", "a,b\n")
	const ssd, whole, delta = cpisv1.UploadFormat_UPLOAD_FORMAT_SSD, cpisv1.UploadExtent_UPLOAD_EXTENT_WHOLE, cpisv1.UploadExtent_UPLOAD_EXTENT_DELTA
	for _, tt := range []struct {
		name   string
		args   []string
		format cpisv1.UploadFormat
		extent cpisv1.UploadExtent
		files  []string
	}{
		{"CSV", []string{csv}, cpisv1.UploadFormat_UPLOAD_FORMAT_CSV, delta, []string{":a,b\n"}},
		{"Whole", []string{csv, "--whole"}, cpisv1.UploadFormat_UPLOAD_FORMAT_CSV, whole, []string{":a,b\n"}},
		{"Directory", []string{tables, "--ssd", "--whole"}, ssd, whole, []string{"ssd_cp_plans.CSV:c", "ssd_person.csv:p"}},
		{"Files", []string{filepath.Join(tables, "ssd_person.csv"), filepath.Join(tables, "ssd_cp_plans.CSV"), "--ssd"}, ssd, delta, []string{"ssd_person.csv:p", "ssd_cp_plans.CSV:c"}},
		{"ZIP", []string{archive, "--ssd"}, ssd, delta, []string{":" + packed.String()}},
		{"AnotherZIP", []string{archive}, cpisv1.UploadFormat_UPLOAD_FORMAT_CSV, delta, []string{":" + packed.String()}},
		{"RecognisedDirectory", []string{tables}, ssd, delta, []string{"ssd_cp_plans.CSV:c", "ssd_person.csv:p"}},
		{"RecognisedFiles", []string{filepath.Join(tables, "ssd_person.csv"), filepath.Join(tables, "ssd_cp_plans.CSV")}, ssd, delta, []string{"ssd_person.csv:p", "ssd_cp_plans.CSV:c"}},
		{"RecognisedZIP", []string{recognised}, ssd, delta, []string{":" + tablesPacked.String()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &intake{states: []*cpisv1.Upload{state(checked, nil)}}
			command(t, "", slices.Concat([]string{"upload", "--yes", "--sequence", "7", "--authority", "206"}, tt.args, s.serve(t))...).want(t, 0)
			if diff := cmp.Diff(tt.files, s.files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if s.begin.GetFormat() != tt.format || s.begin.GetExtent() != tt.extent || s.begin.GetSequence() != 7 || s.begin.GetAuthority() != "206" {
				t.Errorf("begin: got %v", s.begin)
			}
		})
	}
	for given, want := range map[string]string{"Islington": "E09000019", "north tyneside": "E08000022", "206": "206", "E09000019": "E09000019"} {
		s := &intake{states: []*cpisv1.Upload{state(checked, nil)}}
		command(t, "", slices.Concat([]string{"upload", "--yes", "--authority", given, csv}, s.serve(t))...).want(t, 0)
		if got := s.begin.GetAuthority(); got != want {
			t.Errorf("--authority %s: got %q, want %q", given, got, want)
		}
	}
	command(t, "", "upload", "--yes", "--authority", "Nowhere", csv).want(t, 2, "--authority must be a local authority: its name")

	token := tokenFile(t, "a-token")
	for want, args := range map[string][]string{
		"only with --ssd":                       {csv, archive},
		"is no file, and no directory with CSV": {t.TempDir(), "--ssd"},
		"no such file":                          {csv + ".not"},
		"--whole and --delta can't be used":     {csv, "--whole", "--delta"},
	} {
		o := command(t, "", slices.Concat([]string{"upload", "--yes", "--token-file", token}, args)...)
		if o.status == 0 || !strings.Contains(o.stderr, want) {
			t.Errorf("upload %v: got status %d, %q, want %q", args, o.status, o.stderr, want)
		}
	}
}

// A file that is sent again is sent whole, and as the same request.
func TestUpload_TriesAgainAsTheSameRequest(t *testing.T) {
	t.Parallel()
	s := &intake{states: []*cpisv1.Upload{state(checked, nil)}, busy: 1}
	command(t, "", slices.Concat([]string{"upload", "--yes", plansFile(t, "plans.csv", "a,b\n")}, s.serve(t))...).want(t, 0)
	if len(s.ids) != 2 || s.ids[0] == "" || s.ids[0] != s.ids[1] {
		t.Errorf("request ids: got %q, want the same twice", s.ids)
	}
	if diff := cmp.Diff([]string{":a,b\n"}, s.files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestUpload_WritesWhatBecameOfEachRow(t *testing.T) {
	t.Parallel()
	counts := &cpisv1.UploadCounts{Rows: 9, New: 7, Changed: 1, Rejected: 1}
	s := &intake{states: []*cpisv1.Upload{state(waiting, counts), state(applied, counts)}}
	for line := range int32(7) {
		s.rows = append(s.rows, &cpisv1.RowResult{Line: line + 2, Outcome: cpisv1.RowOutcome_ROW_OUTCOME_NEW, Code: "CPR06", Reference: "=CASE"})
	}
	s.rows = append(s.rows,
		&cpisv1.RowResult{Line: 9, Outcome: cpisv1.RowOutcome_ROW_OUTCOME_CHANGED, Code: "CPR06", PlanId: "plan-1", Changes: []*cpisv1.FieldChange{
			{Field: "family_name", Old: "Example", New: "Sample"},
		}},
		&cpisv1.RowResult{Line: 10, Outcome: cpisv1.RowOutcome_ROW_OUTCOME_REJECTED, Code: "CPR04", Violations: []*cpisv1.FieldViolation{
			{Field: "nhs_number", Problem: "is not an NHS number", Example: "999 000 0018"},
		}})
	file := plansFile(t, "plans.csv", "a,b\n")
	to := s.serve(t)
	o := command(t, "", slices.Concat([]string{"upload", "--yes", file}, to)...)
	o.want(t, exitRejected,
		"line 10, rejected: nhs_number is not an NHS number, such as 999 000 0018",
		`line 9, changed: family_name "Example" becomes "Sample"`, "line 2, new, =CASE", "and 2 more: new",
		"1 row was rejected and left out", "The result of each row is in "+file+".result.csv.")
	golden(t, "result.golden", readText(t, file+".result.csv"))

	// Where nothing is wrong it is written only if asked for.
	s.states = []*cpisv1.Upload{state(checked, nil)}
	fine := plansFile(t, "fine.csv", "a,b\n")
	command(t, "", slices.Concat([]string{"upload", "--yes", fine}, to)...).want(t, 0)
	if _, err := os.Stat(fine + ".result.csv"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a result was written: %v", err)
	}
	elsewhere := fine + ".elsewhere"
	command(t, "", slices.Concat([]string{"upload", "--yes", fine, "--result", elsewhere}, to)...).want(t, 0, elsewhere)
	if readText(t, elsewhere) == "" {
		t.Error("the result is empty")
	}
}

// A result is there under its name only when all of it came, and replaces nothing.
func TestUploadResult_IsSavedWhole(t *testing.T) {
	t.Parallel()
	part := func(offset int64, text string) *cpisv1.DownloadResultResponse {
		return &cpisv1.DownloadResultResponse{Format: cpisv1.UploadFormat_UPLOAD_FORMAT_SSD, Size: 6, Offset: offset, Chunk: []byte(text)}
	}
	s := &intake{result: []*cpisv1.DownloadResultResponse{part(0, "abcd"), part(4, "ef")}}
	out := filepath.Join(t.TempDir(), "result.zip")
	args := slices.Concat([]string{"upload", "result", "upload-1", "--out", out}, s.serve(t))
	command(t, "", args...).want(t, 0, "Saved to "+out)
	if got := readText(t, out); got != "abcdef" {
		t.Errorf("saved is %q", got)
	}
	command(t, "", args...).want(t, 1, out+" is there already")
	s.result = s.result[:1]
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	command(t, "", args...).want(t, 1, "the file did not come whole")
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
		t.Errorf("half a result is left: %v, %v", left, err)
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// No cell of the result is a formula, however a spreadsheet looks for one.
func TestUpload_WritesNoFormulas(t *testing.T) {
	t.Parallel()
	counts := &cpisv1.UploadCounts{Rows: 6, New: 6}
	s := &intake{states: []*cpisv1.Upload{state(waiting, counts), state(applied, counts)}}
	references := []string{"=1+1", "\u00a0=1", "＝1", "\t@x", "a\r\nb", "fine"}
	for i, r := range references {
		s.rows = append(s.rows, &cpisv1.RowResult{
			File: "-table", Line: int32(i) + 2, Outcome: cpisv1.RowOutcome_ROW_OUTCOME_NEW, Code: "+CPR", PlanId: "@plan", Reference: r,
		})
	}
	result := filepath.Join(t.TempDir(), "result.csv")
	to := s.serve(t)
	command(t, "", slices.Concat([]string{"upload", "--yes", "--result", result, plansFile(t, "plans.csv", "a,b\n")}, to)...).want(t, 0)
	rows, err := csv.NewReader(strings.NewReader(readText(t, result))).ReadAll()
	if err != nil || len(rows) != 1+len(references) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var got []string
	for _, row := range rows[1:] {
		got = append(got, row[5])
		if row[0] != "'-table" || row[3] != "'+CPR" || row[4] != "'@plan" {
			t.Errorf("got %q", row)
		}
	}
	if diff := cmp.Diff([]string{"'=1+1", "'\u00a0=1", "'＝1", "' @x", "a  b", "fine"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// testUploads tries uploads against a running demo.
func testUploads(t *testing.T, d *running) {
	t.Helper()
	const header = "nhs_number,family_name,given_name,date_of_birth,kind,start,restricted\n"
	const good = header + "999 123 4578,Testname,Zofia,2019-03-01,cpp,2026-05-01,no\n"
	lookup := func(status int) {
		t.Helper()
		d.command(t, "", "lookup", "--as", "gp", "999 123 4578").want(t, status)
	}
	name := plansFile(t, "plans.csv", good)
	d.command(t, "", "upload", "--as", "lead", "--check", name).want(t, 0, "nothing was changed", "It waits for approval")
	lookup(exitNoFlagKnown)

	wrong := plansFile(t, "wrong.csv", good+"999 123 4579,Othername,Anton,2019-03-01,cpp,2026-05-01,no\n")
	d.command(t, "", "upload", "--as", "lead", "--yes", wrong).want(t, exitRejected, "line 3, rejected: nhs_number", "Applied: entry ", "1 row was rejected")
	lookup(exitFlagHeld)
	result := readText(t, wrong+".result.csv")
	if !strings.Contains(result, ",2,new,CPR06,") || !strings.Contains(result, ",3,rejected,CPR04,,,nhs_number,") {
		t.Errorf("result: got\n%s", result)
	}
	for _, nobody := range []string{"9991234579", "999 123 457", "Testname", "Othername", "Zofia", "Anton", "2019-03-01"} {
		if strings.Contains(result, nobody) {
			t.Errorf("the result repeats %q:\n%s", nobody, result)
		}
	}
	d.command(t, "", "upload", "--as", "lead", "--yes", name).want(t, 0, "Nothing to apply")
	d.command(t, "", "upload", "--as", "nurse", "--yes", name).want(t, 1, "not permitted")
	d.command(t, "", "upload", "list", "--as", "lead", "--waiting-only").want(t, 0, "waiting")
	d.command(t, "", "upload", "quality", "--as", "lead").want(t, 0, "Plans in force ")
}
