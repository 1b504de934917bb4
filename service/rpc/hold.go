package rpc

import (
	"net/http"
	"time"
)

// held holds an answer back until a moment. Of two answers that are ready
// before it, nobody can tell from the time which took more work. What is ready
// later leaves at once: in a crowd, where answers are late, they are made
// together and tell little.
type held struct {
	http.ResponseWriter

	until time.Time
}

// hold returns a writer that holds the answer back if answers to the procedure
// tell about a person by the time they take.
func (g *gate) hold(p *procedure, w http.ResponseWriter) http.ResponseWriter {
	if !p.held || g.holdFor <= 0 {
		return w
	}
	return &held{w, time.Now().Add(g.holdFor)} //nolint:forbidigo // the machine's clock: the service's may stand still
}

// wait waits for the moment.
func (h *held) wait() {
	if left := time.Until(h.until); left > 0 { //nolint:forbidigo // as above
		sleep(left)
	}
}

// WriteHeader waits, and writes the status.
func (h *held) WriteHeader(status int) {
	h.wait()
	h.ResponseWriter.WriteHeader(status)
}

// Write waits, and writes.
func (h *held) Write(p []byte) (int, error) {
	h.wait()
	return h.ResponseWriter.Write(p) //nolint:wrapcheck // the server looks what it is
}

// Flush waits, and sends what is written.
func (h *held) Flush() {
	h.wait()
	_ = http.NewResponseController(h.ResponseWriter).Flush() // a writer that cannot is asked by nobody
}

// Unwrap returns the writer beneath, for what it can do besides.
func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }
