package service_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
	"cpis/service"
	"cpis/service/identity"
	"cpis/service/keys/vaulttest"
)

// MustUpload uploads a file and gives the result.
func (f *fixture) MustUpload(c *identity.Caller, file string, o service.UploadOptions) *service.UploadResult {
	f.tb.Helper()
	out, err := f.Upload(f.tb.Context(), c, strings.NewReader(file), o)
	if err != nil {
		f.tb.Fatalf("Upload: %s", explain(err))
	}
	return out
}

// verdictsOf gives a line for each row of a result.
func verdictsOf(r *service.UploadResult) []string {
	var all []string
	for _, row := range r.Results {
		line := fmt.Sprint(row.Line, " ", row.Outcome)
		for _, v := range row.Violations {
			line += fmt.Sprint("; ", v.Field, " ", v.Problem)
		}
		all = append(all, line)
	}
	return all
}

const (
	numberB = "nhs_number=9990000026"
	numberC = "nhs_number=9990000034"
)

func TestUpload_RegistersEveryRow(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := sheetHeader +
		sheetRow() +
		sheetRow(numberB, "kind=ucpp", "date_of_birth=1998-04-30", "expected=2027-02-01", "family_name=\"Exam\nple\"") +
		sheetRow("kind=lac", "legal_basis=s20", "start=2026-10-01") +
		sheetRow(numberC, "restricted=yes", "end=2026-11-01")
	got := f.MustUpload(laSystem, file, service.UploadOptions{Request: "upload-1"})
	if !got.Applied || got.Rows != 4 || got.New != 4 || got.Unchanged+got.Rejected != 0 {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"2 new", "3 new", "5 new", "6 new"}, verdictsOf(got)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for i, want := range []struct{ number, kind string }{
		{"9990000018", "cpp"}, {"9990000026", "ucpp"}, {"9990000018", "lac"}, {"9990000034", "cpp"},
	} {
		var found bool
		for _, p := range f.MustGet(lead, want.number).Plans {
			found = found || p.ID == got.Results[i].PlanID && string(p.Details.Kind) == want.kind && p.Details.Reference == "CASE-1042"
		}
		if !found {
			t.Errorf("row %d: the plan %s is not held", i, got.Results[i].PlanID)
		}
	}
	if p := f.MustGet(lead, "9990000026").Person; p.Family != "Exam ple" {
		t.Errorf("family name %q", p.Family)
	}
	if !f.MustGet(lead, "9990000034").Restricted || f.MustGet(lead, "9990000018").Restricted {
		t.Error("not the right people are restricted")
	}
	if a := f.MustLookUp(nurse, unscheduled("9990000018")); a.Verdict != service.FlagHeld || len(a.Plans) != 2 {
		t.Errorf("look-up: %+v", a)
	}
	if h := f.Held(); h.Persons != 3 || h.PersonVersions != 3 || h.Plans != 4 || h.PlanVersions != 4 {
		t.Errorf("%+v", h)
	}
}

func TestUpload_LeavesOneEntry(t *testing.T) {
	t.Parallel()
	f := newService(t)
	good, bad := sheetHeader+sheetRow()+sheetRow(numberB), sheetHeader+sheetRow()+sheetRow("nhs_number=9990000019")
	steps := []struct {
		name, file      string
		o               service.UploadOptions
		outcome, reason string
		counts          audit.Counts
	}{
		{"checked", good, service.UploadOptions{CheckOnly: true}, "done", "check_only", audit.Counts{"rows": 2, "new": 2, "unchanged": 0, "rejected": 0}},
		{"rejected", bad, service.UploadOptions{}, "invalid", "rows_rejected", audit.Counts{"rows": 2, "new": 1, "unchanged": 0, "rejected": 1}},
		{"applied", good, service.UploadOptions{Request: "r"}, "done", "", audit.Counts{"rows": 2, "new": 2, "unchanged": 0, "rejected": 0}},
		{"repeated", good, service.UploadOptions{Request: "r"}, "done", "repeated", nil},
		{"applied again", good, service.UploadOptions{}, "done", "", audit.Counts{"rows": 2, "new": 0, "unchanged": 2, "rejected": 0}},
	}
	for i, step := range steps {
		got := f.MustUpload(lead, step.file, step.o)
		all := f.Entries()
		e := all[len(all)-1]
		want := audit.Entry{
			Version: 1, Time: noon, Salt: e.Salt, Actor: lead.ID, Client: lead.ClientID, Issuer: lead.Issuer,
			Organisation: islington, Role: "safeguarding_lead", Action: "upload_plans", Rule: "P3", Request: step.o.Request,
			Outcome: step.outcome, Reason: step.reason, Counts: step.counts,
		}
		if diff := cmp.Diff(want, e); diff != "" || len(all) != i+1 {
			t.Errorf("%s: %d entries, last (-want +got):\n%s", step.name, len(all), diff)
		}
		if step.name != "repeated" && got.Receipt.Index != int64(i) {
			t.Errorf("%s: receipt %+v", step.name, got.Receipt)
		}
	}
}

