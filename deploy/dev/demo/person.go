package demo

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Person is somebody invented.
type Person struct {
	NHSNumber     string // ten digits
	Family, Given string
	Born          time.Time
}

// The people of the cases.
var (
	Flagged    = Person{number(1), "Ashdown", "Robin", day(2019, time.April, 30)}
	Several    = Person{number(2), "Pendry", "Kai", day(2013, time.September, 12)}
	Mother     = Person{number(3), "Marlowe", "Jess", day(2001, time.February, 3)}
	Ended      = Person{number(4), "Quill", "Tamsin", day(2016, time.July, 21)}
	Expired    = Person{number(5), "Thorne", "Bilal", day(2015, time.January, 9)}
	Restricted = Person{number(6), "Vale", "Sasha", day(2014, time.November, 2)}
	NotHeld    = Person{number(7), "Wren", "Alex", day(2018, time.May, 17)}
	// Moving is known to Camden, and moves to Islington.
	Moving = Person{number(8), "Fenn", "Ines", day(2017, time.August, 23)}
)

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// number returns the NHS number 999 000 … that belongs to a small number.
func number(n int) string {
	text, ok := withCheckDigit(999_000_000 + n)
	if !ok {
		panic("demo: a case has a number without a check digit")
	}
	return text
}

// withCheckDigit appends the check digit to nine digits. Every eleventh has
// none.
func withCheckDigit(nine int) (string, bool) {
	sum := 0
	for rest, weight := nine, 2; rest > 0; rest, weight = rest/10, weight+1 {
		sum += weight * (rest % 10)
	}
	check := (11 - sum%11) % 11
	return fmt.Sprintf("%09d%d", nine, check), check != 10
}

// Spaced returns the number as people write it, such as 999 000 0018.
func (p Person) Spaced() string {
	return p.NHSNumber[:3] + " " + p.NHSNumber[3:6] + " " + p.NHSNumber[6:]
}

// DateOfBirth returns the date of birth as YYYY-MM-DD.
func (p Person) DateOfBirth() string { return p.Born.Format(time.DateOnly) }

// lot draws people and their plans. The same seed draws the same.
type lot struct {
	*rand.Rand
	next int // nine digits of the next NHS number
}

func newLot() *lot {
	return &lot{
		Rand: rand.New(rand.NewPCG(999, 2026)), //nolint:gosec // it must be the same every time
		next: 999_100_000,
	}
}

// oneIn says yes once in n times.
func (l *lot) oneIn(n int) bool { return l.IntN(n) == 0 }

// number returns an NHS number that nobody has yet.
func (l *lot) number() string {
	for {
		l.next += 1 + l.IntN(97)
		if text, ok := withCheckDigit(l.next); ok {
			return text
		}
	}
}

// person draws somebody of an age between two, in years.
func (l *lot) person(today time.Time, youngest, oldest int) Person {
	return Person{
		NHSNumber: l.number(),
		Family:    family[l.IntN(len(family))],
		Given:     given[l.IntN(len(given))],
		Born:      today.AddDate(-youngest, 0, -1-l.IntN(365*(oldest-youngest))),
	}
}

var family = [...]string{
	"Abara", "Achterberg", "Adeyemi", "Anand", "Barros", "Beddoes", "Begum", "Calloway", "Chowdhury", "Cottam",
	"Dacre", "Demir", "Eastwell", "Eze", "Fairley", "Ferreira", "Gill", "Goodyear", "Hadley", "Haq",
	"Iqbal", "Ivey", "Jagger", "Kamara", "Kowalczyk", "Lindsay", "Lobo", "Mbeki", "Morrow", "Nowak",
	"O'Dell", "Okoro", "Petrov", "Pryce", "Quinnell", "Rashid", "Rowe", "Sandhu", "St. Clair", "Tembo",
	"Underhill", "Varga", "Whitlock", "Xu", "Yardley", "Youssef", "Zajac", "Zielinska-Hart",
}

var given = [...]string{
	"Aaliyah", "Adam", "Alfie", "Amara", "Anya", "Ayan", "Bea", "Callum", "Chiara", "Dami",
	"Dylan", "Eleri", "Esme", "Farah", "Finn", "Gabriel", "Hana", "Harriet", "Idris", "Isla",
	"Jamal", "Jude", "Kezia", "Leo", "Lola", "Mabel", "Mateusz", "Mina", "Nadia", "Noah",
	"Oluchi", "Oscar", "Poppy", "Priya", "Rafael", "Rhys", "Saoirse", "Sofia", "Tariq", "Theo",
	"Una", "Vera", "Willa", "Xavi", "Yara", "Yusuf", "Zack", "Zoë",
}
