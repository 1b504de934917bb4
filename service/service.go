package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/policy"
	"cpis/service/admin"
	"cpis/service/auditlog"
	"cpis/service/deliver"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/export"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/lookup"
	"cpis/service/notice"
	"cpis/service/oversight"
	"cpis/service/person"
	"cpis/service/plan"
	"cpis/service/record"
	"cpis/service/release"
	"cpis/service/session"
	"cpis/service/store"
	"cpis/service/upload"
	"cpis/service/work"
)

// Config is what a Service is made of.
type Config struct {
	DB     *store.DB          // required
	Policy *policy.Enforcer   // required
	Ring   *keys.Ring         // required
	Log    string             // origin of the log that this server writes; required
	Hub    domain.Hub         // whom to ring if an authority must not be named; required
	Now    func() time.Time   // the service's clock; required
	Group  lookup.GroupConfig // bounds of the look-up path
	Watch  notice.WatchConfig // bounds of streams of notices
	// Senders send notices on. Authorities can have channels of these kinds
	// only.
	Senders map[deliver.ChannelKind]deliver.Sender
	// LogPace is how many old entries of the log are read again in a second; 0
	// means auditlog.DefaultPace.
	LogPace int
	// Kept is the log's newest checkpoint, kept outside of the database; nil
	// keeps none.
	Kept auditlog.Kept
	// KeepExports is how long exports of reports are kept; 0 means
	// export.DefaultKeep.
	KeepExports time.Duration
	// ExportRoom is how many bytes exports may take; 0 means export.DefaultRoom.
	ExportRoom int64
	// Trusted are the issuers as they are configured, for administrators; nil if
	// nobody asks.
	Trusted func() []identity.Trust
	// Sample is how many of a hundred look-ups privacy officers are shown each week;
	// 0 means oversight.DefaultSample.
	Sample  int
	Observe Observer // hears what an operator wants to count
	// Program is the program that runs, which administrators are shown.
	Program admin.Program
}

// Service is the use cases, room by room. They are safe for concurrent use.
type Service struct {
	Guard     *guard.Guard
	Strangers *guard.Strangers
	LookUps   *lookup.LookUps
	Plans     *plan.Plans
	Persons   *person.Persons
	Uploads   *upload.Uploads
	Notices   *notice.Notices
	Channels  *deliver.Channels
	Contacts  *directory.Contacts
	Records   *record.Records
	Log       *auditlog.Log
	Proofs    *auditlog.Reader
	Index     *oversight.Index
	Reports   *oversight.Reports
	Releases  *release.Releases
	Exports   *export.Exports
	Sessions  *session.Sessions
	Work      *work.Lists
	// Installation is what administrators see and change.
	Installation *admin.Installation

	observe Observer
}

// New makes a Service. It needs the keeper and the database once; afterwards
// it lives through the keeper's absence. Run or KeepKeys must run while it
// answers.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	log, err := cfg.DB.Logs.Find(ctx, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("finding the log: %w", err)
	}
	made, err := cfg.Ring.New(ctx, []string{store.ReviewKeys.Owner(uuid.Nil), "decoy"})
	if err != nil {
		return nil, fmt.Errorf("making the key for reviews: %w", err)
	}
	s := &Service{}
	s.build(&cfg, log, made[0], record.NewDecoy(made[1].Key)) //nolint:contextcheck // groups run on contexts of their callers, detached
	if err := errors.Join(s.Records.CheckKeys(ctx), s.Log.CheckKept(ctx)); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// build makes the rooms, each of those that it stands on.
