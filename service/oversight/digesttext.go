package oversight

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cpis/service/domain"
	"cpis/service/store"
	"cpis/service/text"
)

// digest is what there is to tell an organisation of a week.
type digest struct {
	organisation string
	name         string
	authority    bool
	from, until  time.Time
	numbers      store.DigestNumbers
	again, many  []store.TallyRow
	open         []store.ReviewRow
}

const (
	// What stands out: one person who looks a child up so often in a week, or so
	// many people who look one up.
	againFrom = 5
	manyFrom  = 5
	// maxUnusual bounds what a digest lists of each kind.
	maxUnusual = 20
	maxOpen    = 200
)

// count reads what is told.
func (d *digest) count(ctx context.Context, tx *store.Tx) (err error) {
	if d.name, d.authority, err = tx.Directory.NameOf(ctx, d.organisation); err != nil {
		return err
	}
	if d.numbers, err = tx.Index.Numbers(ctx, d.organisation, d.from, d.until); err != nil {
		return err
	}
	f := store.EntryFilter{Organisation: d.organisation, From: d.from.UTC(), Until: d.until.UTC()}
	if d.again, err = tx.Index.TallyCallers(ctx, &f, againFrom, maxUnusual); err != nil {
		return err
	}
	if d.many, err = tx.Index.TallySubjects(ctx, &f, manyFrom, maxUnusual); err != nil {
		return err
	}
	d.open, err = tx.Reviews.Open(ctx, d.organisation, maxOpen)
	return err
}

// text writes a digest. Nobody is named in it: children are what the log calls
// them, and staff are counted.
func (d *digest) text(origin string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/digest\n%s\nWeek from %s to %s\n\n", origin, strings.TrimSpace(d.organisation+" "+text.Plain(d.name)),
		domain.DateOf(d.from), domain.DateOf(d.until.AddDate(0, 0, -1)))
	n := &d.numbers
	for _, line := range []struct {
		what  string
		count int64
	}{
		{"Look-ups", n.LookUps},
		{"  that found a flag", n.Hits},
		{"  without an encounter", n.NoEncounter},
		{"  by break-glass", n.BreakGlass},
		{"Look-ups and reading outside office hours", n.OutOfHours},
		{"Refused", n.Refused},
		{"Changes of plans", n.Plans},
		{"Reports and exports from the log", n.Reports},
	} {
		fmt.Fprintf(&b, "%-43s %d\n", line.what, line.count)
	}
	b.WriteString("\nUnusual\n")
	for i := range d.again {
		fmt.Fprintf(&b, "- One person looked child %s up %d times.\n", SubjectText(d.again[i].Subject), d.again[i].LookUps)
	}
	for i := range d.many {
		fmt.Fprintf(&b, "- %d people looked child %s up, %d times in all.\n", d.many[i].Callers, SubjectText(d.many[i].Subject), d.many[i].LookUps)
	}
	if len(d.again)+len(d.many) == 0 {
		b.WriteString("- Nothing stands out.\n")
	}
	b.WriteString("\nReviews that nobody has closed\n")
	for i := range d.open {
		fmt.Fprintf(&b, "- %s, of a look-up on %s, %s\n", d.open[i].ID, domain.LondonDay(d.open[i].At), reviewWords[ReviewKind(d.open[i].Kind)])
	}
	if len(d.open) == 0 {
		b.WriteString("- None.\n")
	}
	return b.String()
}

// reviewWords say why a look-up is reviewed.
var reviewWords = map[ReviewKind]string{OfBreakGlass: "by break-glass", OfRestricted: "of a restricted person", OfSample: "drawn by lot"}
