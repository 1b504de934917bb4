package servicetest

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
	"cpis/service/auditlog"
	"cpis/service/deliver"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/keys/local"
	"cpis/service/lookup"
	"cpis/service/notice"
	"cpis/service/person"
	"cpis/service/plan"
	"cpis/service/record"
	"cpis/service/reference"
	"cpis/service/store"
	"cpis/service/store/dbtest"
	"cpis/service/upload"
)

// Organisations of the fixture. Those that reference data has are real; the
// others are added.
const (
	Islington   = "E09000019"
	Camden      = "E09000007"
	Trust       = "RKE"    // a hospital in Islington
	Practice    = "A81001" // a general practice
	CallCentre  = "TST111" // NHS 111
	overseer    = "TSTOVS"
	operator    = "TSTOPR"
	HubPhone    = "0300 000 0000"
	OfficePhone = "020 7946 0001" // of Islington
	dutyPhone   = "020 7946 0002"
)

// Noon is when the fixture's clock begins: noon on a working day, on the day on
// which registrations are checked.
var Noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A caller for each role. All are signed in as strongly as their role needs.
var (
	Nurse          = Caller("nurse", Trust, policy.AcuteTrust, policy.ClinicianUnscheduled)
	Gp             = Caller("gp", Practice, policy.GeneralPractice, policy.ClinicianScheduled)
	ClinicalSystem = System("clinical-system", Trust, policy.AcuteTrust, policy.ClinicalSystem)
	CallHandler    = Caller("call-handler", CallCentre, policy.NHS111, policy.ClinicianUnscheduled)
	Lead           = Caller("lead", Islington, policy.LocalAuthority, policy.SafeguardingLead)
	OtherLead      = Caller("other-lead", Camden, policy.LocalAuthority, policy.SafeguardingLead)
	LaSystem       = System("la-system", Islington, policy.LocalAuthority, policy.LASystem)
	PrivacyOfficer = Caller("privacy-officer", Trust, policy.AcuteTrust, policy.PrivacyOfficer)
	Auditor        = Caller("auditor", overseer, policy.Oversight, policy.Auditor)
	Administrator  = Caller("administrator", operator, policy.Operator, policy.Administrator)
)

// Caller makes a person who calls.
func Caller(id, organisation string, class policy.Class, roles ...policy.Role) *identity.Caller {
	return &identity.Caller{
		ID: id, Name: "Test " + id, Title: "Tester", ClientID: "test-client", Issuer: "https://issuer.example",
		Roles: policy.RolesOf(roles...), Organisation: organisation, Class: class, Assurance: 3, Expires: Noon.AddDate(1, 0, 0),
	}
}

// System makes a system that calls.
func System(id, organisation string, class policy.Class, roles ...policy.Role) *identity.Caller {
	c := Caller(id, organisation, class, roles...)
	c.Name, c.Title, c.System = "", "", true
	return c
}

// Fixture is a Service over a real database and real keys, with a clock that
// stands still until it is told to go.
type Fixture struct {
	*service.Service
	// The rooms, so that a test calls what it is about.
	*lookup.LookUps
	*plan.Plans
	*person.Persons
	*upload.Uploads
	*notice.Notices
	*deliver.Channels
	*directory.Contacts
	*record.Records
	*auditlog.Log

	TB       testing.TB
	Database *dbtest.Database
	DB       *store.DB // as the service's role
	Ring     *keys.Ring
	Keeper   *Keeper
	Clock    *Clock
	Damaged  atomic.Int64 // how often somebody was to be woken because of damage
	attended int          // encounters that Attend has made
}

// New makes a fixture of its own for a test.
func New(tb testing.TB) *Fixture {
	tb.Helper()
	return NewWith(tb, func(*service.Config) {})
}

// NewWith makes a fixture whose configuration differs.
func NewWith(tb testing.TB, change func(*service.Config)) *Fixture {
	tb.Helper()
	k, err := local.Create(filepath.Join(tb.TempDir(), "keys.json"))
	if err != nil {
		tb.Fatalf("making keys: %v", err)
	}
	return NewOver(tb, k, change)
}

