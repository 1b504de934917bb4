package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// ExplainPolicyRequest asks what the policy decides about somebody: about nobody in
// particular. Its texts are words of the policy, as the log has them.
type ExplainPolicyRequest struct {
	Role         string // one, or several that are held at once, with commas between them
	Class        string // of the organisation; or else
	Organisation string // its code
	Action       string
	Mode         string // of a look-up: unscheduled or scheduled; empty if that would not be said
	OfAnother    bool   // what is acted upon belongs to another organisation
	Assurance    int    // level of the log-in; 0 if that is not stated
	BreakGlass   bool   // the right is claimed, and why is said
	Request      string // request id
}

// Explanation is what the policy decides, and why.
type Explanation struct {
	guard.Receipt

	Allowed    bool
	Rule       string // identifier of the rule that allows it; or the reason of the refusal, as the log has it
	Role       string // by which it is allowed
	Class      string // of the organisation
	Mode       string // under which a look-up is made, or was refused
	BreakGlass bool   // it is allowed because it was claimed
	Answer     string // all of it, as a sentence
	Why        []string
	Others     []Rule // of a refusal: by which somebody may do it
}

// Right values, shown beside what is wrong.
const (
	exampleRole   = "safeguarding_lead"
	exampleClass  = "acute_trust"
	exampleAction = "look_up"
)

// ExplainPolicy says what the policy decides, and why: it asks the enforcer that
// decides about everybody. Its own error is ErrNotFound of an organisation that is
// not known.
func (s *Installation) ExplainPolicy(ctx context.Context, c *identity.Caller, q *ExplainPolicyRequest) (*Explanation, error) {
	var check domain.Reader
	asked := q.read(&check)
	a := guard.Act{Caller: c, Action: policy.ExplainPolicy, Request: q.Request, Check: check.Err()}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*Explanation, error) {
		here := asked
		if q.Organisation != "" {
			class, err := classOf(ctx, tx, q.Organisation)
			if err != nil {
				return nil, err
			}
			here.Class = class
		}
		return s.explain(here), nil
	})
}

// classOf returns the class of an organisation or local authority.
func classOf(ctx context.Context, tx *store.Tx, code string) (policy.Class, error) {
	_, err := tx.Directory.Authority(ctx, code)
	if !errors.Is(err, store.ErrNotFound) {
		return policy.LocalAuthority, err
	}
	o, err := tx.Directory.Organisation(ctx, code)
	return policy.Class(o.Class), err
}

// read reads a question, and notes what is wrong with it.
func (q *ExplainPolicyRequest) read(c *domain.Reader) policy.Request {
	r := policy.Request{
		Class: policy.Class(q.Class), Action: policy.Action(q.Action), Mode: policy.Mode(q.Mode),
		Own: !q.OfAnother, Assurance: q.Assurance, BreakGlass: q.BreakGlass,
	}
	for name := range strings.SplitSeq(q.Role, ",") {
		role, known := policy.ParseRole(strings.TrimSpace(name))
		if !known {
			c.Add("role", "must be a role of the policy, or several with commas between them", exampleRole)
			break
		}
		r.Roles |= policy.Roles(role)
	}
	if _, known := policy.ParseAction(q.Action); !known {
		c.Add("action", "is no action of the policy", exampleAction)
	}
	if _, known := policy.ParseClass(q.Class); !known && (q.Class != "" || q.Organisation == "") {
		c.Add("class", "must be a class of organisation, if no organisation is named", exampleClass)
	}
	if q.Class != "" && q.Organisation != "" {
		c.Add("organisation", "has a class of its own: name one of the two", "")
	}
	if q.Mode != "" && !slices.Contains(r.Action.Modes(), r.Mode) {
		c.Add("access_mode", "is not one in which that is done", "")
	}
	if q.Assurance < 0 || q.Assurance > 3 {
		c.Add("assurance", "must be 1 to 3, or 0 if it is not stated", "3")
	}
	return r
}

// explain asks the enforcer, and puts its decision into words.
func (s *Installation) explain(r policy.Request) *Explanation {
	d := s.policy.Decide(r)
	out := &Explanation{
		Allowed: d.Allowed, Rule: d.Rule, Class: string(r.Class), Mode: string(d.Mode), BreakGlass: d.BreakGlass,
		Answer: answer(&r, &d),
	}
	if d.Allowed {
		out.Role, out.Why = d.Role.String(), s.whyAllowed(&r, &d)
		return out
	}
	out.Why = s.whyRefused(r, &d)
	for _, rule := range s.policy.Rules() {
		if rule.Action == r.Action && rule.Mode == d.Mode {
			out.Others = append(out.Others, ruleOf(&rule))
		}
	}
	return out
}

