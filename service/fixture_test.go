package service_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/audit"
	"cpis/policy"
	"cpis/service"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/keys/local"
	"cpis/service/reference"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// Organisations of the fixture. Those that reference data has are real; the
// others are added.
const (
	islington   = "E09000019"
	camden      = "E09000007"
	trust       = "RKE"    // a hospital in Islington
	practice    = "A81001" // a general practice
	callCentre  = "TST111" // NHS 111
	overseer    = "TSTOVS"
	operator    = "TSTOPR"
	hubPhone    = "0300 000 0000"
	officePhone = "020 7946 0001" // of Islington
	dutyPhone   = "020 7946 0002"
)

// noon is when the fixture's clock begins: noon on a working day, on the day on
// which registrations are checked.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A caller for each role. All are signed in as strongly as their role needs.
var (
	nurse          = caller("nurse", trust, policy.AcuteTrust, policy.ClinicianUnscheduled)
	gp             = caller("gp", practice, policy.GeneralPractice, policy.ClinicianScheduled)
	clinicalSystem = system("clinical-system", trust, policy.AcuteTrust, policy.ClinicalSystem)
	callHandler    = caller("call-handler", callCentre, policy.NHS111, policy.ClinicianUnscheduled)
	lead           = caller("lead", islington, policy.LocalAuthority, policy.SafeguardingLead)
	otherLead      = caller("other-lead", camden, policy.LocalAuthority, policy.SafeguardingLead)
	laSystem       = system("la-system", islington, policy.LocalAuthority, policy.LASystem)
	privacyOfficer = caller("privacy-officer", trust, policy.AcuteTrust, policy.PrivacyOfficer)
	auditor        = caller("auditor", overseer, policy.Oversight, policy.Auditor)
	administrator  = caller("administrator", operator, policy.Operator, policy.Administrator)
)

func caller(id, organisation string, class policy.Class, roles ...policy.Role) *identity.Caller {
	return &identity.Caller{
		ID: id, Name: "Test " + id, Title: "Tester", ClientID: "test-client", Issuer: "https://issuer.example",
		Roles: policy.RolesOf(roles...), Organisation: organisation, Class: class, Assurance: 3, Expires: noon.AddDate(1, 0, 0),
	}
}

func system(id, organisation string, class policy.Class, roles ...policy.Role) *identity.Caller {
	c := caller(id, organisation, class, roles...)
	c.Name, c.Title, c.System = "", "", true
	return c
}

// fixture is a Service over a real database and real keys, with a clock that
// stands still until it is told to go.
type fixture struct {
	*service.Service

	tb       testing.TB
	Database *dbtest.Database
	DB       *store.DB // as the service's role
	Ring     *keys.Ring
	Keeper   *switchedKeeper
	Clock    *clock
	Damaged  atomic.Int64 // how often somebody was to be woken because of damage
	attended int          // encounters that Attend has made
}

// newService makes a fixture of its own for a test.
func newService(tb testing.TB) *fixture {
	tb.Helper()
	return newServiceWith(tb, func(*service.Config) {})
}

// newServiceWith makes a fixture whose configuration differs.
func newServiceWith(tb testing.TB, change func(*service.Config)) *fixture {
	tb.Helper()
	k, err := local.Create(filepath.Join(tb.TempDir(), "keys.json"))
	if err != nil {
		tb.Fatalf("making keys: %v", err)
	}
	return newServiceOver(tb, k, change)
}

// newServiceOver makes a fixture with another keeper than keys in a file.
func newServiceOver(tb testing.TB, k keys.Keeper, change func(*service.Config)) *fixture {
	tb.Helper()
	f := &fixture{tb: tb, Database: dbtest.New(tb), Clock: &clock{now: noon}, Keeper: &switchedKeeper{Keeper: k}}
	f.DB = dbtest.Open(tb, f.Database)
	f.addIndexKey(1)
	f.Ring = f.openRing()
	f.DB = f.DB.Guarded(f.Ring, func(string) { f.Damaged.Add(1) })
	f.loadReference()
	cfg := service.Config{
		DB: f.DB, Ring: f.Ring, Log: dbtest.Origin, Now: f.Clock.Now,
		Hub:     service.Hub{Name: "National safeguarding hub", Phone: hubPhone},
		Observe: service.Observer{Damaged: func(string) { f.Damaged.Add(1) }},
	}
	var err error
	if cfg.Policy, err = policy.New(); err != nil {
		tb.Fatalf("reading policy: %v", err)
	}
	change(&cfg)
	if f.Service, err = service.New(tb.Context(), cfg); err != nil {
		tb.Fatalf("making service: %v", err)
	}
	tb.Cleanup(f.Close)
	f.Clock.keep(f.Service)
	return f
}

