package bench

import (
	"context"
	"fmt"
	"net"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/rs/zerolog"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/rpc"
)

// echo answers with what it was asked.
type echo struct {
	cpisv1connect.UnimplementedLogServiceHandler
}

func (echo) GetCheckpoint(_ context.Context, r *cpisv1.GetCheckpointRequest) (*cpisv1.GetCheckpointResponse, error) {
	return &cpisv1.GetCheckpointResponse{Checkpoint: r.Log}, nil
}

// sized answers every look-up alike, in an answer as long as all of them are:
// what the stack alone costs for messages of this size.
type sized struct {
	cpisv1connect.UnimplementedLookupServiceHandler
}

func (sized) LookUp(context.Context, *cpisv1.LookUpRequest) (*cpisv1.LookUpResponse, error) {
	return &cpisv1.LookUpResponse{Answer: cpisv1.Answer_ANSWER_NO_FLAG_KNOWN}, nil
}

// Echo serves a bare echo through the HTTP stack of the service, until ctx
// ends.
func Echo(ctx context.Context, address string, now func() time.Time) error {
	handler := rpc.NewBare(now, func(s *connect.Server) {
		cpisv1connect.RegisterLogServiceHandler(s, echo{})
		cpisv1connect.RegisterLookupServiceHandler(s, sized{})
	})
	var lc net.ListenConfig
	listen, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := rpc.NewServer(handler, nil, zerolog.Nop())
	return rpc.Serve(ctx, time.Second, rpc.Listener{Server: server, Listen: listen})
}
