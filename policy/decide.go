package policy

// question is what the rules are asked about each role that a caller holds.
type question struct {
	class  Class
	action Action
	mode   Mode
	circumstances
}

// circumstances are what a right can depend on beside who, where and what.
type circumstances struct {
	own        bool
	assurance  int
	claimed    bool // by break-glass
	conflicted bool // the caller holds a managing and an auditing role
}

// ideal are the circumstances in which every right that is held applies.
var ideal = circumstances{own: true, assurance: 3}

// decide makes a decision from the rules.
func (e *Enforcer) decide(r Request) Decision {
	q := question{class: r.Class, action: r.Action, mode: e.mode(r)}
	q.circumstances = circumstances{
		own:        r.Own,
		assurance:  r.Assurance,
		claimed:    r.BreakGlass && !e.holds(r.Roles, q),
		conflicted: r.Roles&e.managing != 0 && r.Roles&e.auditing != 0,
	}
	d := Decision{Mode: r.Action.shown(q.mode)}
	if d.Role, d.Rule, d.Allowed = e.find(r.Roles, q); d.Allowed {
		d.BreakGlass = q.claimed // a right that is held was found unclaimed
		return d
	}
	d.Role, d.Rule = r.Roles.Lowest(), e.reason(r.Roles, q)
	return d
}

// mode settles in which mode a request is asked. If it does not say, the
// caller's right decides, and if that allows both modes or none, the one
// that tells more people. How strongly somebody signed in plays no part: it
// must not make a look-up silent.
func (e *Enforcer) mode(r Request) Mode {
	modes := r.Action.Modes()
	if r.Mode != Unspecified || len(modes) == 0 {
		return r.Mode
	}
	for _, m := range modes {
		if e.holds(r.Roles, question{class: r.Class, action: r.Action, mode: m}) {
			return m
		}
	}
	return modes[0]
}

// holds reports whether the caller has the right in the best of circumstances.
func (e *Enforcer) holds(roles Roles, q question) bool {
	q.circumstances = ideal
	_, _, ok := e.find(roles, q)
	return ok
}

// reason says why a request is refused: the first circumstance that stands in
// the way when all those after it are taken as they should be.
func (e *Enforcer) reason(roles Roles, q question) string {
	given := q.circumstances
	q.circumstances = ideal
	q.claimed = given.claimed
	if _, _, ok := e.find(roles, q); !ok {
		return e.noRight(roles, q)
	}
	q.conflicted = given.conflicted
	if _, _, ok := e.find(roles, q); !ok {
		return ConflictingRoles
	}
	q.own = given.own
	if _, _, ok := e.find(roles, q); !ok {
		return NotOwn
	}
	return AssuranceTooLow
}

// noRight tells a caller of the wrong mode from one who has no right at all.
func (e *Enforcer) noRight(roles Roles, q question) string {
	if q.mode == Unspecified {
		return NoRule
	}
	for _, other := range q.action.Modes() {
		if e.holds(roles, question{class: q.class, action: q.action, mode: other}) {
			return ModeNotHeld
		}
	}
	return NoRule
}

// find asks for each role in turn and returns the first that has the right,
// with the rule that gives it.
func (e *Enforcer) find(roles Roles, q question) (Role, string, bool) {
	for role := range roles.All() {
		// An error is a refusal. New has shown that there is none to come.
		if rule, ok, err := e.ask(role, q); err == nil && ok {
			return role, rule, true
		}
	}
	return 0, "", false
}

// ask puts the question to the rules for one role, and returns the identifier
// of the rule that allows it.
func (e *Enforcer) ask(role Role, q question) (string, bool, error) {
	ok, rule, err := e.casbin.EnforceEx(
		role.String(), string(q.class), string(q.action), string(q.mode),
		Fits(role, q.class), q.own, level(q.assurance), q.claimed, q.conflicted,
	)
	if err != nil || !ok || len(rule) == 0 {
		return "", false, err
	}
	return rule[0], true, nil
}
