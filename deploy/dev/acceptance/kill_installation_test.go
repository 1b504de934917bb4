package acceptance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"cpis/deploy/dev/idp"
	"cpis/deploy/dev/pgdev"
	"cpis/deploy/dev/vaultdev"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/identity"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// installation is the service as it is really run: the program in processes of
// its own, which may be killed at any moment, and so may what it relies on.
type installation struct {
	tb       testing.TB
	program  string
	serving  string // the program of servers, if it is another one
	cluster  *pgdev.Cluster
	idp      *idp.Provider
	env      []string
	seed     uint64
	random   *rand.Rand // of the test's own goroutine
	children []flaggedChild

	attendances atomic.Int64 // that callers have met; several ask about each
	newcomers   atomic.Int64 // for whom plans were registered meanwhile

	mu     sync.Mutex // guards what follows
	tokens map[string]token
}

// token is a token that was made a while ago.
type token struct {
	text string
	at   time.Time
}

// flaggedChild is somebody with plans, as callers know them.
type flaggedChild struct {
	number      string
	authorities []string // one plan each
}

// howManyFlagged is the number of people who have plans from the beginning.
const howManyFlagged = 24

// newInstallation prepares a database on a PostgreSQL of its own that loses
// nothing it has confirmed. It is a copy of one that was installed for all tests,
// and is claimed as an operator claims a backup that is restored.
func newInstallation(tb testing.TB) *installation {
	tb.Helper()
	from := installed(tb)
	in := begin(tb)
	keys := filepath.Join(tb.TempDir(), "keys")
	text, err := os.ReadFile(from.keys)
	must(tb, err)
	must(tb, os.WriteFile(keys, text, 0o600))
	in.cluster = dbtest.Cluster(tb, pgdev.Options{From: from.cluster})
	in.settle(localKeys(keys)...)
	in.run("instance", "claim", "--continue-log", "--reason=a copy for a test")
	return in
}

// freshInstallation is newInstallation without a copy: all commands of a first
// start are run. Keys are in a file, or in a Vault if one is given.
func freshInstallation(tb testing.TB, vault *vaultdev.Server) *installation {
	tb.Helper()
	in := begin(tb)
	in.cluster = dbtest.Cluster(tb, pgdev.Options{})
	if vault == nil {
		in.settle(localKeys(filepath.Join(tb.TempDir(), "keys"))...)
	} else {
		in.settle("VAULT_ADDR="+vault.Address(),
			"CPIS_VAULT_ROLE_ID_FILE="+vault.RoleIDFile(), "CPIS_VAULT_SECRET_ID_FILE="+vault.SecretIDFile())
	}
	in.install()
	return in
}

// begin prepares all but the database.
func begin(tb testing.TB) *installation {
	tb.Helper()
	in := &installation{tb: tb, program: program(tb), tokens: map[string]token{}, seed: seed(tb)}
	in.random = rand.New(rand.NewPCG(in.seed, 0))
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("TEST_SEED=%d", in.seed)
		}
	})
	in.startIDP()
	return in
}

// settle adds the settings of an installation that has its cluster.
func (in *installation) settle(keys ...string) {
	in.env = slices.Concat(in.env, []string{
		"CPIS_DATABASE_URL=" + in.cluster.URL("cpis_app", "cpis"),
		"CPIS_OWNER_DATABASE_URL=" + in.cluster.URL("cpis_owner", "cpis"),
		"CPIS_ADMIN_DATABASE_URL=" + in.cluster.AdminURL(),
		"CPIS_LOG_ORIGIN=" + dbtest.Origin,
		"CPIS_HUB_NAME=National safeguarding hub", "CPIS_HUB_PHONE=" + hubPhone,
		"CPIS_LOG_LEVEL=warn",
	}, keys)
}

func localKeys(file string) []string {
	return []string{"CPIS_LOCAL_KEYS=i-understand", "CPIS_LOCAL_KEYS_FILE=" + file}
}

