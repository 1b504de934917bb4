package auditor_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cpis/service/guard"
	"cpis/service/servicetest"
	"cpis/service/web/auditor"
	"cpis/service/web/frame"
	"cpis/service/web/webtest"
)

// aReceipt has a receipt checked that is of a log nobody knows, and returns the page.
func aReceipt(s *webtest.Site) string {
	s.TB.Helper()
	b := s.As(officer).Get("/log").Submit("/log", map[string]string{"receipt": "nowhere.example/log 7 " + base64.StdEncoding.EncodeToString(make([]byte, 32))})
	return b.At.Path
}

func TestLog_SaysHowItIsAndWhatAReceiptProves(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	ask := servicetest.Attended("ED-1")
	ask.Request = "0193596c-7b1e-7cc2-8f0e-2f2f4f0a9a11"
	answer := s.MustLookUp(servicetest.Nurse, ask)
	b := s.As("auditor").Get("/home").Follow("The log")
	check := func(receipt string) *webtest.Browser {
		return b.Get("/log").Submit("/log", map[string]string{"receipt": receipt})
	}
	check(frame.ReceiptText(&answer.Receipt)).Want(http.StatusOK, b.At.Path, "This receipt cannot be checked yet")
	s.Must(s.Sign(t.Context()))
	b.Follow("Check again").Want(http.StatusOK, b.At.Path, "This entry is in the log")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, fmt.Sprintf("entry %d of the log", answer.Receipt.Index)) || !strings.Contains(text, "were signed on 23 November 2026") {
		t.Errorf("the page says %q", text)
	}
	address := b.At.Path
	b.Follow("What else belongs to this entry?").Want(http.StatusOK, "/reports/request", "What belongs to this request?")
	s.CatchUp()
	b.Submit("/reports/request", map[string]string{"reason": "routine"})
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "1 entry") || !strings.Contains(text, "Looked up") {
		t.Errorf("what belongs to the entry is %q", text)
	}
	b.Get("/log").Want(http.StatusOK, "/log", "The log is sound")
	s.Must(s.Scrub(t.Context()))
	if b.Get("/log"); !strings.Contains(b.Doc.Find("main").Text(), "Last read again and compared") || strings.Contains(b.Text, "Not since this server started") {
		t.Errorf("the page says %q", b.Doc.Find("main").Text())
	}
	other := answer.Receipt
	other.Leaf[0]++
	check(frame.ReceiptText(&other)).Want(http.StatusOK, b.At.Path, "This receipt does not fit the log")
	check("  "+strings.ReplaceAll(frame.ReceiptText(&answer.Receipt), " ", " \n\t")+"\r\n").Want(http.StatusOK, b.At.Path, "This entry is in the log")
	s.As("nurse").Get(address).Want(http.StatusOK, "/log", "The log is sound")
}

// What is pasted by mistake is asked for again, and stands in no address.
func TestLog_TakesReceiptsAlone(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Must(s.Sign(t.Context()))
	b := s.As("auditor")
	for _, wrong := range []string{
		"", "9990000018", "log 1", "log -1 " + base64.StdEncoding.EncodeToString(make([]byte, 32)), "log 1 AAAA", "log 1 <script>", "log 99999999999999999999 AAAA",
	} {
		b.Get("/log").Submit("/log", map[string]string{"receipt": wrong}).Want(http.StatusUnprocessableEntity, "/log", b.Doc.Find("h1").Text())
		if got := b.Doc.Find("#receipt").Text(); got != wrong || !strings.Contains(b.Doc.Find(".nhsuk-error-summary").Text(), "Paste the whole receipt") {
			t.Errorf("%q: the form says %q", wrong, got)
		}
	}
}

// Nobody is told that a log is sound of which this server has found that it is not.
func TestLog_ThatWasChangedIsSaidToBe(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.MustLookUp(servicetest.Nurse, servicetest.Attended("ED-1"))
	s.Must(s.Sign(t.Context()))
	s.Exec(`UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = 0) WHERE idx = 1`)
	s.Must(s.Scrub(t.Context()))
	b := s.As("auditor").Get("/log").Want(http.StatusOK, "/log", "The log has been changed")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "Do not rely on reports") || !strings.Contains(text, servicetest.HubPhone) {
		t.Errorf("the page says %q", text)
	}
}

// What is read as a receipt is one, and says the same when it is written again.
func FuzzReadReceipt(f *testing.F) {
	whole := guard.Receipt{Log: "cpis.example/log/1", Index: 7}
	f.Add(frame.ReceiptText(&whole))
	f.Add("cpis.example/log/1\t+7 " + strings.Repeat("A", 43) + "=")
	f.Add("9990000018")
	f.Fuzz(func(t *testing.T, text string) {
		log, index, leaf, ok := auditor.ReadReceipt(text)
		if !ok {
			return
		}
		written := guard.Receipt{Log: log, Index: index}
		if copy(written.Leaf[:], leaf) != len(leaf) || index < 0 {
			t.Fatalf("%q is no receipt", text)
		}
		if again, at, hash, ok := auditor.ReadReceipt(frame.ReceiptText(&written)); !ok || again != log || at != index || string(hash) != string(leaf) {
			t.Fatalf("%q says something else when it is written again", text)
		}
	})
}
