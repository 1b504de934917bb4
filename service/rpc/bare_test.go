package rpc_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/rpc"
)

func now() time.Time { return time.Now() }

// echoer answers every look-up in the same way.
type echoer struct {
	cpisv1connect.UnimplementedLookupServiceHandler
}

func (echoer) LookUp(context.Context, *cpisv1.LookUpRequest) (*cpisv1.LookUpResponse, error) {
	return plain(), nil
}

func echo(s *connect.Server) { cpisv1connect.RegisterLookupServiceHandler(s, echoer{}) }

func TestBareServesWhateverIsRegistered(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(rpc.NewBare(now, echo))
	defer s.Close()
	c := cpisv1connect.NewLookupServiceClient(connect.NewClient(connecthttp.NewTransport(s.Client(), s.URL)))
	got, err := c.LookUp(t.Context(), &cpisv1.LookUpRequest{})
	if err != nil {
		t.Fatalf("LookUp: %v", err)
	}
	if got.GetAnswer() != cpisv1.Answer_ANSWER_NO_FLAG_KNOWN {
		t.Errorf("got %v", got.GetAnswer())
	}
}