func TestUpload_AppliesNothingWhereARowIsWrong(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	held := f.MustRegister(lead, with(rightCPP(), func(r *service.Registration) { r.NHSNumber = "9990000042" }))
	before := f.Held()
	file := sheetHeader +
		sheetRow(numberB) +
		sheetRow("nhs_number=9990000019", "kind=none", "start=2030-01-01") +
		sheetRow("date_of_birth=2018-04-30") +
		sheetRow("nhs_number=9990000042", "start=2026-10-01") +
		sheetRow("nhs_number=9990000042") +
		"9990000050,too,few\n" +
		sheetRow(numberC)
	for _, checkOnly := range []bool{true, false} {
		got := f.MustUpload(lead, file, service.UploadOptions{CheckOnly: checkOnly})
		if got.Applied || got.Rows != 7 || got.New != 2 || got.Unchanged != 1 || got.Rejected != 4 {
			t.Errorf("got %+v", got)
		}
		want := []string{
			"2 new",
			"3 rejected; nhs_number is not an NHS number: its check digit does not fit; look for a mistyped digit; " +
				"kind must be cpp, lac or ucpp; start lies in the future",
			"4 rejected; date_of_birth does not fit this NHS number: check both, and trace the number again",
			"5 rejected; start overlaps with your plan " + held.PlanID + " of the same kind: end that one first, or correct the dates",
			"6 unchanged",
			"7 rejected; row has 3 cells where the header has 11: a text with a comma in it must stand in quotation marks",
			"8 new",
		}
		if diff := cmp.Diff(want, verdictsOf(got)); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if got.Results[0].PlanID != "" || got.Results[4].PlanID != held.PlanID {
			t.Errorf("plans %q and %q", got.Results[0].PlanID, got.Results[4].PlanID)
		}
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something was applied (-before +after):\n%s", diff)
	}
}

