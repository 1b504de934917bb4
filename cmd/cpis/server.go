package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"

	"cpis/policy"
	"cpis/service"
	"cpis/service/auditlog"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/keys/vault"
	"cpis/service/lookup"
	"cpis/service/rpc"
	"cpis/service/store"
)

// refreshDirectory is how long an organisation that was added by command may
// remain unknown to a running server.
const refreshDirectory = 30 * time.Second

// server is what `cpis serve` is made of. Its parts are opened in order and
// closed in the opposite one.
type server struct {
	cfg     *config
	log     zerolog.Logger
	metrics *rpc.Metrics
	db      *store.DB
	keeper  keys.Keeper
	ring    *keys.Ring
	service *service.Service
	idents  *identity.Verifier
	names   *directory.Directory
	tracer  *trace.TracerProvider
	close   []func()
}

// open opens everything behind the listeners.
func (s *server) open(ctx context.Context) error {
	var err error
	if s.metrics, err = rpc.NewMetrics(ctx); err != nil {
		return fmt.Errorf("making metrics: %w", err)
	}
	if err = s.protectMetrics(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		s.openDatabase, s.claimed, s.openKeys, s.openService, s.openIdentity, s.openTraces,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// protectMetrics has /metrics ask for a token, if there is one.
func (s *server) protectMetrics() error {
	if s.cfg.MetricsTokenFile == "" {
		return nil
	}
	token, err := readSecret("CPIS_METRICS_TOKEN_FILE", s.cfg.MetricsTokenFile)
	if err == nil {
		s.metrics.Protect(token)
	}
	return err
}

func (s *server) openDatabase(ctx context.Context) error {
	address, err := withPassword(appPassword, s.cfg.DatabaseURL, s.cfg.DatabasePasswordFile)
	if err != nil {
		return err
	}
	s.db, err = store.Open(ctx, address, store.Options{MaxConns: s.cfg.DatabaseConns})
	if err != nil {
		return fmt.Errorf("CPIS_DATABASE_URL: %w", err)
	}
	s.close = append(s.close, s.db.Close)
	return s.showCounts(ctx)
}

// showCounts adds what the database holds to the metrics.
func (s *server) showCounts(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // metrics are read until the end
	err := s.metrics.Registerer().Register(&counts{
		log: s.cfg.LogOrigin,
		now: time.Now,
		count: func() (store.Counts, error) {
			ctx, cancel := context.WithTimeout(ctx, countTimeout)
			defer cancel()
			return s.db.Counts(ctx)
		},
	})
	if err != nil {
		return fmt.Errorf("making metrics: %w", err)
	}
	return nil
}

func (s *server) openKeys(ctx context.Context) error {
	calls := context.WithoutCancel(ctx)
	keeper, done, err := openKeeper(ctx, s.cfg.Keeper, func(c vault.Call) { s.metrics.KeyCall(calls, c.Operation, c.Err) })
	if err != nil {
		return err
	}
	s.keeper = keeper
	s.close = append(s.close, done)
	s.ring, err = openRing(ctx, s.db, keeper, keys.RingConfig{
		CacheSize: s.cfg.KeyCache, CacheFor: s.cfg.KeyCacheFor, Now: time.Now,
	})
	if err == nil {
		s.db = s.db.Guarded(s.ring, observer(s.metrics.Events(calls, s.log)).Damaged)
	}
	return err
}

func (s *server) openService(ctx context.Context) error {
	rules, err := policy.New()
	if err != nil {
		return fmt.Errorf("reading the policy: %w", err)
	}
	senders, err := openSenders(s.cfg)
	if err != nil {
		return err
	}
	kept, err := s.kept()
	if err != nil {
		return err
	}
	s.service, err = service.New(ctx, service.Config{
		DB:          s.db,
		Policy:      rules,
		Ring:        s.ring,
		Log:         s.cfg.LogOrigin,
		Hub:         domain.Hub{Name: s.cfg.HubName, Phone: s.cfg.HubPhone},
		Now:         time.Now,
		Group:       lookup.GroupConfig{MaxWaiting: s.cfg.MaxWaiting},
		Senders:     senders,
		LogPace:     s.cfg.LogPace,
		KeepExports: s.cfg.KeepExports,
		Sample:      s.cfg.Sample,
		ExportRoom:  s.cfg.ExportRoom,
		Kept:        kept,
		Trusted:     func() []identity.Trust { return s.idents.Trusts() },
		Observe:     observer(s.metrics.Events(ctx, s.log)),
		Program:     program(),
	})
	if err != nil {
		return err
	}
	s.close = append(s.close, s.service.Close)
	return nil
}

// observer has events counted.
func observer(e *rpc.Events) service.Observer {
	return service.Observer{
		Group: e.Group, Refused: e.Refused, Damaged: e.Damaged, Unrecorded: e.Unrecorded, Signed: e.Signed, Unsigned: e.Unsigned,
		Sent: e.Sent, Tampered: e.Tampered, Scrubbed: e.Scrubbed, Round: e.Round,
	}
}

// kept is what was signed last, outside of the database, if there is a place for
// it.
func (s *server) kept() (auditlog.Kept, error) {
	switch {
	case s.cfg.CheckpointDir != "":
		return auditlog.KeptIn(s.cfg.CheckpointDir, s.cfg.LogOrigin), nil
	case s.cfg.CheckpointVault != "":
		v, ok := s.keeper.(*vault.Keeper)
		if !ok {
			return nil, errors.New("CPIS_CHECKPOINT_VAULT: the keys are not in Vault")
		}
		document, err := v.Document(s.cfg.CheckpointVault, s.cfg.LogOrigin)
		if err != nil {
			return nil, fmt.Errorf("CPIS_CHECKPOINT_VAULT: %w", err)
		}
		return auditlog.KeptAs(document), nil
	}
	s.log.Warn().Msg("neither CPIS_CHECKPOINT_VAULT nor CPIS_CHECKPOINT_DIR is set: a backup that is restored in place of the database would be signed")
	return nil, nil //nolint:nilnil // nothing is kept
}

func (s *server) openIdentity(ctx context.Context) error {
	directory, err := directory.OpenDirectory(ctx, s.db)
	if err != nil {
		return err
	}
	s.names = directory
	keep, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.close = append(s.close, stop)
	go service.Every(keep, refreshDirectory, func(ctx context.Context) {
		_ = directory.Refresh(ctx) // the organisations known so far go on
	})
	f, err := os.Open(s.cfg.Issuers)
	if err != nil {
		return fmt.Errorf("CPIS_ISSUERS: %w", err)
	}
	cfg, err := identity.LoadConfig(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("CPIS_ISSUERS: %w", err)
	}
	s.idents, err = identity.New(ctx, cfg, directory, time.Now)
	if err != nil {
		return fmt.Errorf("CPIS_ISSUERS: %w", err)
	}
	for _, issuer := range s.idents.Issuers() {
		if issuer.Err != nil {
			s.log.Error().Str("issuer", issuer.URL).Err(issuer.Err).Msg("keys of an issuer cannot be had: its tokens are not accepted yet")
		}
	}
	return s.metrics.Registerer().Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cpis_issuers_unknown", Help: "Issuers whose keys are not known, so that none of their tokens is accepted.",
	}, func() float64 { return float64(s.idents.Unknown()) }))
}

// openTraces sends traces where the configuration says; nowhere otherwise.
func (s *server) openTraces(ctx context.Context) error {
	if s.cfg.Traces == "" {
		return nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(s.cfg.Traces))
	if err != nil {
		return fmt.Errorf("CPIS_OTLP_ENDPOINT: %w", err)
	}
	s.tracer = trace.NewTracerProvider(trace.WithBatcher(exporter))
	s.close = append(s.close, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = s.tracer.Shutdown(ctx) // what cannot be sent now is lost
	})
	return nil
}

func (s *server) shut() {
	for _, closePart := range slices.Backward(s.close) {
		closePart()
	}
}
