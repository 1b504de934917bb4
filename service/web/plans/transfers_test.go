package plans_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/google/uuid"

	"cpis/service/servicetest"
	"cpis/service/web/webtest"
)

// offered has the lead of Islington offer a plan to Camden, and returns the page of
// the offer.
func offered(s *webtest.Site, b *webtest.Browser, at string) string {
	s.TB.Helper()
	b.Get(at).Follow("Offer this plan")
	b.Walk(answers{"to": {"to": servicetest.Camden}, "reason": {"reason": "moved <i>there</i>"}})
	says(b, "You stay responsible until they accept")
	says(send(b), "Plan offered", "Camden has been told")
	b.Follow("See the offer").Want(http.StatusOK, b.At.Path, "You have offered a plan")
	return b.At.Path
}

func TestTransfer_IsOfferedAndAccepted(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b, other := s.As("lead"), s.As("camden-lead")
	at := a(s, servicetest.RightCPP())
	b.Get(at + "/transfer")
	b.Submit(b.At.Path, nil)
	wrong(b, "Select a local authority")
	if n := b.Doc.Find(`option[value="` + servicetest.Islington + `"]`).Length(); n != 0 {
		t.Error("one's own authority is offered")
	}
	offer := offered(s, b, at)
	says(b, "moved <i>there</i>", "Waiting", "Robin Example")
	b.Get(at)
	says(b, "Being transferred")
	if rows := rowsOf(b); !strings.Contains(rows, "Offered to Camden") {
		t.Errorf("the plan says %q", rows)
	}
	other.Get("/home").Follow("Plans offered").Want(http.StatusOK, "/transfers", "Plans offered to you and by you")
	other.Follow("Robin Example").Want(http.StatusOK, offer, "Islington offers you a plan")
	says(other, "moved <i>there</i>", "Child protection plan, started 1 September 2026", "999 000 0018")
	if strings.Contains(rowsOf(other), "CASE-1042") {
		t.Error("the receiver sees the sender's reference")
	}
	other.Submit(offer, nil)
	says(other, "Select what you decide", "Say why")
	before := len(s.Entries())
	form := url.Values{"decision": {"accept"}, "reason": {"conference held"}, "reference": {"CAM-1"}, "request": {uuid.NewString()}}
	for range 2 { // a double click
		other.Send(http.MethodPost, offer, form, nil).Want(http.StatusOK, "/transfers", "Plans offered to you and by you")
	}
	mustHave(t, "entries", strings.Count(strings.Join(s.Actions(before), " "), "decide_transfer done"), 2)
	says(other, "You are responsible for this plan from now", "No plan waits for a decision")
	other.Follow("Show what was decided").Follow("Robin Example")
	says(other, "Accepted by OYELARAN Simon (Mr)", "conference held")
	other.Follow("See the plan")
	says(other, "In force", "CAM-1")
	b.Get(at).Want(http.StatusNotFound, at, "Page not found")
	b.Get(offer)
	says(b, "Accepted", "conference held")
}

func TestTransfer_IsDeclinedOrWithdrawn(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b, other := s.As("lead"), s.As("camden-lead")
	at := a(s, servicetest.RightCPP())
	offer := offered(s, b, at)
	other.Get(offer).Submit(offer, map[string]string{"decision": "withdraw", "reason": "no"})
	mustHave(t, "withdrawn by the receiver", other.Status, http.StatusUnprocessableEntity)
	other.Submit(offer, map[string]string{"decision": "decline", "reason": "not ours"})
	says(other, "The authority that offered it has been told and stays responsible")
	offer = offered(s, b, at)
	other.Get(offer)
	b.Submit(offer, map[string]string{"decision": "withdraw", "reason": "a slip"})
	says(b, "The offer is withdrawn")
	other.Submit(offer, map[string]string{"decision": "accept", "reason": "ours"})
	mustHave(t, "accepted too late", other.Status, http.StatusUnprocessableEntity)
	says(other, "The transfer was decided before: it is withdrawn")
	mustHave(t, "still Islington's", planOf(s, path.Base(at)).Plan.TransferTo, "")
	other.Get("/transfers/nonsense").Want(http.StatusNotFound, "/transfers/nonsense", "Page not found")
	s.As("lead").Get("/transfers?page=nonsense").Want(http.StatusOK, "/transfers", "Plans offered to you and by you")
}
