package export_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
	"cpis/audit/archive"
	"cpis/policy"
	"cpis/service"
	"cpis/service/export"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/oversight"
	"cpis/service/person"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
)

// everyFormat are all formats by name.
var everyFormat = []string{"csv", "xlsx", "fhir_balp", "fhir_nhs"}

// export asks for a report as a file.
func (f *fixture) export(c *identity.Caller, r oversight.Report, q oversight.Query) *export.CreatedExport {
	f.TB.Helper()
	f.index()
	out, err := f.Exports.CreateExport(f.TB.Context(), c, &export.CreateExportRequest{
		Report: r, Query: because(q), Formats: everyFormat, Request: uuid.NewString(),
	})
	if err != nil {
		f.TB.Fatalf("CreateExport: %s", servicetest.Explain(err))
	}
	return out
}

// make has the log signed, and makes the exports.
func (f *fixture) make() {
	f.TB.Helper()
	if err := errors.Join(f.Sign(f.TB.Context()), f.Exports.MakeExports(f.TB.Context())); err != nil {
		f.TB.Fatalf("MakeExports: %v", err)
	}
}

// download returns the file of an export from an offset on, and how it ended.
func (f *fixture) download(c *identity.Caller, id string, offset int64) ([]byte, error) {
	f.TB.Helper()
	var file []byte
	err := f.Exports.DownloadExport(f.TB.Context(), c, &export.DownloadExportRequest{ID: id, Offset: offset}, func(p *export.Part) error {
		if p.Offset != offset+int64(len(file)) {
			f.TB.Errorf("a part at %d, want %d", p.Offset, offset+int64(len(file)))
		}
		file = append(file, p.Chunk...)
		return nil
	})
	return file, err
}

// verified verifies a file with the log's public key alone.
func (f *fixture) verified(file []byte) archive.Report {
	f.TB.Helper()
	pubs, err := f.Ring.Keeper().PublicKeys(f.TB.Context())
	if err != nil {
		f.TB.Fatal(err)
	}
	var known []audit.VerifierKey
	for _, pub := range pubs {
		key, err := audit.NewVerifierKey(dbtest.Origin, pub)
		if err != nil {
			f.TB.Fatal(err)
		}
		known = append(known, key)
	}
	r, err := archive.Verify(f.TB.Context(), bytes.NewReader(file), int64(len(file)), known)
	if err != nil {
		f.TB.Fatalf("Verify: %v", err)
	}
	return r
}

// exported exports a report, and returns the file.
func (f *fixture) exported(c *identity.Caller, r oversight.Report, q oversight.Query) ([]byte, archive.Report) {
	f.TB.Helper()
	x := f.export(c, r, q)
	f.make()
	file, err := f.download(c, x.Export.ID, 0)
	if err != nil {
		f.TB.Fatalf("DownloadExport: %s", servicetest.Explain(err))
	}
	return file, f.verified(file)
}

// countParts counts the pieces of exports for which something holds.
func (f *fixture) countParts(where string) (n int) {
	f.TB.Helper()
	f.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.TB.Context(), `SELECT count(*) FROM cpis.export_part WHERE `+where).Scan(&n)
	})
	return n
}

// filesOf are the texts in an archive, those in its workbook too.
func filesOf(t *testing.T, file []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = string(text)
		if strings.HasSuffix(f.Name, ".xlsx") {
			for name, text := range filesOf(t, text) {
				all[f.Name+"/"+name] = text
			}
		}
	}
	return all
}

