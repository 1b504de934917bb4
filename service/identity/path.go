package identity

import (
	"encoding/json"
	"errors"
	"strings"
)

// path says where in the claims a value stands. Its text is a list of names
// with dots between them; a name leads into an object. A name followed by
// [member=claim] leads into the one object of a list whose member equals the
// top-level claim: that is how the selected one of several job roles is found.
//
//	organisation
//	act.organisation.code
//	nhsid_nrbac_roles[person_roleid=selected_roleid].org_code
//	"https://idp.example/claims/organisation"
//
// A name that holds a dot or one of []=" is written in double quotes, inside
// which " and \ cannot occur.
type path []step

type step struct {
	name          string
	member, claim string // of a list: choose by member; empty for an object
}

var errPath = errors.New(`is not a claim path such as name, a.b or list[member=claim].name`)

// parsePath reads the text of a path.
func parsePath(text string) (path, error) {
	var p path
	for rest := text; ; {
		s, after, ok := parseStep(rest)
		if !ok {
			return nil, errPath
		}
		p = append(p, s)
		if after == "" {
			return p, nil
		}
		if rest, ok = strings.CutPrefix(after, "."); !ok {
			return nil, errPath
		}
	}
}

func parseStep(text string) (s step, rest string, ok bool) {
	if s.name, rest, ok = parseName(text); !ok || !strings.HasPrefix(rest, "[") {
		return s, rest, ok
	}
	if s.member, rest, ok = parseName(rest[1:]); !ok {
		return s, rest, false
	}
	if rest, ok = strings.CutPrefix(rest, "="); !ok {
		return s, rest, false
	}
	if s.claim, rest, ok = parseName(rest); !ok {
		return s, rest, false
	}
	rest, ok = strings.CutPrefix(rest, "]")
	return s, rest, ok
}

func parseName(text string) (name, rest string, ok bool) {
	if quoted, is := strings.CutPrefix(text, `"`); is {
		name, rest, ok = strings.Cut(quoted, `"`)
		return name, rest, ok && name != "" && !strings.Contains(name, `\`)
	}
	end := strings.IndexAny(text, `.[]="`)
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:], end > 0
}

// find returns the value at the path, or nil if there is none, or if a choice
// in a list fits no object or more than one.
func (p path) find(claims map[string]any) any {
	var v any = claims
	for _, s := range p {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[s.name]
		if s.member != "" {
			v = choose(v, s.member, claims[s.claim])
		}
	}
	return v
}

// choose returns the only object of a list whose member is the text wanted.
func choose(list any, member string, wanted any) any {
	want, ok := wanted.(string)
	if !ok || want == "" {
		return nil
	}
	var found any
	objects, _ := list.([]any)
	for _, o := range objects {
		object, _ := o.(map[string]any)
		if object[member] != any(want) {
			continue
		}
		if found != nil {
			return nil
		}
		found = o
	}
	return found
}

// texts returns the texts of a value that may be a list of texts, or one text
// with spaces between the parts as OAuth writes scopes. Numbers count as they
// are written. Nothing comes of any other value.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Fields(v)
	case json.Number:
		return []string{v.String()}
	case []any:
		var all []string
		for _, one := range v {
			switch one := one.(type) {
			case string:
				all = append(all, one)
			case json.Number:
				all = append(all, one.String())
			}
		}
		return all
	}
	return nil
}