func TestUpload_RowsOfOneFileMustFitTogether(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := sheetHeader +
		sheetRow() +
		sheetRow("start=01/09/2026") +
		sheetRow("start=2026-10-01") +
		sheetRow("kind=lac", "legal_basis=s20") +
		sheetRow("kind=lac", "legal_basis=s31", "date_of_birth=2019-05-01") +
		sheetRow("start=2020-01-01", "end=2020-05-01")
	got := f.MustUpload(lead, file, service.UploadOptions{CheckOnly: true})
	want := []string{
		"2 new",
		"3 rejected; row repeats line 2",
		"4 rejected; start overlaps with the plan on line 2 of the same kind: end that one first, or correct the dates",
		"5 new",
		"6 rejected; date_of_birth differs from line 2, which has the same NHS number",
		"7 new",
	}
	if diff := cmp.Diff(want, verdictsOf(got)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestUpload_SaysWhatDiffersFromWhatIsHeld(t *testing.T) {
	t.Parallel()
	f := newService(t)
	first := f.MustUpload(lead, sheetHeader+sheetRow("kind=lac", "legal_basis=s20"), service.UploadOptions{})
	file := sheetHeader + sheetRow("kind=lac", "legal_basis=s31", "end=2026-11-01", "family_name=Newname", "reference=", "restricted=yes")
	for _, step := range []struct {
		name       string
		o          service.UploadOptions
		restricted bool
		want       string
	}{
		{name: "checked", o: service.UploadOptions{CheckOnly: true}, want: "; restricted was not held before, and is from now on"},
		{name: "applied", restricted: true, want: "; restricted was not held before, and is from now on"},
		{name: "applied again", restricted: true},
	} {
		got := f.MustUpload(lead, file, step.o)
		const differs = " differs from what is held, which stays as it is"
		want := []string{"2 unchanged; family_name" + differs + "; end" + differs + "; legal_basis" + differs + "; reference" + differs + step.want}
		if diff := cmp.Diff(want, verdictsOf(got)); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", step.name, diff)
		}
		if got.Results[0].PlanID != first.Results[0].PlanID {
			t.Errorf("%s: plan %s", step.name, got.Results[0].PlanID)
		}
		p := f.MustGet(lead, "9990000018")
		if p.Restricted != step.restricted || p.Plans[0].Version != 1 || !p.Plans[0].Details.End.IsZero() {
			t.Errorf("%s: %+v", step.name, p)
		}
	}
	if h := f.Held(); h.PersonVersions != 2 || h.PlanVersions != 1 {
		t.Errorf("%+v", h)
	}
}

func TestUpload_TheSameFileAgainChangesNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := string(manyRows(300, 0))
	f.MustUpload(lead, file, service.UploadOptions{})
	before := f.Held()
	got := f.MustUpload(lead, file, service.UploadOptions{})
	if !got.Applied || got.Unchanged != 300 || got.New != 0 {
		t.Errorf("got %d new, %d unchanged", got.New, got.Unchanged)
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}

func TestUpload_RepeatedGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := string(manyRows(50, 0))
	first := f.MustUpload(lead, file, service.UploadOptions{Request: "same"})
	again := f.MustUpload(lead, file, service.UploadOptions{Request: "same"})
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("answers (-first +again):\n%s", diff)
	}
	for name, repeat := range map[string]func() error{
		"another file": func() error {
			_, err := f.Upload(t.Context(), lead, strings.NewReader(string(manyRows(51, 0))), service.UploadOptions{Request: "same"})
			return err
		},
		"only to be checked": func() error {
			_, err := f.Upload(t.Context(), lead, strings.NewReader(file), service.UploadOptions{Request: "same", CheckOnly: true})
			return err
		},
	} {
		if err := repeat(); !errors.Is(err, service.ErrReused) {
			t.Errorf("%s: got %v, want %v", name, err, service.ErrReused)
		}
	}
	row, err := f.DB.Idempotent(t.Context(), islington, "same")
	if err != nil {
		t.Fatal(err)
	}
	assertNothingPersonal(t, row.Response)
}

// A file that was checked or refused may be corrected and sent under the same id.
func TestUpload_OnlyWhatWasAppliedIsKept(t *testing.T) {
	t.Parallel()
	f := newService(t)
	o := service.UploadOptions{Request: "same"}
	f.MustUpload(lead, sheetHeader+sheetRow("kind=none"), o)
	f.MustUpload(lead, sheetHeader+sheetRow(), service.UploadOptions{Request: "same", CheckOnly: true})
	if got := f.MustUpload(lead, sheetHeader+sheetRow(), o); !got.Applied {
		t.Errorf("got %+v", got)
	}
}

func TestUpload_RefusesBrokenFilesWithAnEntry(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for i, file := range []string{"", "\x00\x01\x02", sheetHeader, sheetHeader + "\"", sheetRow()} {
		_, err := f.Upload(t.Context(), lead, strings.NewReader(file), service.UploadOptions{})
		if v := violationsOf(t, err); v[0].Field != "file" {
			t.Errorf("%q: got %+v", file, v)
		}
		all := f.Entries()
		if e := all[len(all)-1]; len(all) != i+1 || e.Outcome != "invalid" || e.Counts != nil {
			t.Errorf("%q: %d entries, last %+v", file, len(all), e)
		}
	}
}

// Who may not upload is refused before a byte of the file is read.
func TestUpload_IsForAuthoritiesOnly(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for _, c := range []*identity.Caller{nurse, gp, clinicalSystem, privacyOfficer, auditor, administrator} {
		file := iotest.ErrReader(errors.New("the file was read"))
		if _, err := f.Upload(t.Context(), c, file, service.UploadOptions{}); !errors.Is(err, service.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, service.ErrDenied)
		}
		if e := f.LastEntry(); e.Outcome != "denied" || e.Actor != c.ID {
			t.Errorf("%s: entry %+v", c.ID, e)
		}
	}
}

// A connection that breaks in the middle of a file applies nothing, and is seen
// in the log.
func TestUpload_ThatBreaksOffAppliesNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	lost := errors.New("connection lost")
	file := io.MultiReader(strings.NewReader(sheetHeader+sheetRow()), iotest.ErrReader(lost))
	if _, err := f.Upload(t.Context(), lead, file, service.UploadOptions{}); !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
	if e := f.LastEntry(); e.Outcome != "failed" {
		t.Errorf("entry %+v", e)
	}
	if h := f.Held(); h.Plans != 0 {
		t.Errorf("%+v", h)
	}
}

