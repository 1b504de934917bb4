package policy

// DecideAfresh makes a decision from the rules and remembers nothing.
func (e *Enforcer) DecideAfresh(r Request) Decision {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.decide(r)
}

// Remembered says how many decisions are remembered.
func (e *Enforcer) Remembered() int { return len(*e.decisions.Load()) }

// What tests of the bounds and of the readers need.
const MaxRemembered = maxRemembered

// ReadRules reads lines of rules.
var ReadRules = readRules

// NewFromRules returns an enforcer of other rules than the embedded ones.
func NewFromRules(text string) (*Enforcer, error) {
	rules, err := readRules(text)
	if err != nil {
		return nil, err
	}
	return newEnforcer(rules)
}
