package planfile

import "slices"

// ceased is why an episode of care ended.
type ceased int

const (
	ceasedSilent  ceased = iota // nothing is said
	ceasedNext                  // another episode begins on the same day: X1
	ceasedCare                  // the child is not looked after any more
	ceasedStrange               // what is said is not understood
)

// endingCodes are the codes of the yearly return for leaving care.
var endingCodes = []string{
	"E2", "E3", "E4", "E4A", "E4B", "E5", "E6", "E7", "E8", "E9", "E11", "E12", "E13", "E14", "E15", "E16", "E17",
	"E41", "E42", "E43", "E44", "E45", "E46", "E47", "E48",
}

// nextWords are how the words of X1 begin. Systems that cut texts off leave
// that much.
var nextWords = []string{
	"episode ceases and new episode begins", "episode ceased and new episode begins", "episode ceases and a new episode begins",
	"episode ceases new episode begins", "new episode begins",
}

// endingWords are how the words of the other codes begin.
var endingWords = []string{
	"adopted application", "adopted consent", "died", "care taken over by another", "returned home to live",
	"left care to live with parent", "left care to live with relative", "residence order", "child arrangement order",
	"child arrangements order", "special guardianship", "moved into independent living",
	"transferred to residential care funded by adult", "period of being looked after ceased", "sentenced to custody",
	"accommodation on remand ended", "age assessment determined", "child moved abroad", "aged 18",
}

// parseCeased reads why an episode ended: the code, with or without what it
// means, or the meaning alone.
func parseCeased(cell string) ceased {
	if cell == "" {
		return ceasedSilent
	}
	code, rest := cutCode(cell)
	coded := ceasedCare
	if code == "X1" {
		coded = ceasedNext
	} else if !slices.Contains(endingCodes, code) {
		return ceasedMeaning(cell)
	}
	if meant := ceasedMeaning(rest); meant != ceasedStrange && meant != coded {
		return ceasedStrange // the code says one thing, and the words another
	}
	return coded
}

// ceasedMeaning reads the words of a reason.
func ceasedMeaning(cell string) ceased {
	w := wordingOf(cell)
	switch {
	case w.beginsAny(nextWords):
		return ceasedNext
	case w.words == "adopted" || w.beginsAny(endingWords):
		return ceasedCare
	}
	return ceasedStrange
}

// changeWords are how the words begin by which an episode follows another one
// of the same period of care.
var changeWords = []string{"change of legal status", "change of placement"}

// parseContinues reports whether an episode began because something changed
// for a child that was looked after already. The other reason, and what is not
// understood, say nothing: whether the episode before it ended care does.
func parseContinues(cell string) bool {
	tokens := tokensOf(cell)
	coded := len(tokens) > 0 && slices.Contains([]string{"l", "p", "t", "b", "u"}, tokens[0])
	return coded || wordingOf(cell).beginsAny(changeWords)
}