func (s *Service) build(cfg *Config, log store.Log, reviews keys.NewKey, decoy *record.Decoy) {
	clock, observe := domain.Clock(cfg.Now), cfg.Observe.withDefaults()
	s.observe = observe
	db := cfg.DB.Guarded(cfg.Ring, observe.Damaged) // rows that decide something are verified
	s.Records = record.New(record.Config{
		DB: db, Ring: cfg.Ring, Clock: clock, Observe: record.Observer{Damaged: observe.Damaged},
	})
	s.LookUps = lookup.New(lookup.Config{
		DB: db, Policy: cfg.Policy, Ring: cfg.Ring, Log: log, Clock: clock, Hub: cfg.Hub, Records: s.Records,
		Decoy: decoy, Reviews: reviews, Ready: s.ready, Group: cfg.Group,
		Observe: lookup.Observer{
			Group: observe.Group, Refused: observe.Refused, Damaged: observe.Damaged, Unrecorded: observe.Unrecorded,
		},
	})
	s.Guard = guard.New(guard.Config{
		DB: db, Policy: cfg.Policy, Ring: cfg.Ring, Log: log, Clock: clock, Refusals: s.LookUps, Ready: s.ready,
		Met:     func(ctx context.Context, c *identity.Caller, as policy.Role) { s.Notices.Meet(ctx, c, as) },
		Observe: guard.Observer{Refused: observe.Refused},
	})
	s.Strangers = guard.NewStrangers(s.Guard)
	s.Log = auditlog.New(auditlog.Config{
		DB: db, Ring: cfg.Ring, Log: log, Clock: clock, Pace: cfg.LogPace, Kept: cfg.Kept,
		Observe: auditlog.Observer{
			Damaged: observe.Damaged, Tampered: observe.Tampered, Signed: observe.Signed, Unsigned: observe.Unsigned,
			Scrubbed: observe.Scrubbed,
		},
	})
	s.Proofs = auditlog.NewReader(s.Log, s.Guard)
	s.Notices = notice.New(notice.Config{
		DB: db, Ring: cfg.Ring, Clock: clock, Guard: s.Guard, Records: s.Records, Decoy: decoy, Watch: cfg.Watch,
		Observe: notice.Observer{Refused: observe.Refused, Damaged: observe.Damaged},
	})
	s.Releases = release.New(release.Config{DB: db, Ring: cfg.Ring, Clock: clock, Guard: s.Guard, Records: s.Records})
	s.Reports = oversight.New(oversight.Config{
		DB: db, Ring: cfg.Ring, Log: log, Clock: clock, Guard: s.Guard, Records: s.Records, Notices: s.Notices, Releases: s.Releases,
		Ready: s.ready, Observe: oversight.Observer{Damaged: observe.Damaged}, Sample: cfg.Sample,
	})
	s.Index = oversight.NewIndex(oversight.IndexConfig{
		DB: db, Clock: clock, Submitted: s.LookUps.Submitted, Observe: oversight.Observer{Damaged: observe.Damaged},
	})
	s.Exports = export.New(export.Config{
		DB: db, Ring: cfg.Ring, Log: log, Clock: clock, Guard: s.Guard, Records: s.Records, Reports: s.Reports, Logs: s.Proofs,
		Submitted: s.LookUps.Submitted, Keep: cfg.KeepExports, Room: cfg.ExportRoom,
	})
	s.Sessions = session.New(session.Config{DB: db, Ring: cfg.Ring, Clock: clock, Guard: s.Guard})
	s.Contacts = directory.New(directory.Config{
		DB: db, Clock: clock, Hub: cfg.Hub, Guard: s.Guard, Notices: s.Notices, Ready: s.ready,
	})
	s.Plans = plan.New(plan.Config{
		DB: db, Ring: cfg.Ring, Clock: clock, Guard: s.Guard, Records: s.Records, Notices: s.Notices,
	})
	s.Work = work.New(work.Config{DB: db, Clock: clock, Guard: s.Guard, Records: s.Records, Ready: s.ready})
	s.Installation = admin.New(admin.Config{
		Guard: s.Guard, Policy: cfg.Policy, DB: db, Clock: clock, Log: log, Keeper: cfg.Ring.Keeper().Ready, Undamaged: s.Log.Undamaged,
		ReadAgain: s.Log.ReadAgain, UnderWay: s.LookUps.UnderWay, Program: cfg.Program, Kept: cfg.kept(),
		Trusted: cfg.trusted(),
	})
	s.Persons = person.New(person.Config{
		DB: db, Ring: cfg.Ring, Clock: clock, Guard: s.Guard, Records: s.Records, Notices: s.Notices,
		Observe: person.Observer{Damaged: observe.Damaged},
	})
	s.Uploads = upload.New(upload.Config{
		DB: db, Ring: cfg.Ring, Clock: clock, Guard: s.Guard, Records: s.Records, Notices: s.Notices, Plans: s.Plans,
		Ready: s.ready, Submitted: s.LookUps.Submitted,
	})
	s.Channels = deliver.New(deliver.Config{
		DB: db, Ring: cfg.Ring, Clock: clock, Guard: s.Guard, Records: s.Records, Notices: s.Notices,
		Senders: cfg.Senders, Ready: s.ready, Observe: deliver.Observer{Sent: observe.Sent},
	})
}

// kept is how long what is kept, as administrators are shown it.
func (c *Config) kept() []admin.Kept {
	return []admin.Kept{
		{What: "Answers to requests that may be sent again", For: guard.AnswersKept},
		{What: "Log-ins to the pages, at most", For: session.Longest},
		{What: "What was typed into pages and not sent", For: session.KeepDraft},
		{What: "Reports as files", For: cmp.Or(c.KeepExports, export.DefaultKeep)},
		{What: "Files of plans, once they are applied, rejected or given up", For: upload.KeptFor},
		{What: "Colleagues to whom notices can be given, since they were last seen", For: notice.ColleaguesKept},
		{What: "Plans, their versions, who looked, notices and entries of the log"},
	}
}

// trusted are the issuers, if somebody knows them.
func (c *Config) trusted() func() []identity.Trust {
	if c.Trusted == nil {
		return func() []identity.Trust { return nil }
	}
	return c.Trusted
}

func (c *Config) check() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New("service needs "+what))
		}
	}
	need(c.DB != nil, "a database")
	need(c.Policy != nil, "a policy")
	need(c.Ring != nil, "keys")
	need(c.Log != "", "the origin of its log")
	need(c.Hub.Phone != "", "the phone number of a hub")
	need(c.Now != nil, "a clock")
	return errors.Join(errs...)
}

// ready says whether anything may be answered: the log is intact, and the index
// keys are the database's.
func (s *Service) ready() error {
	if err := s.Log.Intact(); err != nil {
		return err
	}
	return s.Records.FreshKeys()
}

// Close finishes the look-ups under way and refuses new ones.
func (s *Service) Close() { s.LookUps.Close() }

// Intact says whether the log can be continued: nil, or guard.ErrDamaged.
func (s *Service) Intact(context.Context) error { return s.Log.Intact() }

// Undamaged says whether anything of the log was found to be damaged since the
// start, also if that is no reason not to answer.
func (s *Service) Undamaged(context.Context) error { return s.Log.Undamaged() }