// install runs the commands that make a database.
func (in *installation) install() {
	in.tb.Helper()
	in.run("migrate")
	for _, authority := range []string{islington, camden} {
		in.run("authority", "contact", authority, "--office=020 7946 0001", "--hours=Mon-Fri 09:00-17:00", "--duty=020 7946 0002")
	}
}

// template is what installations are copied from.
type template struct {
	cluster *pgdev.Cluster // at rest
	keys    string         // the file
}

var (
	makeTemplate sync.Once
	made         *template // nil if that failed
)

// installed returns the template, which the first test that asks makes.
func installed(tb testing.TB) *template {
	tb.Helper()
	makeTemplate.Do(func() {
		in := begin(tb)
		t := &template{keys: filepath.Join(programs, "keys")}
		var err error
		t.cluster, err = pgdev.Start(tb.Context(), pgdev.Options{Dir: filepath.Join(programs, "installed"), Temporary: true})
		must(tb, err)
		in.cluster = t.cluster
		in.settle(localKeys(t.keys)...)
		in.install()
		must(tb, t.cluster.Rest(tb.Context()))
		made = t
	})
	if made == nil {
		tb.Fatal("installing failed in another test")
	}
	return made
}

// detectRaces has the race detector watch servers, if it watches this test.
func (in *installation) detectRaces() {
	in.tb.Helper()
	if raced {
		var err error
		in.serving, err = detecting()
		must(in.tb, err)
	}
}

// seed is where the random moments come from: TEST_SEED repeats a run as far
// as the machine does.
func seed(tb testing.TB) uint64 {
	tb.Helper()
	text := os.Getenv("TEST_SEED")
	if text == "" {
		return rand.Uint64()
	}
	n, err := strconv.ParseUint(text, 10, 64)
	must(tb, err)
	return n
}

func (in *installation) startIDP() {
	in.tb.Helper()
	provider, err := idp.Start(in.tb.Context(), idp.Config{
		Address: "127.0.0.1:0", Directory: in.tb.TempDir(), Audience: audience, Now: time.Now, Lifetime: 50 * time.Minute,
	})
	must(in.tb, err)
	in.tb.Cleanup(func() { _ = provider.Close(context.Background()) })
	in.idp = provider
	text, err := json.Marshal(map[string]any{"audiences": []string{audience}, "issuers": []identity.Issuer{provider.Issuer()}})
	must(in.tb, err)
	issuers := filepath.Join(in.tb.TempDir(), "issuers.json")
	must(in.tb, os.WriteFile(issuers, text, 0o600))
	in.env = append(in.env, "CPIS_ISSUERS="+issuers)
}

// token returns a token of somebody, at some place where one is named, as in
// "la-system@E09000007". It is made anew now and then, for a long test outlives
// it.
func (in *installation) token(whose string) (string, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if t, ok := in.tokens[whose]; ok && time.Since(t.at) < 20*time.Minute {
		return t.text, nil
	}
	person, place, placed := strings.Cut(whose, "@")
	var options []idp.Option
	if placed {
		options = append(options, at(place))
	}
	text, err := in.idp.Token(person, options...)
	in.tokens[whose] = token{text, time.Now()}
	return text, err
}

// command prepares a command of the program.
func (in *installation) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, in.program, args...)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"GORACE=atexit_sleep_ms=0", // the detector would wait for a second before each end
	}, in.env...)
	return cmd
}

// run runs a command of the program, which must succeed, and returns what it
// says.
func (in *installation) run(args ...string) string {
	in.tb.Helper()
	ctx, cancel := context.WithTimeout(in.tb.Context(), patience)
	defer cancel()
	cmd := in.command(ctx, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		in.tb.Fatalf("cpis %s: %v\n%s%s", strings.Join(args, " "), err, out, errs.String())
	}
	return string(out)
}