// An auditor asks for a report as a file, hears first how many entries it has, and
// gets it as often as they like; each act is an entry before anything leaves.
func TestExport_IsCountedMadeOnceAndVerifies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustRegister(lead, servicetest.RightCPP())
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.MustLookUp(gp, &lookup.Question{NHSNumber: child})
	f.MustLookUp(nurse, servicetest.Unscheduled(another))
	x := f.export(auditor, oversight.Child, oversight.Query{NHSNumber: child})
	e := f.LastEntry()
	if x.Export.Entries != 3 || x.Export.State != export.Making || e.Action != "export_report" || e.Rule != "A9" || e.Purpose != "complaint" ||
		e.Counts["entries"] != 3 || e.Counts["report_child"] != 1 || string(e.Subject) != string(f.Tag(child)) {
		t.Errorf("got %+v, entry %+v", x.Export, e)
	}
	f.make()
	found, err := f.Exports.GetExport(t.Context(), auditor, &export.GetExportRequest{ID: x.Export.ID})
	if err != nil || found.Export.State != export.Ready || found.Export.Report != oversight.Child || found.Export.Done != found.Export.Work {
		t.Errorf("GetExport: got %+v, %v", found, err)
	}
	file, err := f.download(auditor, x.Export.ID, 0)
	if err != nil || int64(len(file)) != found.Export.Size {
		t.Fatalf("DownloadExport: got %d bytes, want %d: %v", len(file), found.Export.Size, err)
	}
	if e := f.LastEntry(); e.Action != "download_export" || e.Rule != "A12" || e.Counts["bytes"] != found.Export.Size || e.Purpose != "complaint" {
		t.Errorf("entry of the download: %+v", e)
	}
	r := f.verified(file)
	want := archive.Requester{Actor: "auditor", Issuer: "https://issuer.example", Organisation: auditor.Organisation}
	if r.Entries != 3 || r.WithoutLine != 0 || r.Manifest.For != want || r.Manifest.Report != "child" || r.Manifest.Reason != "complaint" {
		t.Errorf("got %+v", r)
	}
	for name, text := range filesOf(t, file) {
		for _, secret := range []string{child, words} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
	}
	again, err := f.download(auditor, x.Export.ID, 0)
	if err != nil || !bytes.Equal(again, file) {
		t.Errorf("the second download is another: %v", err)
	}
	rest, err := f.download(auditor, x.Export.ID, 1000)
	if err != nil || !bytes.Equal(rest, file[1000:]) {
		t.Errorf("what follows the first 1000 bytes is something else: %v", err)
	}
	if rest, err := f.download(auditor, x.Export.ID, int64(len(file))); err != nil || len(rest) != 0 {
		t.Errorf("behind the end: got %d bytes, %v", len(rest), err)
	}
	if _, err := f.download(auditor, x.Export.ID, int64(len(file))+1); len(servicetest.ViolationsOf(t, err)) != 1 {
		t.Errorf("far behind the end: got %v", err)
	}
}

// A file has what the report shows, in the order of the log.
func TestExport_HasWhatTheReportShows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustRegister(lead, servicetest.RightCPP())
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.MustLookUp(gp, &lookup.Question{NHSNumber: child})
	f.list(officer, oversight.Refusals, oversight.Query{})
	for _, c := range []*identity.Caller{auditor, officer} {
		for _, report := range everyReport {
			q := oversight.Query{}
			switch report {
			case oversight.Child:
				q.NHSNumber = child
			case oversight.Actor:
				q.Actor = "nurse"
			case oversight.Organisation:
				q.Organised = trust
			case oversight.Request:
				continue // who has no id for it
			}
			q.Until = f.Clock.Now().Add(time.Microsecond)
			f.Clock.Advance(time.Second)
			var want []int64
			for _, e := range f.list(c, report, q).Entries {
				want = append(want, e.Index)
			}
			slices.Reverse(want)
			file, r := f.exported(c, report, q)
			var got []int64
			for i, row := range strings.Split(strings.TrimSpace(filesOf(t, file)["entries.csv"]), "\n") {
				if i > 0 {
					var index int64
					_ = json.Unmarshal([]byte(strings.Split(row, ",")[1]), &index)
					got = append(got, index)
				}
			}
			if !slices.Equal(got, want) || r.Entries != int64(len(want)) {
				t.Errorf("%s, %s: got entries %v, want %v", c.ID, report, got, want)
			}
		}
	}
}

// Nothing in a file tells which authority knows a restricted child: neither what
// is said, nor plans that two entries name.
func TestExport_WithholdsWhatIsRestricted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := servicetest.RightCPP()
	r.Restricted = true
	plan := f.MustRegister(lead, r).PlanID
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.MustGet(lead, child)
	file, report := f.exported(auditor, oversight.Everything, oversight.Query{})
	if report.WithoutLine == 0 {
		t.Error("no line is withheld")
	}
	tag := base64.RawURLEncoding.EncodeToString(f.Tag(child))
	bytesOf := 0
	for name, text := range filesOf(t, file) {
		if strings.Contains(text, plan) {
			bytesOf++
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, tag) && strings.Contains(line, islington) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
	if bytesOf > 0 {
		t.Errorf("%d files name the child's plan", bytesOf)
	}
	own := servicetest.Caller("la-officer", islington, policy.LocalAuthority, policy.PrivacyOfficer)
	if _, report := f.exported(own, oversight.Child, oversight.Query{NHSNumber: child}); report.Entries != 2 || report.WithoutLine != 0 {
		t.Errorf("the authority's own: got %+v", report)
	}
	if _, report := f.exported(auditor, oversight.Child, oversight.Query{NHSNumber: child}); !report.Manifest.AuthoritiesLeftOut {
		t.Errorf("the child's: got %+v", report.Manifest)
	}
}

