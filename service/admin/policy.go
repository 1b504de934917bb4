package admin

import (
	"context"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// GetPolicyRequest asks for the rules in force.
type GetPolicyRequest struct {
	Role    string // only those that this role has; all if empty
	Request string // request id
}

// Policy are the rules in force. What none of them allows is refused.
type Policy struct {
	guard.Receipt

	Hash  string // as entries of the log name the policy
	Rules []Rule // in the order in which they are tried
}

// Rule is one right, in the policy's words and in plain ones.
type Rule struct {
	ID        string // as entries name it
	Role      string // who; "any" for every role
	Place     string // class of organisation, or a group of classes
	Action    string
	Mode      string // of look-ups; empty for other actions
	Own       bool   // only what belongs to the caller's organisation
	Assurance int    // least level of the log-in, if it is stated
	Claimed   bool   // by break-glass
	Duty      string // care, managing, auditing or none
	Text      string // all of it, as a sentence
	Where     string // the place, in plain words
	Deed      string // the action and its mode, in plain words
}

// GetPolicy returns the rules by which everything is decided.
func (s *Installation) GetPolicy(ctx context.Context, c *identity.Caller, q *GetPolicyRequest) (*Policy, error) {
	var check domain.Reader
	only := readRole(&check, q.Role)
	a := guard.Act{Caller: c, Action: policy.ExplainPolicy, Request: q.Request, Check: check.Err()}
	return guard.Answer(ctx, s.guard, a, func(context.Context, *store.Tx, *audit.Entry) (*Policy, error) {
		out := &Policy{Hash: s.policy.Hash()}
		for _, r := range s.policy.Rules() {
			if only == 0 || r.Role == 0 || r.Role == only {
				out.Rules = append(out.Rules, ruleOf(&r))
			}
		}
		return out, nil
	})
}

// readRole reads the name of a role that may be left out.
func readRole(c *domain.Reader, name string) policy.Role {
	role, known := policy.ParseRole(name)
	if name != "" && !known {
		c.Add("role", "is no role of the policy", exampleRole)
	}
	return role
}

func ruleOf(r *policy.Rule) Rule {
	who := "any"
	if r.Role != 0 {
		who = r.Role.String()
	}
	return Rule{
		ID: r.ID, Role: who, Place: string(r.Class), Action: string(r.Action), Mode: string(r.Mode), Own: r.Own,
		Assurance: r.Assurance, Claimed: r.Claimed, Duty: string(r.Duty),
		Text: ruleText(r), Where: begin(placeTexts[r.Class].name), Deed: begin(deed(r.Action, r.Mode)),
	}
}
