package administrator_test

import (
	"net/http"
	"strings"
	"testing"

	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// TestStatus_SaysHowTheServiceDoes uses one site for what is well, away and unknown: each
// step takes more away.
func TestStatus_SaysHowTheServiceDoes(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Must(s.Service.Log.Sign(t.Context()))
	b := s.As(key).Get("/home").Follow("How the service does").Want(http.StatusOK, "/status", "The service is working")
	wantText(t, b, "Answers", "PostgreSQL", "Version", "Not since this server started", "Reports as files", "7 days", "The service never deletes these by itself")
	if strings.Contains(b.Text, "Cannot be read") || b.Doc.Find("main li strong").Length() != 0 {
		t.Errorf("the page says\n%s", b.Doc.Find("main").Text())
	}

	s.Keeper.TakeAway(true)
	b.Get("/status").Want(http.StatusOK, "/status", "Something needs somebody")
	wantText(t, b, "What holds the keys does not answer", "unseal it", "Does not answer")
	s.Keeper.TakeAway(false)

	s.Exec(`REVOKE SELECT ON cpis.delivery, cpis.channel, cpis.checkpoint, cpis.schema_version FROM cpis_app`)
	b.Get("/status").Want(http.StatusOK, "/status", "Some of this cannot be read")
	wantText(t, b, "The database cannot be read", "The log cannot be read", "How many notices wait cannot be read", "Which channels rest cannot be read", "Cannot be read", "does not mean that it is well")
	if text := b.Doc.Find("main").Text(); strings.Contains(text, "None waits") || strings.Contains(text, "Sound") {
		t.Errorf("what cannot be read is said to be fine:\n%s", text)
	}
	b.Get("/status/channels").Want(http.StatusInternalServerError, "/status/channels", "Something went wrong")
	if strings.Contains(b.Text, "There is none") {
		t.Error("what cannot be read is said to be none")
	}
}

func wantText(t *testing.T, b *webtest.Browser, want ...string) {
	t.Helper()
	text := b.Doc.Find("main").Text()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", b.At.Path, w, text)
		}
	}
}

// Whose channels fail is said, and how much waits; where they lead is not, and a name
// that is hostile comes back inert.
func TestStatus_ListsChannelsOnWhichNothingArrives(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	lead := s.As("lead")
	lead.Get("/channels/new").Submit("/channels/new", map[string]string{"kind": "webhook", "url": "https://cases.example.gov.uk/secret-path"})
	b := s.As(key).Get("/status").Follow("Show").Want(http.StatusOK, "/status/channels", "Channels on which nothing arrives")
	wantText(t, b, "There is none")
	s.Sender.Fail("refused")
	s.Waiting(30)
	s.MustDeliver()
	s.Pretend(`UPDATE cpis.authority SET name = '<script>alert(1)</script>' WHERE gss_code = $1`, servicetest.Islington)
	before := len(s.Entries())
	b.Get("/status/channels")
	s.WantEntries(before, "read_service done")
	if n := b.Doc.Find("tbody tr").Length(); n != 1 || b.Doc.Find("main script").Length() != 0 || strings.Contains(b.Text, "secret-path") {
		t.Errorf("%d rows:\n%s", n, b.Doc.Find("main").Text())
	}
	wantText(t, b, "<script>alert(1)</script> (E09000019)", "Webhook, position 1", "Resting", "30")
	b.Get("/status").Want(http.StatusOK, "/status", "Something needs somebody")
	wantText(t, b, "Nothing arrives on some channels of authorities")
}

// Hundreds of channels that fail are one table.
func TestStatus_ListsHundredsOfChannels(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Pretend(`
		INSERT INTO cpis.channel (id, authority, version, rank, kind, paused, wrapped_key, sealed, made_at, changed_at, failures, failed_at)
		SELECT gen_random_uuid(), a.gss_code, 1, r, 'webhook', false, 'x', 'x', now(), now(), 3, now()
		FROM (SELECT gss_code FROM cpis.authority ORDER BY gss_code LIMIT 60) AS a, generate_series(1, 9) AS r`)
	b := s.As(key).Get("/status/channels").Want(http.StatusOK, "/status/channels", "Channels on which nothing arrives")
	if n := b.Doc.Find("tbody tr").Length(); n != 540 {
		t.Errorf("%d rows, want 540", n)
	}
}