// Nothing found is a file, too, and its count comes first.
func TestExport_OfNothingIsAFile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	if x := f.export(auditor, oversight.BreakGlass, oversight.Query{}); x.Export.Entries != 0 {
		t.Errorf("counted %d", x.Export.Entries)
	}
	file, r := f.exported(auditor, oversight.BreakGlass, oversight.Query{})
	if r.Entries != 0 || !strings.HasPrefix(filesOf(t, file)["entries.csv"], "log,index,time,") {
		t.Errorf("got %+v, %s", r, filesOf(t, file)["entries.csv"])
	}
}

// An export is its owner's alone, and others cannot tell that it is there.
func TestExport_IsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	id := f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID
	f.make()
	colleague := servicetest.Caller("colleague", auditor.Organisation, policy.Oversight, policy.Auditor)
	otherIssuer := *auditor
	otherIssuer.Issuer = "https://other.example"
	moved := *auditor
	moved.Organisation = trust
	for _, c := range []*identity.Caller{colleague, officer, &otherIssuer, &moved} {
		_, err := f.download(c, id, 0)
		_, got := f.Exports.GetExport(t.Context(), c, &export.GetExportRequest{ID: id})
		_, deleted := f.Exports.DeleteExport(t.Context(), c, &export.DeleteExportRequest{ID: id})
		for _, err := range []error{err, got, deleted} {
			if !errors.Is(err, guard.ErrNotFound) && !errors.Is(err, guard.ErrDenied) {
				t.Errorf("%s of %s: got %v", c.ID, c.Organisation, err)
			}
		}
		if l, err := f.Exports.ListExports(t.Context(), c, &export.ListExportsRequest{}); err == nil && len(l.Exports) > 0 {
			t.Errorf("%s: got %+v", c.ID, l)
		}
	}
	for _, c := range []*identity.Caller{nurse, lead, gp, servicetest.Administrator, servicetest.LaSystem} {
		if _, err := f.download(c, id, 0); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v", c.ID, err)
		}
		_, err := f.Exports.CreateExport(t.Context(), c, &export.CreateExportRequest{Report: oversight.Everything, Query: because(oversight.Query{})})
		if !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v", c.ID, err)
		}
	}
	l, err := f.Exports.ListExports(t.Context(), auditor, &export.ListExportsRequest{})
	if err != nil || len(l.Exports) != 1 || l.Exports[0].ID != id || l.Exports[0].Report != oversight.Everything {
		t.Errorf("the owner's: got %+v, %v", l, err)
	}
}

// What was deleted, or has served its time, is gone with its key and its pieces.
func TestExport_IsForgotten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	first := f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID
	second := f.export(auditor, oversight.Everything, oversight.Query{}).Export
	f.make()
	if got := f.countParts("stream > 0"); got != 0 {
		t.Errorf("%d pieces that are of no file are kept", got)
	}
	if _, err := f.Exports.DeleteExport(t.Context(), auditor, &export.DeleteExportRequest{ID: first, Request: uuid.NewString()}); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	if _, err := f.download(auditor, first, 0); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("after it was deleted: got %v", err)
	}
	if want := f.Clock.Now().Add(export.DefaultKeep); !second.Expires.Equal(want) {
		t.Errorf("expires %s, want %s", second.Expires, want)
	}
	f.Clock.Advance(export.DefaultKeep)
	f.MustLookUp(nurse, servicetest.Unscheduled(child)) // the service knows the time
	if _, err := f.download(auditor, second.ID, 0); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("after its time: got %v", err)
	}
	if err := f.Exports.ForgetExports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := f.Count("export") + f.Count("export_part"); got != 0 {
		t.Errorf("%d rows are left", got)
	}
}

