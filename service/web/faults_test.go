package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

func TestFaults_SayWhatToDoAndWhomToCall(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("nurse")
	for _, tt := range []struct {
		path    string
		status  int
		heading string
	}{
		{"/nowhere", http.StatusNotFound, "Page not found"},
		{"/notices", http.StatusForbidden, "You cannot do this here"},
		{"/help/refused/nonsense", http.StatusNotFound, "Page not found"},
		{"/log-in/nobody", http.StatusNotFound, "Page not found"},
	} {
		b.Get(tt.path).Want(tt.status, tt.path, tt.heading)
		if call := b.Doc.Find(`main a[href^="tel:"]`); call.Text() != servicetest.HubPhone || call.AttrOr("href", "") != "tel:+443000000000" {
			t.Errorf("%s does not say whom to call", tt.path)
		}
	}
	lead := s.As("lead")
	lead.Send(http.MethodPost, "/contacts/change", url.Values{"office": {strings.Repeat("x", 200_000)}}, nil)
	lead.Want(http.StatusRequestEntityTooLarge, "/contacts/change", "That is too much text")
}

// The page that says whom to call answers when nothing else does.
func TestHelp_NeedsNoDatabase(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	s.DB.Close()
	b.Get("/help/phone").Want(http.StatusOK, "/help/phone", "Who to call when this does not work")
	if b.Get("/notices"); b.Status < 500 {
		t.Errorf("got %d without a database", b.Status)
	}
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "This is not a “no”") {
		t.Errorf("the page says %q", text)
	}
}
