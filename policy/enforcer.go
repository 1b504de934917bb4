package policy

import (
	_ "embed" // the model and the rules
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
)

var (
	//go:embed model.conf
	modelText string
	//go:embed policy.csv
	rulesText string
)

// Enforcer decides. It never changes: other rules are another Enforcer. It is
// safe for concurrent use.
type Enforcer struct {
	rules     []Rule
	text      string
	hash      string // of text
	managing  Roles  // the roles that have a right of managing
	auditing  Roles  // the roles that have a right of auditing
	decisions atomic.Pointer[map[Request]Decision]

	mu     sync.Mutex // held while a decision is made for the first time
	casbin *casbin.Enforcer
}

// maxRemembered bounds the remembered decisions. A service meets a few hundred
// different requests; when there are more than this, remembering starts afresh.
const maxRemembered = 1024

// New returns an enforcer of the embedded rules, as changed by the overrides.
// It refuses rules that break what the package promises: identifiers are
// unique, no role both manages and audits, and overrides do not weaken what an
// action asks for.
func New(overrides ...Override) (*Enforcer, error) {
	embedded, err := readRules(rulesText)
	if err != nil {
		return nil, fmt.Errorf("reading the embedded rules: %w", err)
	}
	rules, err := override(embedded, overrides)
	if err != nil {
		return nil, err
	}
	return newEnforcer(rules)
}

func newEnforcer(rules []Rule) (*Enforcer, error) {
	e := &Enforcer{rules: rules, text: textOf(rules)}
	e.hash = HashOf(e.text)
	e.decisions.Store(&map[Request]Decision{})
	if err := e.checkDuties(); err != nil {
		return nil, err
	}
	m, err := model.NewModelFromString(modelText)
	if err != nil {
		return nil, fmt.Errorf("reading the model: %w", err)
	}
	for _, r := range rules {
		if err := m.AddPolicy("p", "p", r.fields()); err != nil {
			return nil, fmt.Errorf("adding rule %q: %w", r.ID, err)
		}
	}
	if e.casbin, err = casbin.NewEnforcer(m); err != nil {
		return nil, fmt.Errorf("making the enforcer: %w", err)
	}
	e.casbin.AddFunction("within", within)
	return e, e.try()
}

// within lets the model ask whether a class belongs to a group.
func within(args ...any) (any, error) {
	if len(args) != 2 {
		return nil, errors.New("within takes a class and a place")
	}
	class, isClass := args[0].(string)
	place, isPlace := args[1].(string)
	if !isClass || !isPlace {
		return nil, errors.New("within takes texts")
	}
	return Class(class).within(Class(place)), nil
}

// checkDuties notes which roles manage and which audit.
func (e *Enforcer) checkDuties() error {
	seen := make(map[string]bool, len(e.rules))
	for _, r := range e.rules {
		if seen[r.ID] {
			return fmt.Errorf("rule %q: identifier used twice", r.ID)
		}
		seen[r.ID] = true
		switch r.Duty {
		case Managing:
			e.managing |= Roles(r.Role)
		case Auditing:
			e.auditing |= Roles(r.Role)
		case Care, NoDuty:
		}
	}
	if both := e.managing & e.auditing; both != 0 {
		return fmt.Errorf("%v: nobody both manages and audits", both)
	}
	return nil
}

// try has every rule evaluated to its end, so that a model that cannot be
// evaluated shows when the service starts and not as refusals while it runs.
func (e *Enforcer) try() error {
	for _, r := range e.rules {
		roles := Roles(r.Role)
		if r.Role == 0 {
			roles = RolesOf(AllRoles()...)
		}
		for _, class := range AllClasses() {
			q := question{class: class, action: r.Action, mode: r.Mode, circumstances: ideal}
			if _, _, err := e.ask(roles.Lowest(), q); err != nil {
				return fmt.Errorf("trying rule %q: %w", r.ID, err)
			}
		}
	}
	return nil
}

// Rules returns the rules in force, in the order in which they are tried.
func (e *Enforcer) Rules() []Rule { return slices.Clone(e.rules) }

// Decide answers a request. Decisions are remembered, so that all but the
// first of a kind cost one look into a map.
func (e *Enforcer) Decide(r Request) Decision {
	if d, ok := (*e.decisions.Load())[r]; ok {
		return d
	}
	return e.remember(r)
}

// remember makes a decision and adds it to the remembered ones. They are copied
// and swapped, so that readers need no lock.
func (e *Enforcer) remember(r Request) Decision {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := *e.decisions.Load()
	if d, ok := before[r]; ok {
		return d
	}
	d := e.decide(r)
	after := make(map[Request]Decision, len(before)+1)
	if len(before) < maxRemembered {
		maps.Copy(after, before)
	}
	after[r] = d
	e.decisions.Store(&after)
	return d
}
