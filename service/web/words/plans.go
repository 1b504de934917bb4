package words

import (
	"strings"

	"cpis/service/domain"
)

// Name writes a name as people say it, the family name last.
func Name(given, family string) string { return strings.TrimSpace(given + " " + family) }

// Of names a kind of plan.
func (k *Kinds) Of(kind domain.Kind) string {
	switch kind {
	case domain.CPP:
		return k.CPP
	case domain.LAC:
		return k.LAC
	case domain.UCPP:
		return k.UCPP
	}
	return ""
}

// Note says what it means to care staff that a plan is of a kind.
func (k *Kinds) Note(kind domain.Kind) string {
	switch kind {
	case domain.CPP:
		return k.CPPNote
	case domain.LAC:
		return k.LACNote
	case domain.UCPP:
		return k.UCPPNote
	}
	return ""
}

// Of names a legal basis; a plan that has none has no text.
func (b *Bases) Of(basis domain.Basis) string {
	switch basis {
	case domain.S20:
		return b.S20
	case domain.S31:
		return b.S31
	case domain.S38:
		return b.S38
	case domain.NoBasis:
	}
	return ""
}

// Of says what was done with a plan, by the word that its version has.
func (a *PlanActs) Of(act string) string {
	texts := map[string]string{
		"register": a.Register, "amend": a.Amend, "end": a.End, "remove": a.Remove, "birth": a.Birth, "upload": a.Upload,
		"transfer_proposed": a.Offered, "transfer_accepted": a.TakenOver, "transfer_declined": a.Declined, "transfer_withdrawn": a.Withdrawn,
		"merge": a.Merged, "unmerge": a.Unmerged,
	}
	if text := texts[act]; text != "" {
		return text
	}
	return a.Amend
}
