package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestRegisters_CanBeListedWithoutADatabase(t *testing.T) {
	t.Parallel()
	o := command(t, "", "authority", "list", "camden")
	o.want(t, 0, "GSS CODE", "E09000007  202       Camden")
	if n := strings.Count(o.stdout, "\n"); n != 2 {
		t.Errorf("%d lines, want the heads and one:\n%s", n, o.stdout)
	}
	command(t, "", "authority", "list", "206").want(t, 0, "Islington")
	command(t, "", "organisation", "list", "whittington").want(t, 0, "RKE", "acute_trust", "WHITTINGTON HEALTH")
	command(t, "", "organisation", "list", "--class", "ambulance").want(t, 0, "AMBULANCE")
	command(t, "", "organisation", "list", "--class", "shop").want(t, 1, "class must be one of")
}

// testRegisters lists what an installation knows, its own additions included.
func testRegisters(t *testing.T, d *running) {
	t.Helper()
	env := readSettings(t, filepath.Join(d.dir, "env"))
	withEnv(t, env, "authority", "list", "camden", "--database", env["CPIS_OWNER_DATABASE_URL"]).want(t, 0, "Camden", "020 7946 0111", "020 7946 0112")
	withEnv(t, env, "organisation", "list", "DEMO1", "--database", env["CPIS_OWNER_DATABASE_URL"]).want(t, 0, "oversight", "Demonstration oversight body")
}
