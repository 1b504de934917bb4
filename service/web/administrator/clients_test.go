package administrator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cpis/service/store"
	"cpis/service/web/webtest"
)

func TestClients_ShowWhoMayCallAndWhoDid(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As(key).Get("/home").Follow("Client systems").Want(http.StatusOK, "/clients", "Client systems")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "No system has been used yet.") || !strings.Contains(text, "entries have not been read yet") {
		t.Errorf("before anything was read the page says\n%s", text)
	}
	s.Must(s.Index.Follow(t.Context()))
	b.Get("/clients").Want(http.StatusOK, "/clients", "Client systems")
	row := b.Doc.Find("tbody tr").First().Text()
	for _, want := range []string{"These pages", "23 November 2026", s.Provider.Issuer().URL} {
		if !strings.Contains(row, want) {
			t.Errorf("the first client lacks %q:\n%s", want, row)
		}
	}
	issuer := b.Doc.Find(".nhsuk-card").Text()
	for _, want := range []string{"safeguarding lead; ", "Log-in to these pages", "Known", "https://cpis.test"} {
		if !strings.Contains(issuer, want) {
			t.Errorf("the issuer lacks %q:\n%s", want, issuer)
		}
	}
	if n := b.Doc.Find("details tbody tr").Length(); n == 0 {
		t.Error("the issuer's keys are missing")
	}
	if strings.Contains(b.Text, "secret") {
		t.Error("the page speaks of a secret")
	}
}

// Names of clients are the issuer's: hostile ones do nothing, and many take pages.
func TestClients_AreManyAndHostile(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	var uses []store.ClientUse
	for i := range 500 {
		uses = append(uses, store.ClientUse{
			Issuer: "https://a.example", Client: "<script>alert(1)</script>=1+1\u202e", Organisation: "X" + string(rune('A'+i/26)) + string(rune('A'+i%26)),
			First: day, Last: day,
		})
	}
	s.Tx(s.DB, func(tx *store.Tx) error { return tx.Index.NoteClients(t.Context(), uses) })
	b := s.As(key).Get("/clients")
	seen := 0
	for range 10 {
		b.Want(http.StatusOK, "/clients", "Client systems")
		if seen += b.Doc.Find("table").First().Find("tbody tr").Length(); seen < 500 {
			b.Follow("Next")
		}
	}
	if seen != 500 {
		t.Errorf("%d clients on ten pages, want 500", seen)
	}
	if strings.Contains(b.Text, "<script>alert") || !strings.Contains(b.Doc.Find("main").Text(), "Not trusted any more") {
		t.Error("a hostile name is not inert, or a foreign issuer is trusted")
	}
	b.Get("/clients?page=nonsense").Want(http.StatusOK, "/clients", "Client systems")
}
