package vault

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/hashicorp/vault/api"

	"cpis/service/keys"
)

const (
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = time.Second
	maxAnswer    = 4 << 20 // bytes; a full batch has about 40 kB
	maxSignIns   = 2       // in one call, each because of a 403
)

// signIn is the operation of signing in.
const signIn = "sign in"

// request is one request to Vault. All requests may be repeated: wrapping,
// signing and signing in twice does no harm.
type request struct {
	operation string // for errors and Observe
	path      string // below /v1/
	body      any    // nil: a GET
	items     int
}

// failure is why a request failed. It carries no text of Vault's. It is a
// keys.ErrUnavailable.
type failure struct {
	operation string
	status    int           // of the answer; 0: there was none
	after     time.Duration // not before which Vault wants to be asked again
	again     bool          // whether asking again may help
	cause     error         // of the client or the network; may be nil
}

// Error says what was tried and what came of it.
func (f *failure) Error() string {
	text := "vault: " + f.operation
	if f.status != 0 {
		text += ": status " + strconv.Itoa(f.status)
	}
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

// Unwrap makes a failure a keys.ErrUnavailable.
func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{keys.ErrUnavailable}
	}
	return []error{keys.ErrUnavailable, f.cause}
}

var (
	errBreakerOpen  = errors.New("not asked, because of the last failures")
	errClosed       = errors.New("the keeper is closed")
	errMalformed    = errors.New("the answer is malformed")
	errUnreachable  = errors.New("the connection failed")
	errSlow         = errors.New("no answer in time")
	errSignIn       = errors.New("the role id, secret id or token is wrong, or has ended")
	errNoRight      = errors.New("the token has no right to it: compare its policy with deploy/vault/service.hcl")
	errNoKey        = errors.New("there is no such mount or key: see CPIS_VAULT_MOUNT, and deploy/vault/setup.sh, which makes them")
	errRefused      = errors.New("the keeper cannot do that with what it was sent: its keys may be another installation's")
	errKeyUnbound   = errors.New("the wrapping key is not a derived key: it would not bind keys to their owners")
	errBadSignature = errors.New("the signature does not verify")
)

// call makes a request as whoever is signed in, again and again until it
// succeeds, cannot succeed, or time is up.
func (k *Keeper) call(ctx context.Context, r request, answer any) error {
	if k.closed() {
		return &failure{operation: r.operation, cause: errClosed}
	}
	start := k.cfg.Now()
	ctx, cancel := context.WithTimeout(ctx, k.cfg.CallTimeout)
	defer cancel()
	tries, signIns := 0, 0
	for {
		tries++
		lease, err := k.session.lease(ctx)
		if err == nil {
			err = k.exchange(ctx, k.session.client, r, answer)
		}
		if isForbidden(err) && signIns < maxSignIns && k.session.doubt(lease) {
			signIns++
			continue
		}
		if err == nil || !k.pause(ctx, err, tries) {
			k.observe(r, tries, start, err)
			return err
		}
	}
}

func (k *Keeper) observe(r request, tries int, start time.Time, err error) {
	if k.cfg.Observe == nil {
		return
	}
	k.cfg.Observe(Call{
		Operation: r.operation, Items: r.items, Tries: tries,
		Took: k.cfg.Now().Sub(start), Err: err,
	})
}

// pause waits before the next attempt. It says no if none would help or
// there is no time for one.
func (k *Keeper) pause(ctx context.Context, err error, tries int) bool {
	f, ok := errors.AsType[*failure](err)
	if !ok || !f.again {
		return false
	}
	wait := max(backoff(tries), f.after)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait { //nolint:forbidigo // deadlines of contexts are by the real clock
		return false
	}
	return sleep(ctx, wait)
}

