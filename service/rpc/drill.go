package rpc

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/grpcreflect/v2"
)

// drillText is what everybody hears of a server that runs a drill.
const drillText = "this is a restore drill on a copy of the database: nothing is answered here"

// headerDrill marks every answer of such a server.
const headerDrill = "Cpis-Drill"

// DrillReport is what a drill has found so far. The zero value says that it is
// under way. It is safe for concurrent use.
type DrillReport struct{ found atomic.Pointer[drillFinding] }

type drillFinding struct {
	passed bool
	text   string
}

// Set says how the drill ended. The text must name nobody.
func (r *DrillReport) Set(passed bool, text string) { r.found.Store(&drillFinding{passed, text}) }

func (r *DrillReport) answer() (status int, text string) {
	found := r.found.Load()
	switch {
	case found == nil:
		return http.StatusServiceUnavailable, "drill: under way"
	case found.passed:
		return http.StatusOK, "drill: passed: " + found.text
	}
	return http.StatusInternalServerError, "drill: FAILED: " + found.text
}

// NewDrill makes what clients meet where a drill runs: every procedure, of
// whatever caller, is answered that nothing is. Nobody could be answered
// without an entry, and a copy must not write any.
func NewDrill(now func() time.Time) http.Handler {
	server := connect.NewServer(func(connect.ServerFunc) connect.ServerFunc {
		return func(context.Context, connect.Spec, connect.ServerStream) error {
			return connect.NewError(connect.CodeUnavailable, drillText)
		}
	})
	register(server, UseCases{}, nil, 0) // none is ever reached
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server, options()...)
	return drilling(&gate{next: mux, now: now, stopping: make(chan struct{})})
}

// NewDrillAdmin creates the handler for operators of a drill:
//
//	/livez   the process answers
//	/readyz  never ready: nobody may be sent here
//	/drill   what the drill found
//
// There are no metrics: nothing is counted.
func NewDrillAdmin(report *DrillReport) http.Handler {
	server := connect.NewServer()
	grpcreflect.Register(server, grpcreflect.WithNamer(services{}))
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server, connecthttp.WithCompressors())
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive: "+drillText) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusServiceUnavailable, drillText)
	})
	mux.HandleFunc("GET /drill", func(w http.ResponseWriter, _ *http.Request) {
		status, text := report.answer()
		say(w, status, text)
	})
	return drilling(mux)
}

// drilling marks every answer.
func drilling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(headerDrill, drillText)
		next.ServeHTTP(w, r)
	})
}
