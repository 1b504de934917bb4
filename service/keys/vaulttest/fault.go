package vaulttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Fault is something that goes wrong with one request. It may let answer write
// the right answer.
type Fault func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc)

// Status answers with an error status, and with a text that should go nowhere.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) { refuse(w, code, Canary) }
}

// Sealed answers as a sealed Vault does.
func Sealed() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		refuse(w, http.StatusServiceUnavailable, "Vault is sealed")
	}
}

// RateLimited answers with a 429 that asks for patience.
func RateLimited(wait time.Duration) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
		refuse(w, http.StatusTooManyRequests, "request path: rate limit quota exceeded")
	}
}

// Hang does not answer until the client hangs up.
func Hang() Fault {
	return func(_ http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice a client that leaves
		<-r.Context().Done()
	}
}

// Slow answers rightly, but late.
func Slow(by time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
		timer := time.NewTimer(by)
		defer timer.Stop()
		select {
		case <-timer.C:
			answer(w, r)
		case <-r.Context().Done():
		}
	}
}

// Drop closes the connection without an answer.
func Drop() Fault {
	return func(http.ResponseWriter, *http.Request, http.HandlerFunc) { panic(http.ErrAbortHandler) }
}

// Truncate sends half of the right answer and closes the connection.
func Truncate() Fault {
	return func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
		whole := httptest.NewRecorder()
		answer(whole, r)
		w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		panic(http.ErrAbortHandler)
	}
}

// Cut sends half of the right answer as if it were all.
func Cut() Fault {
	return func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
		whole := httptest.NewRecorder()
		answer(whole, r)
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	}
}

// Body answers with status 200 and a text of the test's choice.
func Body(text string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) { _, _ = fmt.Fprint(w, text) }
}

// Replace answers rightly, but with one text replaced by another.
func Replace(old, with string) Fault {
	return func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
		whole := httptest.NewRecorder()
		answer(whole, r)
		w.WriteHeader(whole.Code)
		_, _ = w.Write(bytes.ReplaceAll(whole.Body.Bytes(), []byte(old), []byte(with)))
	}
}

// Redirect sends the client elsewhere.
func Redirect(to string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}
}