// answer is a decision as a sentence.
func answer(r *policy.Request, d *policy.Decision) string {
	verb, yes := " may not ", "No: "
	if d.Allowed {
		verb, yes = " may ", "Yes: "
	}
	text := yes + placeTexts[r.Class].at + ", " + whoText(r.Roles) + verb + deed(r.Action, d.Mode)
	if !r.Own {
		text += ", for another organisation"
	}
	return text + "."
}

// whoText names somebody by the roles that they hold.
func whoText(roles policy.Roles) string {
	var all []string
	for role := range roles.All() {
		all = append(all, a(role.Title()))
	}
	if len(all) == 1 {
		return all[0]
	}
	return "somebody who is " + strings.Join(all, " and ")
}

// whyAllowed says which rule allows it, and what comes with that.
func (s *Installation) whyAllowed(r *policy.Request, d *policy.Decision) []string {
	var why []string
	if rule, known := s.rule(d.Rule); known {
		why = append(why, "Rule "+rule.ID+": "+ruleText(&rule))
	}
	if len(r.Action.Modes()) > 1 && r.Mode == policy.Unspecified {
		why = append(why, "The request does not say which kind of visit it is. By this role it counts as one of a patient "+modeTexts[d.Mode]+".")
	}
	if d.BreakGlass {
		why = append(why, "The local authority is told, and a privacy officer reviews it.")
	}
	if r.Assurance == 0 {
		why = append(why, "How strong the log-in is was not stated, so any passes.")
	}
	return why
}

// rule finds a rule by its identifier.
func (s *Installation) rule(id string) (policy.Rule, bool) {
	rules := s.policy.Rules()
	i := slices.IndexFunc(rules, func(r policy.Rule) bool { return r.ID == id })
	if i < 0 {
		return policy.Rule{}, false
	}
	return rules[i], true
}

// whyRefused says what stands in the way, and what would help.
func (s *Installation) whyRefused(r policy.Request, d *policy.Decision) []string {
	var why []string
	switch d.Rule {
	case policy.NoRule:
		why = append(misfits(&r), "No rule lets them do that there, whatever the circumstances.")
	case policy.ModeNotHeld:
		why = []string{"They may look up only a patient " + modeTexts[otherMode(d.Mode)] + "."}
	case policy.ConflictingRoles:
		why = []string{"They hold a role that manages and a role that audits. Nobody may do both: until one of the two is taken away, neither counts."}
	case policy.NotOwn:
		why = []string{"Their right covers only what is their own organisation's." + s.by(r, func(r *policy.Request) { r.Own, r.Assurance = true, 3 })}
	case policy.AssuranceTooLow:
		why = []string{"They have the right, but did not log in strongly enough for it." + s.by(r, func(r *policy.Request) { r.Assurance = 3 })}
	}
	return append(why, s.byClaim(r)...)
}

func otherMode(m policy.Mode) policy.Mode {
	if m == policy.Unscheduled {
		return policy.Scheduled
	}
	return policy.Unscheduled
}

// misfits names the roles that cannot be held at a class of organisation.
func misfits(r *policy.Request) []string {
	var all []string
	for role := range r.Roles.All() {
		if !policy.Fits(role, r.Class) {
			all = append(all, "Nobody can be "+a(role.Title())+" "+placeTexts[r.Class].at+": the role counts for nothing there.")
		}
	}
	return all
}

// by says which rule would allow a request that is changed.
func (s *Installation) by(r policy.Request, change func(*policy.Request)) string {
	change(&r)
	rule, known := s.rule(s.policy.Decide(r).Rule)
	if !known {
		return ""
	}
	return " Rule " + rule.ID + ": " + ruleText(&rule)
}

// byClaim says that break-glass would help, if it would.
func (s *Installation) byClaim(r policy.Request) []string {
	if r.BreakGlass {
		return nil
	}
	r.BreakGlass = true
	d := s.policy.Decide(r)
	rule, known := s.rule(d.Rule)
	if !d.Allowed || !known {
		return nil
	}
	return []string{
		"They can claim the right for one patient, and say why. Rule " + rule.ID + ": " + ruleText(&rule),
		"The local authority is told, and a privacy officer reviews it.",
	}
}
