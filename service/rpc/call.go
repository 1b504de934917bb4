package rpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"cpis/service/domain"
	"cpis/service/identity"
)

// Headers, in the form in which they are compared.
const (
	headerRequest     = "X-Request-Id"
	headerCorrelation = "X-Correlation-Id"
	headerToken       = "Authorization"
)

// call is one request on its way through the interceptors. It is the stream
// that the handler sees: what comes in is checked, and errors of the wire are
// put in our words.
type call struct {
	connect.ServerStream
	*procedure
	info     *connect.CallInfo
	validate func(proto.Message) error

	request string // request id, always a UUID
	wrongID *fault // what is wrong with the id that was sent
	caller  identity.Caller

	told  *answer // what the caller was told, if that is an error
	cause error
}

type callKey struct{}

// callOf returns the call that a context belongs to.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// begin creates the call for a request, and mirrors its ids.
func (s *stack) begin(ctx context.Context, spec connect.Spec, stream connect.ServerStream) *call {
	info, _ := connect.CallInfoForServerContext(ctx)
	c := &call{ServerStream: stream, procedure: procedureAt(spec.Procedure), info: info, validate: s.validate}
	c.mirror(info.ResponseHeader(), info.RequestHeader())
	return c
}

// Headers of requests and of answers, of whichever library.
type (
	sentHeaders   interface{ Values(key string) []string }
	answerHeaders interface{ Set(key, value string) }
)

// mirror takes the ids of a request, and sends them back.
func (c *call) mirror(to answerHeaders, sent sentHeaders) {
	to.Set(headerRequest, c.readRequestID(sent.Values(headerRequest)))
	if ids := sent.Values(headerCorrelation); len(ids) > 0 && mayMirror(ids[0]) {
		to.Set(headerCorrelation, ids[0])
	}
}

// readRequestID takes the request id that was sent, or makes one, and returns it
// as it is mirrored. What is not a UUID is not kept: it may identify a person,
// and the id stands in logs.
func (c *call) readRequestID(values []string) string {
	switch {
	case len(values) == 1 && isUUID(values[0]):
		c.request = strings.ToLower(values[0])
		return values[0]
	case len(values) > 0:
		c.wrongID = newFault(nil, domain.Violation{
			Field: "X-Request-ID", Problem: "must be one UUID", Example: "60e0b220-8136-4ca5-ae46-1d97ef59d068",
		})
	case c.write:
		c.wrongID = newFault(nil, domain.Violation{
			Field:   "X-Request-ID",
			Problem: "is required: a UUID of your own for each change, the same when you repeat it",
			Example: "60e0b220-8136-4ca5-ae46-1d97ef59d068",
		})
	}
	c.request = uuid.NewString()
	return c.request
}

// isUUID reports whether a text is a UUID of 36 characters.
func isUUID(text string) bool {
	return len(text) == 36 && uuid.Validate(text) == nil
}

// maxMirrored is the longest correlation id that is mirrored.
const maxMirrored = 128

// mayMirror reports whether a correlation id is mirrored: visible ASCII, and not
// too long. It is mirrored and nothing else: who chose it may have put anything
// into it.
func mayMirror(id string) bool {
	if id == "" || len(id) > maxMirrored {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}

// Receive returns the next message if it is valid.
func (c *call) Receive(msg any) error {
	if err := c.ServerStream.Receive(msg); err != nil {
		return received(err, c.procedure)
	}
	m, ok := msg.(proto.Message)
	if !ok {
		return errUnreadable // never: all our messages are
	}
	return c.validate(m)
}

// Send sends the answer.
func (c *call) Send(msg any) error {
	if err := c.ServerStream.Send(msg); err != nil {
		return sent(err)
	}
	return nil
}

// bearerOf returns the token of a request; nothing if there is none, or more than
// one.
func bearerOf(sent sentHeaders) string {
	values := sent.Values(headerToken)
	if len(values) != 1 {
		return ""
	}
	return identity.Bearer(values[0])
}

// peer returns the certificate that the other side proved to hold.
func (c *call) peer() *x509.Certificate {
	info, _ := c.info.TransportInfo.(*connecthttp.ServerInfo)
	return certificateOf(info.TLS())
}

// certificateOf returns the certificate that the other side of a connection
// proved to hold, nil if there is none.
func certificateOf(state *tls.ConnectionState) *x509.Certificate {
	if state == nil || len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return nil
	}
	return state.PeerCertificates[0]
}
