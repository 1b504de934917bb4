package bench

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
	"cpis/audit/archive"
	"cpis/deploy/dev/traffic"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// What auditors should not wait longer for.
const (
	wantReport  = 200.     // ms, p95 of the first page
	wantProof   = 5.       // ms, p99
	wantExport  = 1e6 / 60 // entries a second
	wantMore    = 64.      // MiB, while an export is made
	wantVerify  = 500_000. // entries a second
	wantHashing = 0.8      // of the speed of decompressing and hashing its files alone
	wantBeside  = 0.8      // of the look-ups without an export
)

const (
	reportsAsked   = 100 // first pages of each report
	proofsAsked    = 2000
	besideCallers  = 64
	exportPatience = time.Hour
)

// Auditing measures what auditors wait for, over a log of o.Past entries, and
// what look-ups notice of an export, and prints a table.
func Auditing(ctx context.Context, o Options) error {
	cluster, err := startCluster(ctx, o.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop(context.WithoutCancel(ctx)) }()
	b := &bench{Options: o, cluster: cluster}
	b.Persons = max(b.Persons, flaggedPeople)
	s, err := b.newSite(ctx, "local", nil)
	if err != nil {
		return err
	}
	defer s.stop(ctx)
	b.databases = append(b.databases, s.database)
	a := &auditing{bench: b, site: s, auditor: s.tokens("auditor")[0]}
	a.t = tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(a.t, "\nwhat\tmeasured\twanted\t\t\n")
	for _, measure := range []func(context.Context) error{a.follow, a.reports, a.proofs, a.beside, a.export} {
		if err := measure(ctx); err != nil {
			return err
		}
		if err := a.t.Flush(); err != nil { // what is known is shown: all of it takes minutes
			return err
		}
	}
	return nil
}

// auditing is one run.
type auditing struct {
	*bench

	site    *site
	auditor string // a token
	t       *tabwriter.Writer
}

// tell prints a figure of each round, and whether it is what is wanted.
func (a *auditing) tell(what string, rounds []float64, wanted float64, atLeast bool) {
	l := judge(what, rounds, wanted, atLeast)
	fmt.Fprintf(a.t, "%s\t%s\t%s\t%s\t\n", l.what, l.measured, l.wanted, l.verdict)
}