// Whoever hangs up once the file was read does not undo it.
func TestUpload_HangingUpLeavesItsEntry(t *testing.T) {
	t.Parallel()
	f := newService(t)
	ctx, hangUp := context.WithCancel(t.Context())
	file := io.MultiReader(strings.NewReader(sheetHeader+sheetRow()), readerFunc(func([]byte) (int, error) {
		hangUp()
		return 0, io.EOF
	}))
	_, err := f.Upload(ctx, lead, file, service.UploadOptions{})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	e, h := f.LastEntry(), f.Held()
	if applied := err == nil; applied != (h.Plans == 1) || applied != (e.Outcome == "done") {
		t.Errorf("error %v, entry %s, %d plans", err, e.Outcome, h.Plans)
	}
}

type readerFunc func([]byte) (int, error)

func (r readerFunc) Read(p []byte) (int, error) { return r(p) }

func TestUpload_NothingHappensWhileTheKeysAreAway(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.Keeper.TakeAway(true)
	_, err := f.Upload(t.Context(), lead, bytes.NewReader(manyRows(10, 0)), service.UploadOptions{})
	if !errors.Is(err, service.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, service.ErrUnavailable)
	}
	if h := f.Held(); h.Persons != 0 || h.Plans != 0 {
		t.Errorf("%+v", h)
	}
	f.Keeper.TakeAway(false)
	if got := f.MustUpload(lead, string(manyRows(10, 0)), service.UploadOptions{}); !got.Applied {
		t.Errorf("got %+v", got)
	}
}

// Keys are wrapped and unwrapped in batches, not one by one. The rows are more
// than are written at once.
func TestUpload_AsksTheKeeperSeldom(t *testing.T) {
	t.Parallel()
	f := newService(t)
	const rows, batches = 2300, 12
	wraps := f.Keeper.wraps.Load()
	f.MustUpload(lead, string(manyRows(rows, 0)), service.UploadOptions{})
	if n := f.Keeper.wraps.Load() - wraps; n != batches {
		t.Errorf("%d calls to wrap %d keys, want %d", n, rows, batches)
	}
	s := f.another()
	unwraps := f.Keeper.unwraps.Load()
	got, err := s.Upload(t.Context(), lead, bytes.NewReader(manyRows(rows, 0)), service.UploadOptions{})
	if err != nil || got.Unchanged != rows {
		t.Fatalf("%s", explain(err))
	}
	if n := f.Keeper.unwraps.Load() - unwraps; n != batches {
		t.Errorf("%d calls to unwrap %d keys, want %d", n, rows, batches)
	}
	if h := f.Held(); h.Persons != rows || h.PersonVersions != rows || h.Plans != rows || h.PlanVersions != rows {
		t.Errorf("%+v", h)
	}
}

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

// Many authorities upload at once, partly about the same people, while others
// look up: everybody is held once, and no look-up is refused.
func TestUpload_ManyAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	authorities := []string{islington, camden, "E09000001", "E09000002", "E09000003", "E09000004"}
	done := make(chan struct{})
	var uploads, lookups sync.WaitGroup
	for i, gss := range authorities {
		uploads.Go(func() {
			c := *lead
			c.Organisation = gss
			var out *service.UploadResult
			err := persist(func() (err error) {
				out, err = f.Upload(t.Context(), &c, bytes.NewReader(manyRows(200, 100*i)), service.UploadOptions{})
				return err
			})
			if err != nil || !out.Applied || out.New != 200 {
				t.Errorf("%s: %s", gss, explain(err))
			}
		})
	}
	for i := range 4 {
		lookups.Go(func() {
			for n := i; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				if _, err := f.LookUp(t.Context(), nurse, unscheduled(numberAt(n))); err != nil {
					t.Errorf("look-up: %s", explain(err))
					return
				}
			}
		})
	}
	uploads.Wait()
	close(done)
	lookups.Wait()
	if h := f.Held(); h.Persons != 700 || h.Plans != 1200 {
		t.Errorf("%+v", h)
	}
	f.Entries() // add up
}

