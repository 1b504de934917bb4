package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/rs/zerolog"

	"cpis/service/auditlog"
	"cpis/service/keys"
	"cpis/service/rpc"
	"cpis/service/store"
)

// drill is a server that tries a copy of the database and serves nobody. There
// is no service in it, and so nothing that could sign, send or append.
type drill struct {
	server
	report rpc.DrillReport
}

// errDrill says that a drill was asked for what only a service may do.
var errDrill = errors.New("a drill signs nothing and makes no keys")

// readingKeeper opens keys and does nothing else.
type readingKeeper struct{ keys.Keeper }

// Sign refuses.
func (readingKeeper) Sign(context.Context, []byte) ([]byte, ed25519.PublicKey, error) {
	return nil, nil, errDrill
}

// Wrap refuses.
func (readingKeeper) Wrap(context.Context, []keys.Plain) ([]keys.Wrapped, error) {
	return nil, errDrill
}

// Rewrap refuses.
func (readingKeeper) Rewrap(context.Context, []keys.Wrapped) ([]keys.Result[keys.Wrapped], error) {
	return nil, errDrill
}

// serveDrill runs a drill until ctx ends.
func serveDrill(ctx context.Context, cfg *config, logTo io.Writer, ready func(public, admin net.Addr)) error {
	d := &drill{server: server{cfg: cfg}}
	d.log = zerolog.New(logTo).Level(min(cfg.LogLevel, zerolog.WarnLevel)).With().Timestamp().Bool("drill", true).Logger()
	defer d.shut()
	trial, err := d.openCopy(ctx)
	if err != nil {
		return err
	}
	public, err := d.listen(rpc.NewDrill(time.Now))
	if err != nil {
		return err
	}
	admin, err := d.admin(ctx, rpc.NewDrillAdmin(&d.report))
	if err != nil {
		return err
	}
	d.log.Warn().Str("report", "http://"+admin.Listen.Addr().String()+"/drill").
		Msg("DRILL: nothing is signed, sent, recorded or answered")
	if ready != nil {
		ready(public.Listen.Addr(), admin.Listen.Addr())
	}
	trying, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); d.try(trying, trial) }()
	defer func() { stop(); <-done }()
	return rpc.Serve(ctx, cfg.Shutdown, public, admin)
}

// openCopy opens the database so that PostgreSQL refuses every change, and the
// keys so that nothing can be signed.
func (d *drill) openCopy(ctx context.Context) (*auditlog.Drill, error) {
	address, err := withPassword(appPassword, d.cfg.DatabaseURL, d.cfg.DatabasePasswordFile)
	if err != nil {
		return nil, err
	}
	d.db, err = store.Open(ctx, address, store.Options{MaxConns: d.cfg.DatabaseConns, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("CPIS_DATABASE_URL: %w", err)
	}
	d.close = append(d.close, d.db.Close)
	log, err := findLog(ctx, d.db, d.cfg.LogOrigin)
	if err != nil {
		return nil, err
	}
	keeper, done, err := openKeeper(ctx, d.cfg.Keeper, nil)
	if err != nil {
		return nil, err
	}
	d.close = append(d.close, done)
	ring, err := openRing(ctx, d.db, readingKeeper{keeper}, keys.RingConfig{CacheSize: keys.MaxBatch, Now: time.Now})
	if err != nil {
		return nil, err
	}
	guarded := d.db.Guarded(ring, func(table string) { d.log.Error().Str("table", table).Msg("a row does not verify") })
	return &auditlog.Drill{DB: guarded, Ring: ring, Log: log}, nil
}

// try tries the copy, and says how it went.
func (d *drill) try(ctx context.Context, trial *auditlog.Drill) {
	began := time.Now()
	found, err := trial.Run(ctx)
	text := fmt.Sprintf("log %s: checkpoint of size %d verifies, %d entries in all; %d people and %d plans open, %d people are found by their NHS number",
		trial.Log.Origin, found.Checkpoint.Size, found.Entries, found.Persons, found.Plans, found.Findable)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		d.report.Set(false, err.Error()+"; until then, "+text)
		d.log.Error().Err(err).Msg("DRILL FAILED")
	default:
		d.report.Set(true, text)
		d.log.Warn().Dur("took", time.Since(began)).Msg("DRILL PASSED: " + text)
	}
}