// The same request again is the same export.
func TestExport_IsAskedForOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.index()
	q := &export.CreateExportRequest{Report: oversight.Everything, Query: because(oversight.Query{}), Request: uuid.NewString()}
	first, err := f.Exports.CreateExport(t.Context(), auditor, q)
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	again, err := f.Exports.CreateExport(t.Context(), auditor, q)
	if err != nil || again.Export.ID != first.Export.ID {
		t.Errorf("got %+v, %v", again, err)
	}
	other := *q
	other.Formats = []string{"csv"}
	if _, err := f.Exports.CreateExport(t.Context(), auditor, &other); !errors.Is(err, guard.ErrReused) {
		t.Errorf("with other formats: got %v", err)
	}
	if got := f.Count("export"); got != 1 {
		t.Errorf("%d exports", got)
	}
}

// What is not signed yet is waited for; then the file is made.
func TestExport_WaitsForTheCheckpoint(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	x := f.export(auditor, oversight.Everything, oversight.Query{})
	if err := f.Exports.MakeExports(t.Context()); err == nil {
		t.Error("a file was made of what nobody signed")
	}
	found, err := f.Exports.GetExport(t.Context(), auditor, &export.GetExportRequest{ID: x.Export.ID})
	if err != nil || found.Export.State != export.Making {
		t.Errorf("got %+v, %v", found, err)
	}
	f.Clock.Advance(time.Minute)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.make()
	if _, err := f.download(auditor, x.Export.ID, 0); err != nil {
		t.Errorf("got %v", err)
	}
}

// A file of a log that was tampered with is not made, and somebody is woken.
func TestExport_OfATamperedLogFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Grow(3)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	x := f.export(auditor, oversight.Everything, oversight.Query{})
	if err := f.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Exec(`UPDATE cpis.entry SET line = convert_to(replace(convert_from(line, 'UTF8'), '"nurse"', '"nurze"'), 'UTF8') WHERE idx = 1`)
	f.Exec(`UPDATE cpis.entry_index SET actor = 'nurze' WHERE idx = 1`)
	if err := f.Exports.MakeExports(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := f.download(auditor, x.Export.ID, 0)
	if state, ok := errors.AsType[*guard.StateError](err); !ok || !strings.Contains(state.Problem, "damaged") {
		t.Errorf("got %v", err)
	}
	if f.Log.Undamaged() == nil {
		t.Error("nobody was told")
	}
}

// Rows and pieces that somebody changed are not believed.
func TestExport_ThatWasChangedIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	id := f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID
	f.make()
	f.Turned("export", "size", "size - 1", func() {
		if _, err := f.download(auditor, id, 0); !errors.Is(err, guard.ErrDamaged) {
			t.Errorf("another size: got %v", err)
		}
	})
	f.Exec(`UPDATE cpis.export_part SET sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40))`)
	if _, err := f.download(auditor, id, 0); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("another piece: got %v", err)
	}
}

// Who asks says in which formats, and why.
func TestExport_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.Exports.CreateExport(t.Context(), auditor, &export.CreateExportRequest{Report: oversight.Child, Formats: []string{"pdf"}})
	var fields []string
	for _, v := range servicetest.ViolationsOf(t, err) {
		fields = append(fields, v.Field)
	}
	if diff := cmp.Diff([]string{"query.reason", "formats"}, fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A row that was damaged keeps no other export from being made.
func TestExport_BesideADamagedOneIsMade(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	damaged := f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID
	id := f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID
	f.Exec(`UPDATE cpis.export SET entries = entries + 1 WHERE id = $1`, damaged)
	f.make()
	if _, err := f.download(auditor, id, 0); err != nil {
		t.Errorf("got %s", servicetest.Explain(err))
	}
}

// Whoever waits for a file is an entry when asking, and one that says how much
// leaves before anything does.
func TestExport_IsAnEntryAlsoIfItWasWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	id := f.export(auditor, oversight.Child, oversight.Query{NHSNumber: child}).Export.ID
	began, size := f.Count("entry"), int64(0)
	err := f.Exports.DownloadExport(t.Context(), auditor, &export.DownloadExportRequest{ID: id}, func(p *export.Part) error {
		if len(p.Chunk) == 0 {
			f.make()
		} else if n := f.Count("entry"); n != began+2 {
			t.Errorf("%d entries before anything leaves, want 2", n-began)
		}
		size = p.Export.Size
		return nil
	})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	if e := f.LastEntry(); e.Action != "download_export" || e.Counts["bytes"] != size || !bytes.Equal(e.Subject, f.Tag(child)) {
		t.Errorf("got %+v, want %d bytes", e, size)
	}
}

