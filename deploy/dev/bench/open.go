package bench

import (
	"context"
	"sync"
	"time"

	"cpis/deploy/dev/idp"
	"cpis/policy"
	"cpis/service"
	"cpis/service/domain"
	"cpis/service/keys"
	"cpis/service/keys/local"
	"cpis/service/keys/vault"
	"cpis/service/record"
	"cpis/service/store"
)

func tokenLasting(d time.Duration) idp.Option { return idp.Lifetime(d) }

// openService opens the use cases in this process, to fill a database.
func openService(ctx context.Context, s *site) (*service.Service, func(), error) {
	db, err := store.Open(ctx, s.url("cpis_app"), store.Options{})
	if err != nil {
		return nil, nil, err
	}
	sv, closeKeeper, err := serviceOn(ctx, s, db)
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	keep, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { sv.KeepKeys(keep) })
	return sv, func() { stop(); running.Wait(); sv.Close(); closeKeeper(); db.Close() }, nil
}

func serviceOn(ctx context.Context, s *site, db *store.DB) (*service.Service, func(), error) {
	keeper, closeKeeper, err := s.keeper(ctx)
	if err != nil {
		return nil, nil, err
	}
	rows, err := db.IndexKeys(ctx)
	if err != nil {
		return nil, nil, err
	}
	ring, err := keys.OpenRing(ctx, keeper, record.WrappedIndexKeys(rows), keys.RingConfig{Now: s.b.Now})
	if err != nil {
		return nil, nil, err
	}
	rules, err := policy.New()
	if err != nil {
		return nil, nil, err
	}
	sv, err := service.New(ctx, service.Config{
		DB: db, Policy: rules, Ring: ring, Log: origin, Hub: domain.Hub{Name: "Hub", Phone: "01632 960000"}, Now: s.b.Now,
	})
	return sv, closeKeeper, err
}

func (s *site) keeper(ctx context.Context) (keys.Keeper, func(), error) {
	if name := s.env["CPIS_LOCAL_KEYS_FILE"]; name != "" {
		k, err := local.Open(name)
		return k, func() {}, err
	}
	k, err := vault.New(ctx, vault.Config{
		Address: s.env["VAULT_ADDR"],
		Auth: vault.AppRole{
			RoleIDFile: s.env["CPIS_VAULT_ROLE_ID_FILE"], SecretIDFile: s.env["CPIS_VAULT_SECRET_ID_FILE"],
		},
		CallTimeout: time.Minute,
		Now:         s.b.Now,
	})
	if err != nil {
		return nil, nil, err
	}
	return k, func() { _ = k.Close() }, nil
}
