package rpc_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/rpc"
)

// A drill answers nobody, and says on every page what it is.
func TestADrillSaysThatItIsOneAndIsNeverReady(t *testing.T) {
	t.Parallel()
	ask := func(h http.Handler, method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(`{}`))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(w, r)
		if w.Header().Get("Cpis-Drill") == "" {
			t.Errorf("%s: it does not say that it is a drill", path)
		}
		return w
	}
	public := rpc.NewDrill(time.Now)
	if w := ask(public, http.MethodPost, cpisv1connect.LookupServiceLookUpProcedure); w.Code != http.StatusServiceUnavailable ||
		!strings.Contains(w.Body.String(), `"unavailable"`) || !strings.Contains(w.Body.String(), "drill") {
		t.Errorf("LookUp: got %d %s", w.Code, w.Body)
	}
	var report rpc.DrillReport
	admin := rpc.NewDrillAdmin(&report)
	want := func(path string, status int) {
		t.Helper()
		if w := ask(admin, http.MethodGet, path); w.Code != status || !strings.Contains(w.Body.String(), "drill") {
			t.Errorf("%s: got %d %s, want %d", path, w.Code, w.Body, status)
		}
	}
	want("/livez", http.StatusOK)
	want("/drill", http.StatusServiceUnavailable)
	report.Set(false, "keys are others")
	want("/drill", http.StatusInternalServerError)
	report.Set(true, "all is well")
	want("/drill", http.StatusOK)
	want("/readyz", http.StatusServiceUnavailable)
	if w := ask(admin, http.MethodGet, "/metrics"); w.Code != http.StatusNotFound {
		t.Errorf("/metrics: got %d", w.Code)
	}
}