// another makes a second Service over the same database and keys, as another
// server would be. Its cache of keys is its own.
func (f *fixture) another() *service.Service {
	f.tb.Helper()
	s := f.anotherWith(f.openRing())
	f.Clock.keep(s)
	return s
}

// anotherWith is another with given keys, which nobody keeps up with the
// database's, and a configuration that may differ.
func (f *fixture) anotherWith(ring *keys.Ring, change ...func(*service.Config)) *service.Service {
	f.tb.Helper()
	enforcer, err := policy.New()
	if err != nil {
		f.tb.Fatalf("reading policy: %v", err)
	}
	cfg := service.Config{
		DB: f.DB, Ring: ring, Policy: enforcer, Log: dbtest.Origin, Now: f.Clock.Now,
		Hub: service.Hub{Name: "National safeguarding hub", Phone: hubPhone},
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := service.New(f.tb.Context(), cfg)
	if err != nil {
		f.tb.Fatalf("making another service: %v", err)
	}
	f.tb.Cleanup(s.Close)
	return s
}

// loadReference loads all authorities, and of the organisations those that
// callers come from.
func (f *fixture) loadReference() {
	f.tb.Helper()
	all, err := reference.Authorities()
	if err != nil {
		f.tb.Fatalf("reading authorities: %v", err)
	}
	authorities := make([]store.AuthorityRow, len(all))
	for i, a := range all {
		authorities[i] = store.AuthorityRow{GSS: a.GSS, DfE: a.DfE, Name: a.Name, Kind: a.Kind, Region: a.Region}
	}
	organisations := []store.OrganisationRow{
		{Code: trust, Name: "WHITTINGTON HEALTH NHS TRUST", Class: string(policy.AcuteTrust), Postcode: "N19 5NF"},
		{Code: practice, Name: "THE DENSHAM SURGERY", Class: string(policy.GeneralPractice), Postcode: "TS18 1HU"},
		{Code: callCentre, Name: "Test 111", Class: string(policy.NHS111)},
		{Code: overseer, Name: "Test overseer", Class: string(policy.Oversight)},
		{Code: operator, Name: "Test operator", Class: string(policy.Operator)},
	}
	f.tx(f.owner(), func(tx *store.Tx) error {
		if err := tx.LoadReference(f.tb.Context(), organisations, authorities); err != nil {
			return err
		}
		return tx.SetAuthorityContact(f.tb.Context(), islington, officePhone, "Mon-Fri 09:00-17:00", dutyPhone, noon)
	})
}

// addIndexKey makes a version of the index key. Services that are opened from
// then on know it.
func (f *fixture) addIndexKey(version int) {
	f.tb.Helper()
	w, err := keys.NewIndexKey(f.tb.Context(), f.Keeper, version)
	if err != nil {
		f.tb.Fatalf("making index key: %v", err)
	}
	f.tx(f.DB, func(tx *store.Tx) error {
		return tx.InsertIndexKey(f.tb.Context(), store.IndexKeyRow{Version: version, Wrapped: w.Text, At: f.Clock.Now()})
	})
}

// openRing opens the index keys that the database has.
func (f *fixture) openRing() *keys.Ring {
	f.tb.Helper()
	rows, err := f.DB.IndexKeys(f.tb.Context())
	if err != nil {
		f.tb.Fatalf("reading index keys: %v", err)
	}
	var wrapped []keys.Wrapped
	for _, r := range rows {
		wrapped = append(wrapped, keys.Wrapped{Owner: fmt.Sprintf("index/%d", r.Version), Text: r.Wrapped})
	}
	ring, err := keys.OpenRing(f.tb.Context(), f.Keeper, wrapped, keys.RingConfig{Now: f.Clock.Now})
	if err != nil {
		f.tb.Fatalf("opening ring: %v", err)
	}
	return ring
}

func (f *fixture) tx(db *store.DB, fn func(*store.Tx) error) {
	f.tb.Helper()
	if err := db.Tx(f.tb.Context(), fn); err != nil {
		f.tb.Fatalf("preparing database: %v", err)
	}
}

// MustRegister registers a plan.
func (f *fixture) MustRegister(c *identity.Caller, r *service.Registration) *service.Registered {
	f.tb.Helper()
	out, err := f.RegisterPlan(f.tb.Context(), c, r)
	if err != nil {
		f.tb.Fatalf("RegisterPlan: %s", explain(err))
	}
	return out
}

// MustEnd ends a plan.
func (f *fixture) MustEnd(c *identity.Caller, plan *service.Registered, end string) *service.Changed {
	f.tb.Helper()
	q := ending(plan)
	q.End = end
	out, err := f.EndPlan(f.tb.Context(), c, q)
	if err != nil {
		f.tb.Fatalf("EndPlan: %s", explain(err))
	}
	return out
}

// MustGet gets what the caller's authority recorded.
func (f *fixture) MustGet(c *identity.Caller, number string) *service.OwnPerson {
	f.tb.Helper()
	out, err := f.GetPerson(f.tb.Context(), c, number, "")
	if err != nil {
		f.tb.Fatalf("GetPerson: %s", explain(err))
	}
	return out
}

// MustLookUp looks a person up.
func (f *fixture) MustLookUp(c *identity.Caller, q *service.Question) *service.Answer {
	f.tb.Helper()
	out, err := f.LookUp(f.tb.Context(), c, q)
	if err != nil {
		f.tb.Fatalf("LookUp: %s", explain(err))
	}
	return out
}

// Entries gives all entries of the log, after checking that each is in
// canonical form and that they add up to the head.
func (f *fixture) Entries() []audit.Entry {
	f.tb.Helper()
	ctx := f.tb.Context()
	log, err := f.DB.Log(ctx, dbtest.Origin)
	if err != nil {
		f.tb.Fatalf("finding log: %v", err)
	}
	head, err := f.DB.Head(ctx, log.ID)
	if err != nil {
		f.tb.Fatalf("reading head: %v", err)
	}
	var entries []audit.Entry
	var tree audit.Tree
	for row, err := range f.DB.Entries(ctx, log.ID, 0, head.Size()) {
		if err != nil {
			f.tb.Fatalf("reading entries: %v", err)
		}
		e, err := audit.ParseLine(row.Line)
		if err != nil {
			f.tb.Fatalf("entry %d: %v", row.Index, err)
		}
		entries = append(entries, e)
		tree.Append(audit.LeafHash(row.Line))
	}
	if tree.Root() != head.Root() {
		f.tb.Fatalf("the %d entries do not add up to the head", len(entries))
	}
	return entries
}

// LastEntry gives the newest entry.
func (f *fixture) LastEntry() audit.Entry {
	f.tb.Helper()
	all := f.Entries()
	if len(all) == 0 {
		f.tb.Fatal("the log is empty")
	}
	return all[len(all)-1]
}

// held is how much is held.
type held struct{ Persons, PersonVersions, Plans, PlanVersions, Answers int }

// Held counts what is held.
func (f *fixture) Held() held {
	f.tb.Helper()
	var h held
	f.admin(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.tb.Context(), `
			SELECT (SELECT count(*) FROM cpis.person),
			       (SELECT count(*) FROM cpis.person_version),
			       (SELECT count(*) FROM cpis.plan),
			       (SELECT count(*) FROM cpis.plan_version),
			       (SELECT count(*) FROM cpis.idempotency)`).
			Scan(&h.Persons, &h.PersonVersions, &h.Plans, &h.PlanVersions, &h.Answers)
	})
	return h
}