// registerChildren registers those who have plans from the beginning, a third
// of them with two authorities.
func (in *installation) registerChildren(s *server) {
	in.tb.Helper()
	for i := range howManyFlagged {
		c := flaggedChild{number: numberAt(i), authorities: []string{islington}}
		if i%3 == 0 {
			c.authorities = append(c.authorities, camden)
		}
		for _, authority := range c.authorities {
			plans := cpisv1connect.NewPlanServiceClient(in.dial(s, protocols[0]).as("la-system@" + authority))
			ctx, _ := named(in.tb.Context(), uuid.NewString())
			_, err := plans.RegisterPlan(ctx, registration(c.number))
			must(in.tb, err)
		}
		in.children = append(in.children, c)
	}
}

// registration is a plan for somebody.
func registration(number string) *cpisv1.RegisterPlanRequest {
	return &cpisv1.RegisterPlanRequest{
		Person: &cpisv1.Person{NhsNumber: number, FamilyName: "Quillfeather", GivenName: "Ottoline", DateOfBirth: "2019-04-30"},
		Kind:   cpp, Start: day(-30), Reference: "REF-1",
	}
}

// day returns the day that lies so many days ahead.
func day(ahead int) string { return time.Now().AddDate(0, 0, ahead).Format(time.DateOnly) }

// Where the numbers begin of those who have no plans, and of those for whom
// plans are registered meanwhile. None is ever issued.
const (
	firstNewcomer  = 1_000
	firstUnflagged = 200_000
)

// numberAt returns the i-th, up to half a million, of the NHS numbers that are
// never issued. One in eleven has no check digit; its neighbour then has one.
func numberAt(i int) string {
	for nine := 999_000_000 + i*2; ; nine++ {
		sum := 0
		for j, c := range strconv.Itoa(nine) {
			sum += (10 - j) * int(c-'0')
		}
		if check := (11 - sum%11) % 11; check < 10 {
			return strconv.Itoa(nine) + strconv.Itoa(check)
		}
	}
}

// await waits until something holds that nobody announces.
func (in *installation) await(what string, holds func() bool) {
	in.tb.Helper()
	ctx, cancel := context.WithTimeout(in.tb.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			in.tb.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// awaitSigned waits until a checkpoint covers so many entries.
func (in *installation) awaitSigned(size int64) {
	in.tb.Helper()
	in.await(fmt.Sprintf("a checkpoint of %d entries", size), func() bool { return in.signed() >= size })
}

// signed is how many entries the latest checkpoint covers.
func (in *installation) signed() int64 {
	in.tb.Helper()
	db := in.open()
	defer db.Close()
	log, err := db.Logs.Find(in.tb.Context(), dbtest.Origin)
	must(in.tb, err)
	row, err := db.Checkpoints.Latest(in.tb.Context(), log.ID)
	if errors.Is(err, store.ErrNotFound) {
		return 0
	}
	must(in.tb, err)
	return row.Tree.Size()
}

// open opens the database. Whoever reads it does so on new connections, for
// PostgreSQL may have been killed since.
func (in *installation) open() *store.DB {
	in.tb.Helper()
	db, err := store.Open(in.tb.Context(), in.cluster.URL("cpis_owner", "cpis"), store.Options{Owner: true, MaxConns: 2})
	must(in.tb, err)
	return db
}

// verifyExport exports the log and verifies the export, both by the program.
func (in *installation) verifyExport() {
	in.tb.Helper()
	dir := filepath.Join(in.tb.TempDir(), "export")
	in.run("audit", "export", "--reason", "routine", dir)
	defer func() { _ = os.RemoveAll(dir) }() // the next one needs the place
	out := in.run("audit", "verify", "--key="+strings.TrimSpace(in.run("audit", "key")), dir)
	if !strings.HasPrefix(out, "VERIFIED:") {
		in.tb.Errorf("the export did not verify: %s", out)
	}
}
