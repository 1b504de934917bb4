package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/keys"
	"cpis/service/store"
)

// Config is what a Service is made of.
type Config struct {
	DB     *store.DB        // required
	Policy *policy.Enforcer // required
	Ring   *keys.Ring       // required
	Log    string           // origin of the log that this server writes; required
	Hub    Hub              // whom to ring where an authority must not be named; required
	Now    func() time.Time // the service's clock; required
	Group  GroupConfig      // bounds of the look-up path
	Watch  WatchConfig      // bounds of streams of notices
	// Senders send notices on. Authorities can have channels of these kinds
	// only.
	Senders map[ChannelKind]Sender
	Observe Observer // hears what an operator wants to count
}

// Observer is told of events that an operator counts. Its functions must be
// quick, and are told nothing about anybody; those that are nil are not called.
type Observer struct {
	Group      func(size int, took time.Duration) // a group was committed
	Refused    func()                             // a look-up, change or upload was refused by overload
	Damaged    func(table string)                 // something stored does not verify: wake somebody
	Unrecorded func(err error)                    // the log could not be written: wake somebody
	Signed     func(size int64, at time.Time)     // the checkpoint covers all entries, that many
	Unsigned   func(err error)                    // a checkpoint could not be made
	Sent       func(kind ChannelKind, ok bool)    // a notice was delivered, or could not be this time
}

// withDefaults fills in functions that do nothing.
func (o Observer) withDefaults() Observer {
	none := Observer{
		Group: func(int, time.Duration) {}, Refused: func() {}, Damaged: func(string) {}, Unrecorded: func(error) {},
		Signed: func(int64, time.Time) {}, Unsigned: func(error) {}, Sent: func(ChannelKind, bool) {},
	}
	given, all := reflect.ValueOf(o), reflect.ValueOf(&none).Elem()
	for i := range all.NumField() {
		if !given.Field(i).IsNil() {
			all.Field(i).Set(given.Field(i))
		}
	}
	return none
}

// Service is the use cases. It is safe for concurrent use.
type Service struct {
	db       *store.DB
	policy   *policy.Enforcer
	ring     *keys.Ring
	log      store.Log
	hub      Hub
	now      func() time.Time
	observe  Observer
	group    *group
	decoy    *decoy
	reviews  atomic.Pointer[reviewKey] // seals the reasons of break-glass
	acts     slots                     // to have a transaction of the door
	arrivals *turns                    // to send files
	turns    *turns                    // to have them worked on
	watchers *watchers
	met      met // colleagues who need not be remembered again today
	senders  map[ChannelKind]Sender
	tiles    sync.Map    // store.LogID → audit.Tiles
	broken   atomic.Bool // the log was tampered with: nothing is answered any more

	dispatcher *dispatcher

	checking  sync.Mutex                // held while index keys are checked
	confirmed atomic.Pointer[time.Time] // when the index keys in memory were last the database's

	signing  sync.Mutex // held while the signer works; guards what follows
	chunk    int64      // signChunk
	signed   audit.Tree // of the newest checkpoint that this server has checked or made
	verified audit.Tree // how far it has read the entries behind that
}

// New makes a Service. It needs the keeper and the database once; afterwards
// it lives through the keeper's absence. KeepKeys must run while it answers.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	began := cfg.Now()
	log, err := cfg.DB.Log(ctx, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("finding the log: %w", err)
	}
	made, err := cfg.Ring.New(ctx, []string{store.ReviewKeys.Owner(uuid.Nil), "decoy"})
	if err != nil {
		return nil, fmt.Errorf("making the key for reviews: %w", err)
	}
	s := &Service{
		db: cfg.DB.Guarded(cfg.Ring, cfg.Observe.withDefaults().Damaged), policy: cfg.Policy, ring: cfg.Ring, log: log, hub: cfg.Hub,
		now: cfg.Now, observe: cfg.Observe.withDefaults(), decoy: newDecoy(made[1].Key),
		acts: newActs(cfg.DB), arrivals: newTurns(maxReceiving, maxReceivingEach),
		turns: newTurns(maxWorking, 1), watchers: newWatchers(cfg.Watch), chunk: signChunk,
		senders: maps.Clone(cfg.Senders), dispatcher: newDispatcher(),
	}
	s.reviews.Store(&reviewKey{made[0], began})
	if err := s.CheckKeys(ctx); err != nil {
		return nil, err
	}
	s.group = newGroup(s, cfg.Group) //nolint:contextcheck // groups run on contexts of their callers, detached
	return s, nil
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

// Close finishes the look-ups under way and refuses new ones.
func (s *Service) Close() { s.group.close() }

// Intact says whether the log was found to be as it was signed: nil, or
// ErrDamaged for good.
func (s *Service) Intact(context.Context) error {
	if s.broken.Load() {
		return ErrDamaged
	}
	return nil
}

// newID makes an identifier that sorts by time of making.
func newID() uuid.UUID {
	return uuid.Must(uuid.NewV7()) // fails only where there is no randomness
}