// Exec runs SQL as a superuser: what no part of the service can do.
func (f *fixture) Exec(sql string, args ...any) {
	f.tb.Helper()
	f.admin(func(conn *pgx.Conn) error {
		_, err := conn.Exec(f.tb.Context(), sql, args...)
		return err
	})
}

// Pretend runs SQL as a superuser as if the service had done what it does: all rows
// get MACs as they are then.
func (f *fixture) Pretend(sql string, args ...any) {
	f.tb.Helper()
	f.eachGuarded(`ALTER TABLE cpis.%[1]s DROP CONSTRAINT IF EXISTS %[1]s_mac_check`)
	f.Exec(sql, args...)
	f.eachGuarded(`UPDATE cpis.%s SET mac = NULL`)
	f.tx(f.owner(), func(tx *store.Tx) error {
		_, err := tx.MakeMACs(f.tb.Context())
		return err
	})
}

// owner opens the database as its owner.
func (f *fixture) owner() *store.DB {
	f.tb.Helper()
	return dbtest.OpenURL(f.tb, f.Database.Owner, store.Options{AllowUnsafe: true, Owner: true}).
		Guarded(f.Ring, func(string) { f.Damaged.Add(1) })
}

// eachGuarded runs SQL for every table whose rows have MACs.
func (f *fixture) eachGuarded(format string) {
	f.tb.Helper()
	f.Exec(`DO $do$
		DECLARE t text;
		BEGIN
		    FOR t IN SELECT table_name FROM information_schema.columns WHERE table_schema = 'cpis' AND column_name = 'mac' LOOP
		        EXECUTE replace(replace(` + "'" + format + "'" + `, '%[1]s', t), '%s', t);
		    END LOOP;
		END $do$`)
}

