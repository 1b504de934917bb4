package lead_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"cpis/service/web/webtest"
)

const hooks = "https://cases.example.gov.uk/notices"

// addWebhook adds a webhook, and returns its address of ours.
func addWebhook(b *webtest.Browser) string {
	b.TB.Helper()
	b.Get("/channels/new").Submit("/channels/new", map[string]string{"kind": "webhook", "url": hooks})
	return b.At.Path
}

// A secret is shown once, when it is made, and again once when it is replaced.
func TestChannels_ShowTheirSecretOnce(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead").Get("/channels").Want(http.StatusOK, "/channels", "Channels")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "You have no channels yet") {
		t.Errorf("the page says %q", text)
	}
	b.Follow("Add a channel").Want(http.StatusOK, "/channels/new", "Add a channel")
	before := len(s.Entries())
	channel := addWebhook(b)
	first := b.Doc.Find("code").Text()
	if b.Doc.Find("h1").Text() != "Webhook" || !strings.HasPrefix(first, "whsec_") {
		t.Fatalf("got %s: %s", b.At, b.Doc.Find("main").Text())
	}
	s.WantEntries(before, "read_notices done", "manage_channels done", "read_notices done")
	if b.Get(channel); strings.Contains(b.Text, "whsec_") || !strings.Contains(b.Doc.Find("main").Text(), hooks) {
		t.Errorf("the page says %q", b.Doc.Find("main").Text())
	}
	b.Follow("Make a new secret").Want(http.StatusOK, channel+"/secret", "Make a new secret?")
	b.Submit(channel+"/secret", nil).Want(http.StatusOK, channel, "Webhook")
	second := b.Doc.Find("code").Text()
	if !strings.HasPrefix(second, "whsec_") || second == first || !strings.Contains(b.Doc.Find("main").Text(), "signed with the old secret too") {
		t.Errorf("the page says %q", b.Doc.Find("main").Text())
	}
	if b.Get(channel); strings.Contains(b.Text, "whsec_") {
		t.Error("the secret is shown twice")
	}
	s.As("camden-lead").Get(channel).Want(http.StatusNotFound, channel, "Page not found")
}

// A test message says what became of it, and why what did not arrive did not.
func TestChannels_AreTested(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	channel := addWebhook(b)
	b.Get(channel).Submit(channel+"/test", nil).Want(http.StatusOK, channel, "Webhook")
	if text := b.Doc.Find(".nhsuk-notification-banner--success").Text(); !strings.Contains(text, "has arrived") || s.Sender.Taken() != 1 {
		t.Errorf("%d messages; the banner says %q", s.Sender.Taken(), text)
	}
	s.Sender.Fail("certificate")
	b.Submit(channel+"/test", nil).Want(http.StatusOK, channel, "Webhook")
	if text := b.Doc.Find(".nhsuk-card--warning").Text(); !strings.Contains(text, "did not arrive") || !strings.Contains(text, "has to renew it") {
		t.Errorf("the page says %q", text)
	}
	if b.Get(channel); strings.Contains(b.Text, "did not arrive") {
		t.Error("what became of a test is said twice")
	}
	s.Notice()
	s.MustDeliver()
	b.Get("/channels")
	if text := b.Doc.Find("tbody").Text(); !strings.Contains(text, "Resting") {
		t.Errorf("the list says %q", text)
	}
	if text := b.Get("/home").Doc.Find("main").Text(); !strings.Contains(text, "1 channel on which nothing arrives") {
		t.Errorf("home says %q", text)
	}
	if text := b.Get(channel).Doc.Find(".nhsuk-summary-list").Text(); !strings.Contains(text, "1 attempt") || !strings.Contains(text, "certificate cannot be trusted") {
		t.Errorf("the page says %q", text)
	}
	s.Sender.Fail("")
	b.Submit(channel+"/test", nil)
	if text := b.Doc.Find(".nhsuk-summary-list").Text(); !strings.Contains(text, "Working") {
		t.Errorf("after a test that arrived the page says %q", text)
	}
}

// What is wrong is said beside the field, and what was typed is still there. Whoever
// is second sees that.
func TestChannels_AreChangedAndRemoved(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b, second := s.As("lead"), s.As("second-lead")
	b.Get("/channels/new").Submit("/channels/new", map[string]string{"rank": "12"}).Want(http.StatusUnprocessableEntity, "/channels/new", "Add a channel")
	if n := b.Doc.Find(".nhsuk-error-summary__list li").Length(); n != 2 {
		t.Errorf("got %d problems: %s", n, b.Doc.Find(".nhsuk-error-summary").Text())
	}
	b.Submit("/channels/new", map[string]string{"rank": "1", "kind": "webhook", "url": "http://<b>x"}).Want(http.StatusUnprocessableEntity, "/channels/new", "Add a channel")
	if got := b.Doc.Find("#url").AttrOr("value", ""); got != "http://<b>x" || strings.Contains(b.Text, "<b>x") {
		t.Errorf("typed was an address, and now %q is there", got)
	}
	channel := addWebhook(b)
	second.Get(channel + "/change")
	b.Get(channel+"/change").Submit(channel+"/change", map[string]string{"rank": "2", "paused": "1"}).Want(http.StatusOK, channel, "Webhook")
	if text := b.Doc.Find(".nhsuk-summary-list").Text(); !strings.Contains(text, "Paused") {
		t.Errorf("the page says %q", text)
	}
	second.Submit(channel+"/change", map[string]string{"rank": "3"}).Want(http.StatusConflict, channel+"/change", "Somebody changed this while you were typing")
	b.Get(channel+"/remove").Want(http.StatusOK, channel+"/remove", "Remove this channel?")
	b.Submit(channel+"/remove", nil).Want(http.StatusOK, "/channels", "Channels")
	if b.Doc.Find("tbody tr").Length() != 0 {
		t.Error("a channel that was removed is listed")
	}
	b.Get(channel).Want(http.StatusNotFound, channel, "Page not found")
	for _, below := range []string{"/test", "/secret", "/remove"} {
		b.Send(http.MethodPost, "/channels/"+path.Base(channel)+below, url.Values{"version": {"2"}}, nil)
		if b.Status != http.StatusNotFound {
			t.Errorf("%s of a channel that was removed: got %d", below, b.Status)
		}
	}
}
