package servicetest

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
	"cpis/service/work"
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

// Caller returns a person who calls.
func Caller(id, organisation string, class policy.Class, roles ...policy.Role) *identity.Caller {
	return &identity.Caller{
		ID: id, Name: "Test " + id, Title: "Tester", ClientID: "test-client", Issuer: "https://issuer.example",
		Roles: policy.RolesOf(roles...), Organisation: organisation, Class: class, Assurance: 3, Expires: Noon.AddDate(1, 0, 0),
	}
}

// System returns a system that calls.
func System(id, organisation string, class policy.Class, roles ...policy.Role) *identity.Caller {
	c := Caller(id, organisation, class, roles...)
	c.Name, c.Title, c.System = "", "", true
	return c
}

// Fixture is a Service over a real database and real keys, with a clock that
// stands still until it is told to go; and what tests do with it, by subject.
type Fixture struct {
	*core

	databaseSteps
	logSteps
	lookupSteps
	planSteps
	personSteps
	uploadSteps
	noticeSteps
	deliverySteps
	contactSteps
	guardSteps
	keySteps
	lifeSteps
}

// newFixture returns a fixture around its core.
func newFixture(c *core) *Fixture {
	c.all = &Fixture{
		c,
		databaseSteps{c},
		logSteps{c},
		lookupSteps{c},
		planSteps{c},
		personSteps{c},
		uploadSteps{c},
		noticeSteps{c},
		deliverySteps{c},
		contactSteps{c},
		guardSteps{c},
		keySteps{c},
		lifeSteps{c},
	}
	return c.all
}

// What tests do, by subject.
type (
	databaseSteps struct{ *core }
	logSteps      struct{ *core }
	lookupSteps   struct{ *core }
	planSteps     struct{ *core }
	personSteps   struct{ *core }
	uploadSteps   struct{ *core }
	noticeSteps   struct{ *core }
	deliverySteps struct{ *core }
	contactSteps  struct{ *core }
	guardSteps    struct{ *core }
	keySteps      struct{ *core }
	lifeSteps     struct{ *core }
)

// core is what all steps need.
type core struct {
	all *Fixture

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
	*auditlog.Reader
	*work.Lists

	TB       testing.TB
	Database *dbtest.Database
	DB       *store.DB // as the service's role
	Ring     *keys.Ring
	Keeper   *Keeper
	Clock    *Clock
	Damaged  atomic.Int64 // how often somebody was to be woken because of damage
	attended int          // encounters that Attend has made
}

// rules are the policy, read once: nobody can change it, and reading it costs more
// than most tests.
var rules = sync.OnceValues(func() (*policy.Enforcer, error) { return policy.New() })

// Rules returns the policy.
func Rules(tb testing.TB) *policy.Enforcer {
	tb.Helper()
	enforcer, err := rules()
	if err != nil {
		tb.Fatalf("reading policy: %v", err)
	}
	return enforcer
}

// New creates a fixture of its own for a test.
func New(tb testing.TB) *Fixture {
	tb.Helper()
	return NewWith(tb, func(*service.Config) {})
}

// NewWith creates a fixture whose configuration differs.
func NewWith(tb testing.TB, change func(*service.Config)) *Fixture {
	tb.Helper()
	k, err := local.Create(filepath.Join(tb.TempDir(), "keys.json"))
	if err != nil {
		tb.Fatalf("making keys: %v", err)
	}
	return NewOver(tb, k, change)
}

// NewOver creates a fixture with another keeper than keys in a file.
func NewOver(tb testing.TB, k keys.Keeper, change func(*service.Config)) *Fixture {
	tb.Helper()
	f := newFixture(&core{TB: tb, Database: dbtest.New(tb), Clock: &Clock{now: Noon}, Keeper: &Keeper{Keeper: k}})
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
	cfg.Policy = Rules(tb)
	change(&cfg)
	var err error
	if f.Service, err = service.New(tb.Context(), cfg); err != nil {
		tb.Fatalf("making service: %v", err)
	}
	f.open()
	tb.Cleanup(f.Service.Close)
	f.Clock.keep(f.Service)
	return f
}

// open names the rooms.
func (f *core) open() {
	s := f.Service
	f.LookUps, f.Plans, f.Persons, f.Uploads, f.Notices = s.LookUps, s.Plans, s.Persons, s.Uploads, s.Notices
	f.Channels, f.Contacts, f.Records, f.Log, f.Reader = s.Channels, s.Contacts, s.Records, s.Log, s.Proofs
	f.Lists = s.Work
}

// Another creates a second Service over the same database and keys, as another
// server would be. Its cache of keys is its own.
func (f *core) Another() *service.Service {
	f.TB.Helper()
	s := f.AnotherWith(f.OpenRing())
	f.Clock.keep(s)
	return s
}

// AnotherWith is another with given keys, which nobody keeps up with the
// database's, and a configuration that may differ.
func (f *core) AnotherWith(ring *keys.Ring, change ...func(*service.Config)) *service.Service {
	f.TB.Helper()
	cfg := service.Config{
		DB: f.DB, Ring: ring, Policy: Rules(f.TB), Log: dbtest.Origin, Now: f.Clock.Now,
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
func (f *core) loadReference() {
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
	f.Tx(f.all.owner(), func(tx *store.Tx) error {
		if _, err := tx.Directory.LoadReference(f.TB.Context(), organisations, authorities); err != nil {
			return err
		}
		return tx.Directory.SetContact(f.TB.Context(), Islington, OfficePhone, "Mon-Fri 09:00-17:00", dutyPhone, Noon)
	})
}

// AddIndexKey creates a version of the index key. Services that are opened from
// then on know it.
func (f *core) AddIndexKey(version int) {
	f.TB.Helper()
	w, err := keys.NewIndexKey(f.TB.Context(), f.Keeper, version)
	if err != nil {
		f.TB.Fatalf("making index key: %v", err)
	}
	f.Tx(f.DB, func(tx *store.Tx) error {
		return tx.Keys.InsertIndex(f.TB.Context(), store.IndexKeyRow{Version: version, Wrapped: w.Text, At: f.Clock.Now()})
	})
}

// OpenRing opens the index keys that the database has.
func (f *core) OpenRing() *keys.Ring {
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
func (f *core) Tx(db *store.DB, fn func(*store.Tx) error) {
	f.TB.Helper()
	if err := db.Tx(f.TB.Context(), fn); err != nil {
		f.TB.Fatalf("preparing database: %v", err)
	}
}

// Tag returns what entries call a person.
func (f *core) Tag(number string) []byte {
	t := f.Ring.Tag(number)
	return t[:]
}

// Explain returns an error with what it says is wrong.
func Explain(err error) string {
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
		return fmt.Sprintf("%v: %+v", err, invalid.Violations)
	}
	return fmt.Sprint(err)
}
