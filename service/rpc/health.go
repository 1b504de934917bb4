package rpc

import (
	"context"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// healthCheck is grpc.health.v1.Health/Check. Watch is not offered: it would
// keep connections of strangers open.
var healthCheck = connect.Spec{
	StreamType: connect.StreamTypeUnary,
	Procedure:  "/grpc.health.v1.Health/Check",
	Schema:     grpc_health_v1.File_grpc_health_v1_health_proto.Services().ByName("Health").Methods().ByName("Check"),
}

// registerHealth answers gRPC health checks for the services of a server, all
// of which stand and fall together. Nobody asks who checks; the answer is
// remembered for a moment, so that checking costs nothing.
func registerHealth(to *connect.Server, ready *Readiness, of *connect.Server) {
	known := map[string]bool{"": true}
	for spec := range of.Specs() {
		name, _, _ := strings.Cut(strings.TrimPrefix(spec.Procedure, "/"), "/")
		known[name] = true
	}
	to.Register(connect.Method{
		Spec: healthCheck,
		Handler: func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
			var m grpc_health_v1.HealthCheckRequest
			if err := stream.Receive(&m); err != nil {
				return connect.NewError(connect.CodeInvalidArgument, errUnreadable.Error())
			}
			if !known[m.GetService()] {
				return connect.NewError(connect.CodeNotFound, "no such service")
			}
			return stream.Send(&grpc_health_v1.HealthCheckResponse{Status: status(ctx, ready)})
		},
	})
}

func status(ctx context.Context, ready *Readiness) grpc_health_v1.HealthCheckResponse_ServingStatus {
	if len(ready.Away(ctx)) > 0 {
		return grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	return grpc_health_v1.HealthCheckResponse_SERVING
}