// backoff doubles from try to try. Half of it is random, so that those
// who failed together do not come back together.
func backoff(tries int) time.Duration {
	d := min(firstBackoff<<min(tries-1, 10), maxBackoff)
	return d/2 + rand.N(d/2) //nolint:gosec // not a secret
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// exchange sends one request and reads its answer, if the breaker lets it.
func (k *Keeper) exchange(ctx context.Context, client *api.Client, r request, answer any) error {
	if err := k.breaker.allow(); err != nil {
		return &failure{operation: r.operation, cause: err}
	}
	attempt, cancel := context.WithTimeout(ctx, k.cfg.AttemptTimeout)
	defer cancel()
	got, err := send(attempt, client, r)
	if err != nil {
		f := unanswered(ctx, attempt, r, err)
		k.breaker.report(blame(f), f)
		return f
	}
	if f := judge(r, got, answer); f != nil {
		k.breaker.report(health(f), f)
		return f
	}
	k.breaker.report(healthy, nil)
	return nil
}

// reply is what came back over HTTP.
type reply struct {
	status int
	after  time.Duration // not before which Vault wants to be asked again
	body   []byte
}

// send makes one HTTP request. The error is of the network or of the client.
func send(ctx context.Context, client *api.Client, r request) (reply, error) {
	resp, err := post(ctx, client, r)
	if resp == nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }() // it has been read
	if _, answered := errors.AsType[*api.ResponseError](err); err != nil && !answered {
		return reply{}, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return reply{status: resp.StatusCode, after: retryAfter(resp.Header), body: body}, err
}

func post(ctx context.Context, client *api.Client, r request) (*api.Response, error) {
	if r.body == nil {
		return client.Logical().ReadRawWithContext(ctx, r.path)
	}
	body, err := json.Marshal(r.body)
	if err != nil {
		return nil, err
	}
	return client.Logical().WriteRawWithContext(ctx, r.path, body)
}

// unanswered says why there was no answer, without the words of others: they
// may be about anything.
func unanswered(ctx, attempt context.Context, r request, err error) *failure {
	f := &failure{operation: r.operation}
	switch {
	case ctx.Err() != nil:
		f.cause = context.Cause(ctx)
	case attempt.Err() != nil:
		f.cause, f.again = errSlow, true
	default:
		f.cause, f.again = fmt.Errorf("%w: %s", errUnreachable, networkText(err)), true
	}
	return f
}

// blame says what an unanswered attempt tells about Vault: nothing, if the
// caller hung up; but a deadline that passed is held against it, for it had
// the time that its callers have.
func blame(f *failure) outcome {
	if errors.Is(f.cause, context.Canceled) {
		return unknown
	}
	return failing
}

// health says what a bad answer tells about Vault.
func health(f *failure) outcome {
	if f.status != 0 && f.status < 500 {
		return healthy
	}
	return failing
}

// judge decides what an answer means, and decodes it.
func judge(r request, got reply, answer any) *failure {
	f := &failure{operation: r.operation, status: got.status, after: got.after}
	switch code := got.status; {
	case code == http.StatusOK, code == http.StatusBadRequest && hasItems(answer, got.body):
		return decode(r, got.body, answer)
	case code == http.StatusNotFound && isAbsent(answer, got.body):
		return decode(r, got.body, answer)
	case code == http.StatusTooManyRequests:
		f.again = true
	case code == http.StatusPreconditionFailed, code >= 500:
		f.again = true // a replica that lags, or a Vault in trouble
	default:
		f.cause = refusal(r.operation, code)
	}
	return f
}

// refusal says what a refusal most likely means, for whoever must mend it.
func refusal(operation string, status int) error {
	switch {
	case operation == signIn:
		return errSignIn
	case status == http.StatusForbidden:
		return errNoRight
	case status == http.StatusNotFound:
		return errNoKey
	}
	return errRefused
}

// absent is an answer about something that need not be there.
type absent interface{ isAbsent(body []byte) bool }

func isAbsent(answer any, body []byte) bool {
	a, ok := answer.(absent)
	return ok && a.isAbsent(body)
}

// hasItems reports whether an answer of status 400 is about single items: so
// Vault answers a batch in which one is bad.
func hasItems(answer any, body []byte) bool {
	_, batch := answer.(itemised)
	var a struct {
		Data struct {
			Items []json.RawMessage `json:"batch_results"`
		} `json:"data"`
	}
	return batch && json.Unmarshal(body, &a) == nil && len(a.Data.Items) > 0
}

// decode fills answer, a pointer, anew: of an earlier attempt's answer nothing
// may shine through.
func decode(r request, body []byte, answer any) *failure {
	reflect.ValueOf(answer).Elem().SetZero()
	if json.Unmarshal(body, answer) != nil {
		return &failure{operation: r.operation, cause: errMalformed, again: true}
	}
	return nil
}

// retryAfter reads the header of that name: seconds.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

func isForbidden(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.status == http.StatusForbidden
}

// networkText is what can safely be said about an error of the network: that
// it was refused, that a name is unknown, that a certificate is not trusted.
// Other errors might quote what was sent or received.
func networkText(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Error()
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificate.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it was closed"
	}
	return "it does not speak as Vault does"
}
