package rpc

import (
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/grpcreflect/v2"

	"cpis/proto/cpis/v1/cpisv1connect"
)

// NewAdmin creates the handler for operators, to be served on a listener of its
// own that callers cannot reach:
//
//	/livez    the process answers
//	/readyz   the server can answer; if not, what is away; if so, what is an incident all the same
//	/metrics  for Prometheus
//
// and gRPC reflection. Nothing on it is about anybody.
func NewAdmin(ready *Readiness, m *Metrics) http.Handler {
	server := connect.NewServer()
	grpcreflect.Register(server, grpcreflect.WithNamer(services{}))

	mux := http.NewServeMux()
	connecthttp.Mount(mux, server, connecthttp.WithCompressors())
	mux.Handle("GET /metrics", m.Handler())
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		away, warned := ready.State(r.Context())
		switch {
		case len(away) > 0:
			say(w, http.StatusServiceUnavailable, "away: "+strings.Join(away, ", "))
		case len(warned) > 0:
			say(w, http.StatusOK, "ready, but this is an incident: "+strings.Join(warned, ", "))
		default:
			say(w, http.StatusOK, "ready")
		}
	})
	return mux
}

func say(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // the client has gone if not
}

// services are those that reflection names.
type services struct{}

// Names returns the services of the contract, and health.
func (services) Names() []string {
	return []string{
		cpisv1connect.LookupServiceName,
		cpisv1connect.PlanServiceName,
		cpisv1connect.UploadServiceName,
		cpisv1connect.LogServiceName,
		"grpc.health.v1.Health",
	}
}
