package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"cpis/service/faces"
	"cpis/service/guard"
	"cpis/service/rpc"
)

type serveCmd struct {
	Drill bool `help:"Try a copy of the database instead of serving it: the log verifies, the keys fit. Nothing is signed, sent, recorded or answered."`
}

// Help lists the variables that configure the service.
func (serveCmd) Help() string {
	return "Configured by environment variables; docs/operations.md lists them. All mistakes are reported at once."
}

// Run serves until the context ends.
func (c serveCmd) Run(ctx context.Context, w *world) error {
	cfg, err := readConfig(w.getenv)
	if err != nil {
		return err
	}
	tuneMemory(w.getenv)
	if c.Drill {
		return serveDrill(ctx, cfg, w.stderr, nil)
	}
	return serve(ctx, cfg, w.stderr, nil)
}

// Garbage may grow to some times what is in use, up to a size that is small
// for a server: collecting it more often costs a tenth of the processor under
// load. GOGC and GOMEMLIMIT overrule both.
const (
	garbagePercent = 400
	memoryLimit    = 112 << 20 // bytes
)

func tuneMemory(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// serve runs the service until ctx ends. ready, if given, is told the
// addresses once requests are taken.
func serve(ctx context.Context, cfg *config, logTo io.Writer, ready func(public, admin net.Addr)) error {
	s := &server{cfg: cfg, log: zerolog.New(logTo).Level(cfg.LogLevel).With().Timestamp().Logger()}
	defer s.shut()
	if err := s.open(ctx); err != nil {
		return err
	}
	public, err := s.public()
	if err != nil {
		return err
	}
	admin, err := s.admin(ctx, rpc.NewAdmin(s.readiness(), s.metrics))
	if err != nil {
		return err
	}
	listeners := []rpc.Listener{public, admin}
	if cfg.PagesListen != "" {
		pages, err := s.pages()
		if err != nil {
			return err
		}
		listeners = append(listeners, pages)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	// The keepers stop after the last request, so that its entry is signed.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { s.service.Run(background) })
	running.Go(func() { s.keepClaimed(background, end) })
	defer running.Wait()
	defer stop()
	s.log.Info().Str("address", public.Listen.Addr().String()).Msg("serving")
	if ready != nil {
		ready(public.Listen.Addr(), admin.Listen.Addr())
	}
	err = rpc.Serve(ctx, cfg.Shutdown, listeners...)
	s.service.Close()
	if cause := context.Cause(ctx); errors.Is(cause, guard.ErrCopy) {
		return errors.Join(cause, err) // and sign nothing any more
	}
	if strangersErr := s.service.Strangers.Enter(background); strangersErr != nil {
		s.log.Warn().Err(strangersErr).Msg("calls without a valid token of the last minute could not be recorded")
	}
	if signErr := s.service.Log.Sign(background); signErr != nil {
		s.log.Warn().Err(signErr).Msg("last checkpoint could not be signed")
	}
	s.log.Info().Msg("stopped")
	return err
}

// public creates the listener for clients.
func (s *server) public() (rpc.Listener, error) {
	cfg := rpc.Config{
		UseCases:  faces.RPC(s.service),
		Verifier:  s.idents,
		Metrics:   s.metrics,
		Readiness: s.readiness(),
		Now:       time.Now,
		Log:       s.log,
		MaxUpload: s.cfg.UploadMax,
		Hold:      s.cfg.Hold,
		Sources:   s.cfg.Sources,
		Strangers: s.service.Strangers.Met,
	}
	if s.tracer != nil {
		cfg.Traces = s.tracer
	}
	handler, err := rpc.NewHandler(cfg)
	if err != nil {
		return rpc.Listener{}, err
	}
	return s.listen(handler)
}

// listen creates a listener where clients are answered.
func (s *server) listen(handler http.Handler) (rpc.Listener, error) {
	return s.listenAt("CPIS_LISTEN", s.cfg.Listen, handler, rpc.TLSFiles{
		Certificate: s.cfg.TLSCert, Key: s.cfg.TLSKey, ClientCAs: s.cfg.ClientCA, RequireClient: s.cfg.RequireClientCert,
	})
}

// listenAt creates a listener at the address of a setting.
func (s *server) listenAt(setting, address string, handler http.Handler, files rpc.TLSFiles) (rpc.Listener, error) {
	var secure *tls.Config
	if files.Certificate != "" {
		var err error
		if secure, err = rpc.TLSConfig(files, time.Now, s.log); err != nil {
			return rpc.Listener{}, fmt.Errorf("CPIS_TLS_CERT, CPIS_TLS_KEY and CPIS_TLS_CLIENT_CA: %w", err)
		}
	}
	if err := rpc.CheckListen(address, secure != nil); err != nil {
		return rpc.Listener{}, fmt.Errorf("%s: %w", setting, err)
	}
	listen, err := net.Listen("tcp", address) //nolint:noctx // ends with the server
	if err != nil {
		return rpc.Listener{}, fmt.Errorf("%s: %w", setting, err)
	}
	return rpc.Listener{Server: rpc.NewServer(handler, secure, s.log), Listen: listen}, nil
}

// admin creates the listener for operators.
func (s *server) admin(ctx context.Context, handler http.Handler) (rpc.Listener, error) {
	var lc net.ListenConfig
	listen, err := lc.Listen(ctx, "tcp", s.cfg.AdminListen)
	if err != nil {
		return rpc.Listener{}, fmt.Errorf("CPIS_ADMIN_LISTEN: %w", err)
	}
	return rpc.Listener{Server: rpc.NewServer(handler, nil, s.log), Listen: listen}, nil
}

// readiness says what look-ups need. The keeper is not among it: without it
// they are answered without details.
func (s *server) readiness() *rpc.Readiness {
	return rpc.NewReadiness(time.Now, s.log,
		rpc.Check{Name: "database", OK: s.db.Ready},
		rpc.Check{Name: "log", OK: s.service.Intact},
		rpc.Check{Name: "the log was tampered with", OK: s.service.Undamaged, Warns: true},
		rpc.Check{Name: "issuers", OK: s.idents.Ready})
}
