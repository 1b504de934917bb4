package files_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"cpis/service/identity"
	"cpis/service/servicetest"
	"cpis/service/upload"
	"cpis/service/web"
	"cpis/service/web/files"
	"cpis/service/web/webtest"
)

// What is doubtful is counted, with what to do, and leads to the plans.
func TestQuality_SaysWhatIsDoubtfulAndWhatToDo(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	before := len(s.Entries())
	b.Get("/quality").Want(http.StatusOK, "/quality", "Data quality")
	s.WantEntries(before, "read_uploads done")
	wantSaid(b, "0 plans in force. Nothing about them looks doubtful", "No file has been sent yet", "Not counted: no whole list", "None yet", "What is not counted here")
	if b.Doc.Find("main svg").Length() != 0 {
		t.Error("nothing is drawn as something")
	}
	s.Clock.Advance(-60 * 24 * time.Hour)
	s.MustApply(servicetest.Lead, servicetest.Whole, header+
		row("nhs_number="+servicetest.NumberAt(30), "kind=ucpp", "date_of_birth=1998-04-30", "start=2026-06-01", "expected=2026-11-10")+
		row("nhs_number="+servicetest.NumberAt(31), "date_of_birth=2008-11-01")+
		row("nhs_number="+servicetest.NumberAt(32), "kind=<script>alert(1)</script>"))
	s.Clock.Advance(60 * 24 * time.Hour)
	s.Turn()
	b.Get("/quality").Want(http.StatusOK, "/quality", "Data quality")
	wantSaid(b, "2 of your plans want a look", "Baby past the expected date", "Record the birth, or end the plan", "Most often it was: Kind of plan",
		"Enter cpp for a child protection plan", "100% of the rows", "60 days ago")
	if n := b.Doc.Find("main svg.chart").Length(); n != 2 {
		t.Errorf("there are %d charts", n)
	}
	if strings.Contains(b.Text, "alert(1)") {
		t.Error("the page quotes the file")
	}
	b.Follow("Young person who is 18").Want(http.StatusOK, "/plans", "Plans")
	if n := b.Doc.Find("tbody tr").Length(); n != 1 {
		t.Errorf("behind a count of 1 are %d plans", n)
	}
}

// slowly are uploads that are not counted in time.
type slowly struct{ files.Uploads }

func (slowly) GetQualityReport(context.Context, *identity.Caller, *upload.QualityReportRequest) (*upload.QualityReport, error) {
	return nil, context.DeadlineExceeded
}

// What cannot be counted in time is never shown as nothing.
func TestQuality_SaysThatCountingTookTooLong(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, func(u *web.UseCases) { u.Files.Uploads = slowly{u.Files.Uploads} })
	b := s.As("lead").Get("/quality").Want(http.StatusServiceUnavailable, "/quality", "Data quality")
	wantSaid(b, "could not be counted in time", "does not mean that nothing is wrong")
	if b.Doc.Find("main table, main svg").Length() != 0 {
		t.Errorf("numbers are shown all the same: %q", said(b))
	}
}

func TestQuality_OfWhatCannotBeReadIsAnErrorPage(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Exec(`REVOKE SELECT ON cpis.upload FROM cpis_app`)
	b := s.As("lead").Get("/quality")
	if b.Status != http.StatusInternalServerError && b.Status != http.StatusServiceUnavailable {
		t.Errorf("the page answers %d: %q", b.Status, said(b))
	}
}
