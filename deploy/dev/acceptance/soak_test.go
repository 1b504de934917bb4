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
	oneOfTwoKills = 20
	postgresKills = 20
	vaultKills    = 20
)

// TestSoak kills servers, PostgreSQL and Vault many times, one after the other,
// each for a quarter of TEST_SOAK or longer.
func TestSoak(t *testing.T) {
	if os.Getenv("TEST_SOAK") == "" {
		t.Skip("takes long: make soak runs it")
	}
	whole, err := time.ParseDuration(os.Getenv("TEST_SOAK"))
	must(t, err)
	share := func() time.Time { return time.Now().Add(whole / 4) }
	t.Run("the server is killed", func(t *testing.T) {
		newInstallation(t).killServers(1, serverKills, share())
	})
	t.Run("one of two servers is killed", func(t *testing.T) {
		newInstallation(t).killServers(2, oneOfTwoKills, share())
	})
	t.Run("PostgreSQL is killed", func(t *testing.T) {
		newInstallation(t).killPostgres(postgresKills, share())
	})
	t.Run("Vault goes away", func(t *testing.T) {
		vault := vaulttest.Own(t)
		freshInstallation(t, vault).killVault(vault, vaultKills, share())
	})
}