func (f *fixture) admin(do func(*pgx.Conn) error) {
	f.tb.Helper()
	conn, err := pgx.Connect(f.tb.Context(), f.Database.Admin)
	if err != nil {
		f.tb.Fatalf("connecting as superuser: %v", err)
	}
	defer conn.Close(f.tb.Context())
	if err := do(conn); err != nil {
		f.tb.Fatalf("as superuser: %v", err)
	}
}

// Tag gives what entries call a person.
func (f *fixture) Tag(number string) []byte {
	t := f.Ring.Tag(number)
	return t[:]
}

// explain gives an error with what it says is wrong.
func explain(err error) string {
	if invalid, ok := errors.AsType[*service.InvalidError](err); ok {
		return fmt.Sprintf("%v: %+v", err, invalid.Violations)
	}
	return fmt.Sprint(err)
}

// clock is a clock that is set by hand. As soon as it is, services check their
// keys, as they do every second of another clock.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	kept []*service.Service
}

// keep has a service check its keys when time has passed.
func (c *clock) keep(s *service.Service) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, s)
}

// Now gives the time that was set.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set sets the time.
func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	c.now = t
	kept := c.kept
	c.mu.Unlock()
	for _, s := range kept {
		_ = s.CheckKeys(context.Background()) // fails where a test took something away
	}
}

// Advance lets time pass.
func (c *clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// switchedKeeper is a real keeper that can be taken away.
type switchedKeeper struct {
	keys.Keeper

	away    atomic.Bool
	wraps   atomic.Int64 // calls
	unwraps atomic.Int64
}

// TakeAway makes the keeper unreachable, or reachable again.
func (k *switchedKeeper) TakeAway(away bool) { k.away.Store(away) }

// Wrap implements keys.Keeper.
func (k *switchedKeeper) Wrap(ctx context.Context, plain []keys.Plain) ([]keys.Wrapped, error) {
	if k.away.Load() {
		return nil, keys.ErrUnavailable
	}
	k.wraps.Add(1)
	return k.Keeper.Wrap(ctx, plain)
}

// Unwrap implements keys.Keeper.
func (k *switchedKeeper) Unwrap(ctx context.Context, wrapped []keys.Wrapped) ([]keys.Result[keys.Plain], error) {
	if k.away.Load() {
		return nil, keys.ErrUnavailable
	}
	k.unwraps.Add(1)
	return k.Keeper.Unwrap(ctx, wrapped)
}

// Sign implements keys.Keeper.
func (k *switchedKeeper) Sign(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	if k.away.Load() {
		return nil, nil, keys.ErrUnavailable
	}
	return k.Keeper.Sign(ctx, message)
}