// NewOver makes a fixture with another keeper than keys in a file.
func NewOver(tb testing.TB, k keys.Keeper, change func(*service.Config)) *Fixture {
	tb.Helper()
	f := &Fixture{TB: tb, Database: dbtest.New(tb), Clock: &Clock{now: Noon}, Keeper: &Keeper{Keeper: k}}
	f.DB = dbtest.Open(tb, f.Database)
	f.AddIndexKey(1)
	f.Ring = f.OpenRing()
	f.DB = f.DB.Guarded(f.Ring, func(string) { f.Damaged.Add(1) })
	f.loadReference()
	cfg := service.Config{
		DB: f.DB, Ring: f.Ring, Log: dbtest.Origin, Now: f.Clock.Now,
		Hub:     domain.Hub{Name: "National safeguarding hub", Phone: HubPhone},
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
	f.open()
	tb.Cleanup(f.Service.Close)
	f.Clock.keep(f.Service)
	return f
}

// open names the rooms.
func (f *Fixture) open() {
	s := f.Service
	f.LookUps, f.Plans, f.Persons, f.Uploads, f.Notices = s.LookUps, s.Plans, s.Persons, s.Uploads, s.Notices
	f.Channels, f.Contacts, f.Records, f.Log = s.Channels, s.Contacts, s.Records, s.Log
}

// Another makes a second Service over the same database and keys, as another
// server would be. Its cache of keys is its own.
func (f *Fixture) Another() *service.Service {
	f.TB.Helper()
	s := f.AnotherWith(f.OpenRing())
	f.Clock.keep(s)
	return s
}

// AnotherWith is another with given keys, which nobody keeps up with the
// database's, and a configuration that may differ.
func (f *Fixture) AnotherWith(ring *keys.Ring, change ...func(*service.Config)) *service.Service {
	f.TB.Helper()
	enforcer, err := policy.New()
	if err != nil {
		f.TB.Fatalf("reading policy: %v", err)
	}
	cfg := service.Config{
		DB: f.DB, Ring: ring, Policy: enforcer, Log: dbtest.Origin, Now: f.Clock.Now,
		Hub: domain.Hub{Name: "National safeguarding hub", Phone: HubPhone},
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := service.New(f.TB.Context(), cfg)
	if err != nil {
		f.TB.Fatalf("making another service: %v", err)
	}
	f.TB.Cleanup(s.Close)
	return s
}

// loadReference loads all authorities, and of the organisations those that
// callers come from.
func (f *Fixture) loadReference() {
	f.TB.Helper()
	all, err := reference.Authorities()
	if err != nil {
		f.TB.Fatalf("reading authorities: %v", err)
	}
	authorities := make([]store.AuthorityRow, len(all))
	for i, a := range all {
		authorities[i] = store.AuthorityRow{GSS: a.GSS, DfE: a.DfE, Name: a.Name, Kind: a.Kind, Region: a.Region}
	}
	organisations := []store.OrganisationRow{
		{Code: Trust, Name: "WHITTINGTON HEALTH NHS TRUST", Class: string(policy.AcuteTrust), Postcode: "N19 5NF"},
		{Code: Practice, Name: "THE DENSHAM SURGERY", Class: string(policy.GeneralPractice), Postcode: "TS18 1HU"},
		{Code: CallCentre, Name: "Test 111", Class: string(policy.NHS111)},
		{Code: overseer, Name: "Test overseer", Class: string(policy.Oversight)},
		{Code: operator, Name: "Test operator", Class: string(policy.Operator)},
	}
	f.Tx(f.owner(), func(tx *store.Tx) error {
		if err := tx.LoadReference(f.TB.Context(), organisations, authorities); err != nil {
			return err
		}
		return tx.SetAuthorityContact(f.TB.Context(), Islington, OfficePhone, "Mon-Fri 09:00-17:00", dutyPhone, Noon)
	})
}

// AddIndexKey makes a version of the index key. Services that are opened from
// then on know it.
func (f *Fixture) AddIndexKey(version int) {
	f.TB.Helper()
	w, err := keys.NewIndexKey(f.TB.Context(), f.Keeper, version)
	if err != nil {
		f.TB.Fatalf("making index key: %v", err)
	}
	f.Tx(f.DB, func(tx *store.Tx) error {
		return tx.InsertIndexKey(f.TB.Context(), store.IndexKeyRow{Version: version, Wrapped: w.Text, At: f.Clock.Now()})
	})
}

// OpenRing opens the index keys that the database has.
func (f *Fixture) OpenRing() *keys.Ring {
	f.TB.Helper()
	rows, err := f.DB.IndexKeys(f.TB.Context())
	if err != nil {
		f.TB.Fatalf("reading index keys: %v", err)
	}
	var wrapped []keys.Wrapped
	for _, r := range rows {
		wrapped = append(wrapped, keys.Wrapped{Owner: fmt.Sprintf("index/%d", r.Version), Text: r.Wrapped})
	}
	ring, err := keys.OpenRing(f.TB.Context(), f.Keeper, wrapped, keys.RingConfig{Now: f.Clock.Now})
	if err != nil {
		f.TB.Fatalf("opening ring: %v", err)
	}
	return ring
}

// Tx runs a transaction that prepares a test.
func (f *Fixture) Tx(db *store.DB, fn func(*store.Tx) error) {
	f.TB.Helper()
	if err := db.Tx(f.TB.Context(), fn); err != nil {
		f.TB.Fatalf("preparing database: %v", err)
	}
}

// MustRegister registers a plan.
func (f *Fixture) MustRegister(c *identity.Caller, r *domain.Registration) *plan.RegisterPlanResult {
	f.TB.Helper()
	out, err := f.RegisterPlan(f.TB.Context(), c, r)
	if err != nil {
		f.TB.Fatalf("RegisterPlan: %s", Explain(err))
	}
	return out
}

// MustEnd ends a plan.
func (f *Fixture) MustEnd(c *identity.Caller, plan *plan.RegisterPlanResult, end string) *plan.ChangeResult {
	f.TB.Helper()
	q := Ending(plan)
	q.End = end
	out, err := f.EndPlan(f.TB.Context(), c, q)
	if err != nil {
		f.TB.Fatalf("EndPlan: %s", Explain(err))
	}
	return out
}

// MustGet gets what the caller's authority recorded.
func (f *Fixture) MustGet(c *identity.Caller, number string) *plan.OwnPerson {
	f.TB.Helper()
	out, err := f.GetPerson(f.TB.Context(), c, number, "")
	if err != nil {
		f.TB.Fatalf("GetPerson: %s", Explain(err))
	}
	return out
}

// MustLookUp looks a person up.
func (f *Fixture) MustLookUp(c *identity.Caller, q *lookup.Question) *lookup.Answer {
	f.TB.Helper()
	out, err := f.LookUp(f.TB.Context(), c, q)
	if err != nil {
		f.TB.Fatalf("LookUp: %s", Explain(err))
	}
	return out
}

// Entries gives all entries of the log, after checking that each is in
// canonical form and that they add up to the head.
func (f *Fixture) Entries() []audit.Entry {
	f.TB.Helper()
	ctx := f.TB.Context()
	log, err := f.DB.Log(ctx, dbtest.Origin)
	if err != nil {
		f.TB.Fatalf("finding log: %v", err)
	}
	head, err := f.DB.Head(ctx, log.ID)
	if err != nil {
		f.TB.Fatalf("reading head: %v", err)
	}
	var entries []audit.Entry
	var tree audit.Tree
	for row, err := range f.DB.Entries(ctx, log.ID, 0, head.Size()) {
		if err != nil {
			f.TB.Fatalf("reading entries: %v", err)
		}
		e, err := audit.ParseLine(row.Line)
		if err != nil {
			f.TB.Fatalf("entry %d: %v", row.Index, err)
		}
		entries = append(entries, e)
		tree.Append(audit.LeafHash(row.Line))
	}
	if tree.Root() != head.Root() {
		f.TB.Fatalf("the %d entries do not add up to the head", len(entries))
	}
	return entries
}

// LastEntry gives the newest entry.
func (f *Fixture) LastEntry() audit.Entry {
	f.TB.Helper()
	all := f.Entries()
	if len(all) == 0 {
		f.TB.Fatal("the log is empty")
	}
	return all[len(all)-1]
}

// Held is how much is held.
type Held struct{ Persons, PersonVersions, Plans, PlanVersions, Answers int }

// Held counts what is held.
func (f *Fixture) Held() Held {
	f.TB.Helper()
	var h Held
	f.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.TB.Context(), `
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
func (f *Fixture) Exec(sql string, args ...any) {
	f.TB.Helper()
	f.AsSuperuser(func(conn *pgx.Conn) error {
		_, err := conn.Exec(f.TB.Context(), sql, args...)
		return err
	})
}

// Pretend runs SQL as a superuser as if the service had done what it does: all rows
// get MACs as they are then.
func (f *Fixture) Pretend(sql string, args ...any) {
	f.TB.Helper()
	f.EachGuarded(`ALTER TABLE cpis.%[1]s DROP CONSTRAINT IF EXISTS %[1]s_mac_check`)
	f.Exec(sql, args...)
	f.EachGuarded(`UPDATE cpis.%s SET mac = NULL`)
	f.Tx(f.owner(), func(tx *store.Tx) error {
		_, err := tx.MakeMACs(f.TB.Context())
		return err
	})
}

// owner opens the database as its owner.
func (f *Fixture) owner() *store.DB {
	f.TB.Helper()
	return dbtest.OpenURL(f.TB, f.Database.Owner, store.Options{AllowUnsafe: true, Owner: true}).
		Guarded(f.Ring, func(string) { f.Damaged.Add(1) })
}

// EachGuarded runs SQL for every table whose rows have MACs.
func (f *Fixture) EachGuarded(format string) {
	f.TB.Helper()
	f.Exec(`DO $do$
		DECLARE t text;
		BEGIN
		    FOR t IN SELECT table_name FROM information_schema.columns WHERE table_schema = 'cpis' AND column_name = 'mac' LOOP
		        EXECUTE replace(replace(` + "'" + format + "'" + `, '%[1]s', t), '%s', t);
		    END LOOP;
		END $do$`)
}

// AsSuperuser does what no part of the service can do.
func (f *Fixture) AsSuperuser(do func(*pgx.Conn) error) {
	f.TB.Helper()
	conn, err := pgx.Connect(f.TB.Context(), f.Database.Admin)
	if err != nil {
		f.TB.Fatalf("connecting as superuser: %v", err)
	}
	defer conn.Close(f.TB.Context())
	if err := do(conn); err != nil {
		f.TB.Fatalf("as superuser: %v", err)
	}
}

// Tag gives what entries call a person.
func (f *Fixture) Tag(number string) []byte {
	t := f.Ring.Tag(number)
	return t[:]
}

// Explain gives an error with what it says is wrong.
func Explain(err error) string {
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
		return fmt.Sprintf("%v: %+v", err, invalid.Violations)
	}
	return fmt.Sprint(err)
}

// Clock is a clock that is set by hand. As soon as it is, services check their
// keys, as they do every second of another clock.
type Clock struct {
	mu   sync.Mutex
	now  time.Time
	kept []*service.Service
}

// keep has a service check its keys when time has passed.
func (c *Clock) keep(s *service.Service) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, s)
}

// Now gives the time that was set.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set sets the time.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	c.now = t
	kept := c.kept
	c.mu.Unlock()
	for _, s := range kept {
		_ = s.Records.CheckKeys(context.Background()) // fails where a test took something away
	}
}

// Advance lets time pass.
func (c *Clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Keeper is a real keeper that can be taken away.
type Keeper struct {
	keys.Keeper

	away    atomic.Bool
	Wraps   atomic.Int64 // calls
	Unwraps atomic.Int64
}

// TakeAway makes the keeper unreachable, or reachable again.
func (k *Keeper) TakeAway(away bool) { k.away.Store(away) }

// Wrap implements keys.Keeper.
func (k *Keeper) Wrap(ctx context.Context, plain []keys.Plain) ([]keys.Wrapped, error) {
	if k.away.Load() {
		return nil, keys.ErrUnavailable
	}
	k.Wraps.Add(1)
	return k.Keeper.Wrap(ctx, plain)
}

// Unwrap implements keys.Keeper.
func (k *Keeper) Unwrap(ctx context.Context, wrapped []keys.Wrapped) ([]keys.Result[keys.Plain], error) {
	if k.away.Load() {
		return nil, keys.ErrUnavailable
	}
	k.Unwraps.Add(1)
	return k.Keeper.Unwrap(ctx, wrapped)
}

// Sign implements keys.Keeper.
func (k *Keeper) Sign(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	if k.away.Load() {
		return nil, nil, keys.ErrUnavailable
	}
	return k.Keeper.Sign(ctx, message)
}
