package rpc

import (
	"context"
	"net/http"
	"strconv"

	"connectrpc.com/connect/v2"

	"cpis/service/auditlog"
	"cpis/service/guard"
)

// What the paths under which a log is read are called in logs and metrics. They
// are those of C2SP tlog-tiles, so that tools which were written for other logs
// read this one:
//
//	/log/<number>/checkpoint
//	/log/<number>/tile/<level>/<index>[.p/<width>]
//	/log/<number>/tile/entries/<index>[.p/<width>]
//
// Who reads them shows a token, as everybody does.
var (
	checkpointFile = &procedure{name: "log/checkpoint", method: "log/checkpoint", action: "read_proof"}
	tileFile       = &procedure{name: "log/tile", method: "log/tile", action: "read_proof"}
	bundleFile     = &procedure{name: "log/tile/entries", method: "log/tile/entries", action: "read_log"}

	logFiles = []*procedure{checkpointFile, tileFile, bundleFile}
)

// file is what is read at a path.
type file struct {
	kind    string // type of the content
	content []byte
	keep    bool // it never changes, and whoever may read it may keep it
}

// fileHandler answers for the paths of logs.
type fileHandler struct {
	*stack

	uses Proofs
}

func (h *fileHandler) mount(mux *http.ServeMux) {
	mux.Handle("GET /log/{number}/checkpoint", h.serve(checkpointFile, h.checkpoint))
	mux.Handle("GET /log/{number}/tile/{path...}", h.serve(tileFile, h.tile))
	mux.Handle("GET /log/{number}/tile/entries/{path...}", h.serve(bundleFile, h.bundle))
}

// reading is a use case that answers with a file.
type reading func(ctx context.Context, c *call, number int64, r *http.Request) (file, error)

func (h *fileHandler) checkpoint(ctx context.Context, c *call, number int64, _ *http.Request) (file, error) {
	cp, err := h.uses.Checkpoint(ctx, &c.caller, &auditlog.CheckpointRequest{Number: number})
	if err != nil {
		return file{}, err
	}
	return file{kind: "text/plain; charset=utf-8", content: cp.Note}, nil
}

func (h *fileHandler) tile(ctx context.Context, c *call, number int64, r *http.Request) (file, error) {
	t, err := h.uses.Tile(ctx, &c.caller, &auditlog.TileRequest{Number: number, Path: "tile/" + r.PathValue("path")})
	if err != nil {
		return file{}, err
	}
	return file{kind: "application/octet-stream", content: t.Hashes, keep: true}, nil
}

// bundle answers with lines of the log, which nobody keeps on the way: each
// reading is an entry.
func (h *fileHandler) bundle(ctx context.Context, c *call, number int64, r *http.Request) (file, error) {
	q := &auditlog.BundleRequest{Number: number, Path: "tile/entries/" + r.PathValue("path"), Request: c.request}
	b, err := h.uses.EntryBundle(ctx, &c.caller, q)
	if err != nil {
		return file{}, err
	}
	return file{kind: "application/octet-stream", content: b.Lines}, nil
}

// serve makes a handler of a reading: what the interceptors do for procedures.
func (h *fileHandler) serve(p *procedure, read reading) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := h.now()
		c := &call{procedure: p}
		out, err := h.read(w, r, c, read)
		if err == nil {
			out.write(w)
		} else {
			err = c.refuse(w, err)
		}
		took := h.now().Sub(began)
		h.metrics.request(r.Context(), p, err, took)
		h.line(c, err, took)
	})
}

// read finds out who asks, and reads.
func (h *fileHandler) read(w http.ResponseWriter, r *http.Request, c *call, read reading) (out file, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = newPanicError(value)
		}
	}()
	c.mirror(w.Header(), r.Header)
	if c.caller, err = h.identify(r.Context(), c.procedure, r.RemoteAddr, r.Header, certificateOf(r.TLS)); err != nil {
		return file{}, err
	}
	if c.wrongID != nil {
		return file{}, h.refuse(r.Context(), &c.caller, c.action, c.request, c.wrongID.invalid)
	}
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 16)
	if err != nil || number < 1 || strconv.FormatInt(number, 10) != r.PathValue("number") {
		return file{}, guard.ErrNotFound
	}
	return read(r.Context(), c, number, r)
}

// forAYear lets a browser or a client keep what never changes, and nobody in
// between.
const forAYear = "private, max-age=31536000, immutable"

func (f *file) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(f.content)))
	if f.keep {
		h.Set("Cache-Control", forAYear)
	}
	_, _ = w.Write(f.content) //nolint:gosec // no page; and if it fails the client has gone
}

// statuses are those of HTTP for what a caller is told about an error. All others
// are ours to mend.
var statuses = map[connect.Code]int{
	connect.CodeInvalidArgument:   http.StatusBadRequest,
	connect.CodeUnauthenticated:   http.StatusUnauthorized,
	connect.CodePermissionDenied:  http.StatusForbidden,
	connect.CodeNotFound:          http.StatusNotFound,
	connect.CodeResourceExhausted: http.StatusTooManyRequests,
	connect.CodeUnavailable:       http.StatusServiceUnavailable,
	connect.CodeDeadlineExceeded:  http.StatusGatewayTimeout,
	connect.CodeCanceled:          http.StatusServiceUnavailable, // nobody reads it
}

// refuse says in HTTP what the caller is told about an error, and returns that.
func (c *call) refuse(w http.ResponseWriter, err error) error {
	c.told, c.cause = answerTo(err), err
	told := c.told.wire(err, w.Header())
	status, ok := statuses[c.told.code]
	if !ok {
		status = http.StatusInternalServerError
	}
	say(w, status, c.told.text)
	return told
}
