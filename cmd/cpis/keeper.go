package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"cpis/service/keys"
	"cpis/service/keys/local"
	"cpis/service/keys/vault"
	"cpis/service/record"
	"cpis/service/store"
)

// openKeeper opens where keys are kept. The second result closes it.
func openKeeper(ctx context.Context, k keeperConfig, observe func(vault.Call)) (keys.Keeper, func(), error) {
	if k.LocalFile != "" {
		keeper, err := openLocal(k.LocalFile)
		return keeper, func() {}, err
	}
	keeper, err := vault.New(ctx, vault.Config{
		Address:   k.VaultAddr,
		CAFile:    k.VaultCA,
		Namespace: k.VaultNamespace,
		Mount:     k.VaultMount,
		Auth:      k.auth(),
		Now:       time.Now,
		Observe:   observe,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("VAULT_ADDR, VAULT_CACERT, VAULT_NAMESPACE and CPIS_VAULT_MOUNT: %w", err)
	}
	return keeper, func() { _ = keeper.Close() }, nil // the process ends; the token's lease does too
}

// openLocal opens the key file, and makes it at the first start.
func openLocal(name string) (*local.Keeper, error) {
	keeper, err := local.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		keeper, err = local.Create(name)
	}
	if err != nil {
		return nil, fmt.Errorf("CPIS_LOCAL_KEYS_FILE: %w", err)
	}
	return keeper, nil
}

func (k keeperConfig) auth() vault.Auth {
	switch {
	case k.RoleIDFile != "":
		return vault.AppRole{RoleIDFile: k.RoleIDFile, SecretIDFile: k.SecretIDFile}
	case k.KubernetesRole != "":
		return vault.Kubernetes{Role: k.KubernetesRole}
	}
	return vault.TokenFile(k.TokenFile)
}

// openRing opens the index keys. `cpis migrate` makes the first one.
func openRing(ctx context.Context, db *store.DB, keeper keys.Keeper, cfg keys.RingConfig) (*keys.Ring, error) {
	rows, err := db.IndexKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the index keys: %w", err)
	}
	if len(rows) == 0 {
		return nil, errors.New(`there is no index key: run "cpis migrate" first`)
	}
	ring, err := keys.OpenRing(ctx, keeper, record.WrappedIndexKeys(rows), cfg)
	if err != nil {
		return nil, fmt.Errorf("opening the index keys: %w", err)
	}
	return ring, nil
}
