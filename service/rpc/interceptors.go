package rpc

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"cpis/service/identity"
)

// stack is what the interceptors share.
type stack struct {
	verifier Verifier
	refuse   Refuse
	metrics  *Metrics
	log      zerolog.Logger
	now      func() time.Time
	validate func(proto.Message) error

	sources   Sources
	strangers func(from string, why identity.Reason)
}

// interceptors returns the chain, outermost first.
func (s *stack) interceptors() []connect.ServerInterceptor {
	return []connect.ServerInterceptor{s.observe, s.answer, s.authenticate, s.admit}
}

// observe begins the call, and when it is over counts it and logs one line.
func (s *stack) observe(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		began := s.now()
		c := s.begin(ctx, spec, stream)
		err := next(context.WithValue(ctx, callKey{}, c), spec, c)
		took := s.now().Sub(began)
		s.metrics.request(ctx, c.procedure, err, took)
		s.line(c, err, took)
		return err
	}
}

// line logs a request. Successful look-ups and reads are logged only if
// debugging is on: there are thousands of them each second.
func (s *stack) line(c *call, err error, took time.Duration) {
	level := zerolog.InfoLevel
	switch {
	case err == nil && !c.write:
		level = zerolog.DebugLevel
	case err != nil && c.told.log:
		level = zerolog.ErrorLevel
	}
	e := s.log.WithLevel(level)
	if e == nil {
		return
	}
	e = e.Str("procedure", c.name).
		Str("code", codeName(err)).
		Dur("took", took).
		Str("request", c.request).
		Str("client", c.caller.ClientID).
		Str("organisation", c.caller.Organisation)
	if refusal, ok := errors.AsType[*identity.RefusalError](c.cause); ok {
		e = e.Str("reason", string(refusal.Reason))
		if refusal.Issuer != "" { // a configured one
			e = e.Str("issuer", refusal.Issuer)
		}
	}
	if err != nil && c.told.log {
		e = e.AnErr("cause", c.cause)
		if p, ok := errors.AsType[*panicError](c.cause); ok {
			e = e.Bytes("stack", p.stack)
		}
	}
	e.Msg("request")
}

// codeName returns the code of an error; "ok" if there is none.
func codeName(err error) string {
	if err == nil {
		return "ok"
	}
	return connect.CodeOf(err).String()
}

// answer sends the caller one of the fixed answers, whatever went wrong,
// panics included.
func (s *stack) answer(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) (err error) {
		defer func() {
			if value := recover(); value != nil {
				err = newPanicError(value)
			}
			if err != nil {
				err = callOf(ctx).tell(err)
			}
		}()
		return next(ctx, spec, stream)
	}
}

// tell notes what the caller is told, and returns it.
func (c *call) tell(err error) error {
	c.told, c.cause = answerTo(err), err
	return c.told.wire(err, c.info.ResponseHeader())
}

// authenticate finds out who calls. The body has not been read yet.
func (s *stack) authenticate(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		c := callOf(ctx)
		caller, err := s.identify(ctx, c.procedure, c.info.PeerAddr, c.info.RequestHeader(), c.peer())
		if err != nil {
			return err
		}
		c.caller = caller
		return next(ctx, spec, stream)
	}
}

// identify finds out who calls a procedure, from a token and the certificate that
// the other side proved to hold; and from where, by the address of the connection.
func (s *stack) identify(
	ctx context.Context, p *procedure, address string, sent sentHeaders, peer *x509.Certificate,
) (identity.Caller, error) {
	from := s.sources.of(ctx, address, sent)
	caller, err := s.verifier.Verify(ctx, bearerOf(sent), peer)
	if err != nil {
		s.metrics.unauthenticated(ctx, err)
		s.strangers(from, identity.ReasonOf(err))
		refused(ctx)
		return caller, err
	}
	admitted(ctx)
	caller.Call = identity.Call{From: from, Procedure: p.method}
	return caller, nil
}

// admit records what is refused before it becomes a use case. Nothing is said
// before it is recorded.
func (s *stack) admit(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		c := callOf(ctx)
		err := c.enter(ctx, spec, stream, next)
		f, ok := errors.AsType[*fault](err)
		if !ok || f.recorded || c.action == "" {
			return err
		}
		recorded := s.refuse(ctx, &c.caller, c.action, c.request, f.invalid)
		if answerTo(recorded).code != connect.CodeInvalidArgument {
			return recorded // it is not in the log: that comes first
		}
		return err
	}
}

func (c *call) enter(ctx context.Context, spec connect.Spec, stream connect.ServerStream, next connect.ServerFunc) error {
	if f := headFault(ctx); f != nil {
		return f
	}
	if c.wrongID != nil {
		return c.wrongID
	}
	return next(ctx, spec, stream)
}

// noProcedure answers for procedures that are not in the contract.
func noProcedure(context.Context, connect.Spec, connect.ServerStream) error { return errNoProcedure }