// A child who was restricted since is not told of: what authorities did is left
// out.
func TestExport_LeavesOutWhatWasRestrictedMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustRegister(lead, servicetest.RightCPP())
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.MustGet(lead, child)
	id := f.export(auditor, oversight.Child, oversight.Query{NHSNumber: child}).Export.ID
	f.Pretend(`UPDATE cpis.person SET restricted = true`)
	f.make()
	file, err := f.download(auditor, id, 0)
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	if report := f.verified(file); report.Entries != 1 || !report.Manifest.AuthoritiesLeftOut {
		t.Errorf("got %+v", report)
	}
}

// No line tells an organisation that asked about a child that the child is
// restricted; whether one is withheld depends on what was done alone.
func TestExport_WithholdsWhatNobodyWasTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := servicetest.RightCPP()
	r.Restricted = true
	f.MustRegister(lead, r)
	f.MustRegister(lead, servicetest.Under(another))
	f.list(officer, oversight.Child, oversight.Query{NHSNumber: child})
	f.list(officer, oversight.Child, oversight.Query{NHSNumber: another})
	file, report := f.exported(officer, oversight.Asked, oversight.Query{})
	if report.Entries != 2 || report.WithoutLine != 2 {
		t.Errorf("got %d entries, %d without their line; want 2 and 2", report.Entries, report.WithoutLine)
	}
	for name, text := range filesOf(t, file) {
		if strings.Contains(text, `"restricted":true`) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if _, report := f.exported(auditor, oversight.Asked, oversight.Query{Organised: trust}); report.WithoutLine != 0 {
		t.Errorf("an auditor's: %d lines are withheld", report.WithoutLine)
	}
}

// A file is not downloaded any more once somebody in it was restricted after it was
// made, not even its rest; not by those to whom it may not be shown.
func TestExport_IsRefusedOnceSomebodyInItIsRestricted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustRegister(lead, servicetest.RightCPP())
	f.MustRegister(lead, servicetest.Under(another))
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	leadsOfficer := servicetest.Caller("la-officer", islington, policy.LocalAuthority, policy.PrivacyOfficer)
	ids := map[string]string{
		"everything":  f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID,
		"the child":   f.export(auditor, oversight.Child, oversight.Query{NHSNumber: child}).Export.ID,
		"another":     f.export(auditor, oversight.Child, oversight.Query{NHSNumber: another}).Export.ID,
		"a nurse":     f.export(auditor, oversight.Actor, oversight.Query{Actor: "nobody"}).Export.ID,
		"their own":   f.export(leadsOfficer, oversight.Everything, oversight.Query{}).Export.ID,
		"taken apart": f.export(auditor, oversight.Everything, oversight.Query{Until: servicetest.Noon.Add(-time.Hour)}).Export.ID,
	}
	f.make()
	download := func(when string, refused map[string]bool) {
		t.Helper()
		for name, id := range ids {
			c := auditor
			if name == "their own" {
				c = leadsOfficer
			}
			for _, offset := range []int64{0, 100} {
				_, err := f.download(c, id, offset)
				var state *guard.StateError
				if got := errors.As(err, &state); got != refused[name] || !got && err != nil {
					t.Errorf("%s, %s from %d on: got %v, want refused %t", when, name, offset, err, refused[name])
				}
			}
		}
	}
	download("before", nil)
	f.MustChange(servicetest.Proposal(person.Restrict, child))
	download("restricted", map[string]bool{"everything": true, "the child": true})
	if e := f.LastEntry(); e.Action != "download_export" {
		t.Errorf("entry: %+v", e)
	}
	f.MustReplace(lead, another, servicetest.ThirdNumber)
	ids = map[string]string{"anew": f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID}
	f.make()
	download("made anew", nil)
	f.MustReplace(lead, servicetest.ThirdNumber, another) // of somebody else
	download("after another change", nil)
}

