package clinician

import (
	"cpis/service/domain"
	"cpis/service/web/words"
)

// ReadList reads a list, and returns its patients as number and date, and how many lines
// are wrong.
func ReadList(pasted string, today domain.Date) (patients [][2]string, wrong []string) {
	found, bad := readList(words.In(words.English), pasted, today)
	for _, one := range found {
		patients = append(patients, [2]string{one.Number, one.Born.String()})
	}
	for _, line := range bad {
		wrong = append(wrong, words.In(words.English).List.Line.With(words.Number(line.line), line.problem))
	}
	return patients, wrong
}