// An upload and a registration of the same person wait for each other, however
// they interleave.
func TestUpload_AndRegistrationsAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	var all sync.WaitGroup
	for _, c := range []*identity.Caller{lead, otherLead} {
		all.Go(func() {
			if err := persist(func() error {
				_, err := f.Upload(t.Context(), c, bytes.NewReader(manyRows(300, 0)), service.UploadOptions{})
				return err
			}); err != nil {
				t.Errorf("Upload: %s", explain(err))
			}
		})
	}
	for i := range 30 {
		all.Go(func() {
			r := with(rightLAC(), func(r *service.Registration) { r.NHSNumber, r.Restricted = numberAt(i), i%2 == 0 })
			if err := persist(func() error {
				_, err := f.RegisterPlan(t.Context(), otherLead, r)
				return err
			}); err != nil {
				t.Errorf("RegisterPlan: %s", explain(err))
			}
		})
	}
	all.Wait()
	if h := f.Held(); h.Persons != 300 || h.Plans != 630 {
		t.Errorf("%+v", h)
	}
}

// The same over real Vault: what one server wraps, another unwraps.
func TestUpload_OverVault(t *testing.T) {
	t.Parallel()
	f := newServiceOver(t, vaulttest.Real(t).Keeper(t), func(*service.Config) {})
	const rows = 450
	if got := f.MustUpload(lead, string(manyRows(rows, 0)), service.UploadOptions{}); got.New != rows {
		t.Errorf("%d plans are new", got.New)
	}
	got, err := f.another().Upload(t.Context(), lead, bytes.NewReader(manyRows(rows, 0)), service.UploadOptions{})
	if err != nil || got.Unchanged != rows {
		t.Errorf("%+v, %s", got, explain(err))
	}
	if a := f.MustLookUp(nurse, unscheduled(numberAt(rows-1))); a.Verdict != service.FlagHeld || a.Degraded {
		t.Errorf("look-up: %+v", a)
	}
}

// BenchmarkUpload takes ten thousand rows through each stage of a file's life.
// The aim for each is ten seconds on two cores, PostgreSQL and Vault included.
func BenchmarkUpload(b *testing.B) {
	b.Run("keys=local", func(b *testing.B) { benchmarkUpload(b, newService(b)) })
	b.Run("keys=vault", func(b *testing.B) {
		benchmarkUpload(b, newServiceOver(b, vaulttest.Real(b).Keeper(b), func(*service.Config) {}))
	})
}

func benchmarkUpload(b *testing.B, f *fixture) {
	b.Helper()
	next := 0 // about whom nothing is held yet
	upload := func(b *testing.B, s *service.Service, file []byte, o service.UploadOptions) {
		b.Helper()
		got, err := s.Upload(b.Context(), lead, bytes.NewReader(file), o)
		if err != nil || got.Rejected > 0 || got.Applied == o.CheckOnly {
			b.Fatalf("%+v, %s", got, explain(err))
		}
	}
	for name, o := range map[string]service.UploadOptions{"check": {CheckOnly: true}, "apply": {}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				next += 10_000
				file := manyRows(10_000, next)
				b.StartTimer()
				upload(b, f.Service, file, o)
			}
		})
	}
	b.Run("apply-again-elsewhere", func(b *testing.B) { // by a server that has none of the keys
		b.ReportAllocs()
		file := manyRows(10_000, 0)
		upload(b, f.Service, file, service.UploadOptions{})
		for b.Loop() {
			b.StopTimer()
			s := f.another()
			b.StartTimer()
			upload(b, s, file, service.UploadOptions{})
		}
	})
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

// Only a few uploads write at a time. Whoever hangs up while waiting for the
// others leaves an entry and nothing else.
func TestUpload_WaitsForItsTurn(t *testing.T) {
	t.Parallel()
	f := newService(t)
	release := f.holdLog()
	defer release()
	results := make(chan error, 3)
	send := func(ctx context.Context, c *identity.Caller, start int) {
		_, err := f.Upload(ctx, c, bytes.NewReader(manyRows(3, start)), service.UploadOptions{})
		results <- err
	}
	go send(t.Context(), lead, 0)
	go send(t.Context(), otherLead, 10) // an authority has one place
	f.waitForBlocked(2)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	go send(ctx, lead, 20)
	f.waitForBlocked(3) // the third, because it wants to write its entry
	release()
	canceled := 0
	for range 3 {
		switch err := <-results; {
		case errors.Is(err, context.Canceled):
			canceled++
		case err != nil:
			t.Errorf("Upload: %s", explain(err))
		}
	}
	if h := f.Held(); canceled != 1 || h.Plans != 6 || len(f.Entries()) != 3 {
		t.Errorf("%d were canceled; %+v", canceled, h)
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