// follow waits until the server has signed the log and indexed it.
func (a *auditing) follow(ctx context.Context) error {
	if err := a.settle(ctx); err != nil {
		return err
	}
	fmt.Fprintf(a.t, "index of %d entries made, entries a second\t%.0f\t\t\t\n", a.indexed.entries, float64(a.indexed.entries)/a.indexed.took.Seconds())
	conn, err := pgx.Connect(ctx, a.cluster.URL("postgres", a.site.database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `VACUUM ANALYZE cpis.entry_index`)
	return err
}

// reports asks for the first page of each report, about somebody else each time.
func (a *auditing) reports(ctx context.Context) error {
	client := cpisv1connect.NewReportServiceClient(a.site.dial(a.auditor, ""))
	w := traffic.New(int64(a.Past), a.Now())
	for range a.Past % 1000 { // somewhere in it
		w.Next()
	}
	worst := 0.0
	for number, name := range cpisv1.Report_name {
		report := cpisv1.Report(number)
		if report == cpisv1.Report_REPORT_UNSPECIFIED {
			continue
		}
		took, err := timed(reportsAsked, a.Now, func(int) error {
			_, err := client.ListEntries(ctx, &cpisv1.ListEntriesRequest{Report: report, Query: queryOf(w, report)})
			return err
		})
		if err != nil {
			return fmt.Errorf("asking for %s: %w", name, err)
		}
		worst = max(worst, millis(at(took, 95)))
	}
	a.tell(fmt.Sprintf("first page of the slowest report, p95 of %d, ms", reportsAsked), []float64{worst}, wantReport, false)
	return nil
}

// queryOf asks a report about somebody.
func queryOf(w *traffic.Traffic, report cpisv1.Report) *cpisv1.ReportQuery {
	q := &cpisv1.ReportQuery{Reason: cpisv1.ReportReason_REPORT_REASON_ROUTINE, Words: "to see how long this takes"}
	switch report { //nolint:exhaustive // the others are about nobody
	case cpisv1.Report_REPORT_CHILD:
		q.Subject = base64.RawURLEncoding.EncodeToString(w.Child())
	case cpisv1.Report_REPORT_ACTOR:
		q.Actor = w.Actor()
	case cpisv1.Report_REPORT_ORGANISATION:
		q.Organisation = w.Organisation()
	case cpisv1.Report_REPORT_REQUEST:
		q.RequestId = w.Next().Request
	}
	return q
}

// proofs asks for proofs of entries anywhere in the log.
func (a *auditing) proofs(ctx context.Context) error {
	client := cpisv1connect.NewLogServiceClient(a.site.dial(a.auditor, ""))
	took, err := timed(proofsAsked, a.Now, func(int) error {
		_, err := client.GetInclusionProof(ctx, &cpisv1.GetInclusionProofRequest{Index: rand.Int64N(int64(a.Past))}) //nolint:gosec // guards nothing
		return err
	})
	if err != nil {
		return fmt.Errorf("asking for a proof: %w", err)
	}
	a.tell(fmt.Sprintf("proof of one entry, p99 of %d, ms", proofsAsked), []float64{millis(at(took, 99))}, wantProof, false)
	return nil
}

// beside measures look-ups while an export is made, and without one.
func (a *auditing) beside(ctx context.Context) error {
	lookups := a.site.lookups(jsonCodec)
	var ratios []float64
	for range a.Rounds {
		alone, err := a.site.load(ctx, besideCallers, lookups, a.Seconds)
		if err != nil {
			return err
		}
		if err := a.settle(ctx); err != nil {
			return err
		}
		id, err := a.ask(ctx)
		if err != nil {
			return err
		}
		with, err := a.site.load(ctx, besideCallers, lookups, a.Seconds)
		if err != nil {
			return err
		}
		if _, err := a.exports(uuid.NewString()).DeleteExport(ctx, &cpisv1.DeleteExportRequest{ExportId: id}); err != nil {
			return fmt.Errorf("deleting the export: %w", err)
		}
		if err := a.settle(ctx); err != nil {
			return err
		}
		ratios = append(ratios, with.perSec/alone.perSec)
	}
	a.tell(fmt.Sprintf("look-ups at %d callers while an export is made / without", besideCallers), ratios, wantBeside, true)
	return nil
}

func (a *auditing) exports(request string) cpisv1connect.ExportServiceClient {
	return cpisv1connect.NewExportServiceClient(a.site.dial(a.auditor, request))
}

// ask asks for everything as a file of lines.
func (a *auditing) ask(ctx context.Context) (id string, err error) {
	made, err := a.exports(uuid.NewString()).CreateExport(ctx, &cpisv1.CreateExportRequest{
		Report: cpisv1.Report_REPORT_EVERYTHING, Query: &cpisv1.ReportQuery{Reason: cpisv1.ReportReason_REPORT_REASON_ROUTINE},
	})
	if err != nil {
		return "", fmt.Errorf("asking for an export: %w", err)
	}
	return made.GetExport().GetId(), nil
}

// export has everything made as a file, downloads it, and verifies it.
func (a *auditing) export(ctx context.Context) error {
	before, err := a.site.resident()
	if err != nil {
		return err
	}
	began := a.Now()
	id, err := a.ask(ctx)
	if err != nil {
		return err
	}
	export, err := a.ready(ctx, id)
	if err != nil {
		return err
	}
	took := a.Now().Sub(began)
	most, err := a.site.rss()
	if err != nil {
		return err
	}
	a.tell(fmt.Sprintf("export of %d entries, entries a second", export.GetEntries()), []float64{float64(export.GetEntries()) / took.Seconds()}, wantExport, true)
	a.tell("memory of the server while it is made, MiB more", []float64{most - before}, wantMore, false)
	file := filepath.Join(a.Dir, "export.zip")
	if err := a.download(ctx, id, file); err != nil {
		return err
	}
	return a.verify(ctx, file)
}

// ready waits until an export is made.
func (a *auditing) ready(ctx context.Context, id string) (*cpisv1.Export, error) {
	ctx, cancel := context.WithTimeout(ctx, exportPatience)
	defer cancel()
	for {
		got, err := a.exports("").GetExport(ctx, &cpisv1.GetExportRequest{ExportId: id})
		if err != nil {
			return nil, fmt.Errorf("waiting for the export: %w", err)
		}
		switch got.GetExport().GetState() { //nolint:exhaustive // the others are under way
		case cpisv1.ExportState_EXPORT_STATE_READY:
			return got.GetExport(), nil
		case cpisv1.ExportState_EXPORT_STATE_FAILED:
			return nil, fmt.Errorf("%w: the export failed", errLoad)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// download saves the file of an export.
func (a *auditing) download(ctx context.Context, id, name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	stream, err := a.exports("").DownloadExport(ctx, &cpisv1.DownloadExportRequest{ExportId: id})
	for err == nil {
		var part *cpisv1.DownloadExportResponse
		if part, err = stream.Receive(); err == nil {
			_, err = file.Write(part.GetChunk())
		}
	}
	if !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("downloading the export: %w", err), file.Close())
	}
	return file.Close()
}

// verify verifies a file, and hashes it, in turns.
func (a *auditing) verify(ctx context.Context, name string) error {
	keys, err := a.publicKeys(ctx)
	if err != nil {
		return err
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var speeds, ratios []float64
	for range a.Rounds {
		began := a.Now()
		report, err := archive.Verify(ctx, file, info.Size(), keys)
		verified := a.Now().Sub(began)
		if err != nil {
			return fmt.Errorf("verifying the export: %w", err)
		}
		began = a.Now()
		if err := hashFiles(file, info.Size()); err != nil {
			return err
		}
		hashed := a.Now().Sub(began)
		speeds = append(speeds, float64(report.Manifest.Entries)/verified.Seconds())
		ratios = append(ratios, hashed.Seconds()/verified.Seconds())
	}
	a.tell(fmt.Sprintf("verifying it offline, %.0f MB, entries a second", float64(info.Size())/1e6), speeds, wantVerify, true)
	a.tell("verifying it / decompressing and hashing its files alone", ratios, wantHashing, true)
	return nil
}

// hashFiles decompresses and hashes the files of a zip.
func hashFiles(in io.ReaderAt, size int64) error {
	z, err := zip.NewReader(in, size)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		from, err := f.Open()
		if err != nil {
			return err
		}
		_, err = io.Copy(sha256.New(), from) //nolint:gosec // an export that this run made
		if err := errors.Join(err, from.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (a *auditing) publicKeys(ctx context.Context) (known []audit.VerifierKey, err error) {
	keeper, done, err := a.site.keeper(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	public, err := keeper.PublicKeys(ctx)
	for _, key := range public {
		v, bad := audit.NewVerifierKey(origin, key)
		known, err = append(known, v), errors.Join(err, bad)
	}
	return known, err
}

// timed does something n times, and returns how long each took.
func timed(n int, now func() time.Time, do func(i int) error) ([]time.Duration, error) {
	took := make([]time.Duration, n)
	for i := range took {
		began := now()
		if err := do(i); err != nil {
			return nil, err
		}
		took[i] = now().Sub(began)
	}
	slices.Sort(took)
	return took, nil
}

// at returns the time within which so many in a hundred were answered.
func at(took []time.Duration, percent int) time.Duration { return took[len(took)*percent/100] }