// What was asked for before an index key was retired is still its owner's.
func TestExport_IsFoundUnderARetiredKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	id := f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID
	f.make()
	f.MustRotateIndexKey()
	f.Clock.Advance(time.Second)
	f.MustReplaceIndexKey()
	f.Clock.Advance(3 * time.Minute)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	l, err := f.Exports.ListExports(t.Context(), auditor, &export.ListExportsRequest{})
	if err != nil || len(l.Exports) != 1 || l.Exports[0].ID != id {
		t.Errorf("ListExports: got %+v, %v", l, err)
	}
	if found, err := f.Exports.GetExport(t.Context(), auditor, &export.GetExportRequest{ID: id}); err != nil || found.Export.ID != id {
		t.Errorf("GetExport: got %+v, %v", found, err)
	}
	if _, err := f.download(auditor, id, 0); err != nil {
		t.Errorf("DownloadExport: %s", servicetest.Explain(err))
	}
	other := *auditor
	other.ID = "somebody"
	if _, err := f.download(&other, id, 0); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("somebody else: got %v", err)
	}
	if _, err := f.Exports.DeleteExport(t.Context(), auditor, &export.DeleteExportRequest{ID: id, Request: uuid.NewString()}); err != nil {
		t.Errorf("DeleteExport: %s", servicetest.Explain(err))
	}
}

// Files have room, an organisation's and all together, and whoever finds none is
// told so in words.
func TestExport_NeedsRoom(t *testing.T) {
	t.Parallel()
	f := &fixture{servicetest.NewWith(t, func(c *service.Config) { c.ExportRoom = 40_000 })}
	for range 10 {
		f.MustLookUp(nurse, servicetest.Unscheduled(child))
	}
	f.index()
	ask := func(c *identity.Caller) error {
		_, err := f.Exports.CreateExport(t.Context(), c, &export.CreateExportRequest{
			Report: oversight.Everything, Query: because(oversight.Query{}), Request: uuid.NewString(),
		})
		return err
	}
	if err := ask(officer); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	var state *guard.StateError
	for range 3 {
		if err := ask(officer); errors.As(err, &state) {
			break
		}
	}
	if state == nil || !strings.Contains(state.Problem, "of your organisation") {
		t.Fatalf("the organisation's: got %v", state)
	}
	if err := ask(auditor); err != nil {
		t.Errorf("another organisation: %s", servicetest.Explain(err))
	}
	f.Exec(`UPDATE cpis.export SET expires_at = now() - interval '10 years', mac = mac`)
	if err := ask(officer); err != nil {
		t.Errorf("when they are to be forgotten: %s", servicetest.Explain(err))
	}
}

// The smallest is made first, so that nobody waits for another's years; what has
// waited for long comes before all.
func TestExport_SmallOnesAreMadeFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.MustLookUp(nurse, servicetest.Unscheduled(another))
	f.index()
	now := f.Clock.Now()
	order := func() (ids []string) {
		rows, err := f.DB.Exports.Unattended(t.Context(), f.Clock.Now().UTC(), f.Clock.Now().Add(-time.Hour).UTC())
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			ids = append(ids, rows[i].ID.String())
		}
		return ids
	}
	large := f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID
	f.Clock.Advance(time.Minute)
	small := f.export(auditor, oversight.Child, oversight.Query{NHSNumber: child}).Export.ID
	if diff := cmp.Diff([]string{small, large}, order()); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	f.Clock.Set(now.Add(time.Hour + time.Second))
	if diff := cmp.Diff([]string{large, small}, order()); diff != "" {
		t.Errorf("an hour later (-want +got):\n%s", diff)
	}
}

// A file is unreadable as soon as it is deleted, and is removed step by step.
func TestExport_OfManyPiecesIsRemoved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	id := f.export(auditor, oversight.Everything, oversight.Query{}).Export.ID
	f.make()
	f.Exec(`INSERT INTO cpis.export_part (export_id, attempt, stream, n, sealed) SELECT $1, 1, 0, n, '' FROM generate_series(10, 800) AS n`, id)
	if _, err := f.Exports.DeleteExport(t.Context(), auditor, &export.DeleteExportRequest{ID: id, Request: uuid.NewString()}); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	var key string
	f.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), `SELECT wrapped_key FROM cpis.export WHERE id = $1`, id).Scan(&key)
	})
	if key != "" {
		t.Error("its key is there")
	}
	if err := f.Exports.ForgetExports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := f.Count("export") + f.Count("export_part"); got != 0 {
		t.Errorf("%d rows are left", got)
	}
}
