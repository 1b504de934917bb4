package acceptance_test

import (
	"os"
	"testing"
	"time"

	"cpis/service/keys/vaulttest"
)

// How often each thing is killed at least.
const (
	serverKills   = 50
	postgresKills = 20
	vaultKills    = 20
)

// TestSoak kills the server, PostgreSQL and Vault many times, one after the
// other, each for a third of TEST_SOAK or longer.
func TestSoak(t *testing.T) { //nolint:paralleltest // alone, because it is about load
	if os.Getenv("TEST_SOAK") == "" {
		t.Skip("takes long: make soak runs it")
	}
	whole, err := time.ParseDuration(os.Getenv("TEST_SOAK"))
	must(t, err)
	share := func() time.Time { return time.Now().Add(whole / 3) }
	t.Run("the server is killed", func(t *testing.T) {
		newInstallation(t, nil).killServers(serverKills, share())
	})
	t.Run("PostgreSQL is killed", func(t *testing.T) {
		newInstallation(t, nil).killPostgres(postgresKills, share())
	})
	t.Run("Vault goes away", func(t *testing.T) {
		vault := vaulttest.Own(t)
		newInstallation(t, vault).killVault(vault, vaultKills, share())
	})
}
