package policy_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"

	"cpis/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file, or writes the file with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what the rules say (-file +rules); if the change is meant, run with -update:\n%s", file, diff)
	}
}

const matrixHead = `WHO MAY DO WHAT

One table for each role. Columns are classes of the caller's organisation. A cell
names the rule that allows the action; "own" beside it means: only what belongs to
the caller's organisation. The rules, with the assurance they need, stand below.

  .        refused: no rule
  mode     refused: the caller may look up only in the other mode
  x|B1     x as above; with break-glass, rule B1 allows it
  ?        the request does not say in which mode: the rule in the cell decides,
           U rules are unscheduled, S rules scheduled; break-glass is unscheduled

What a table does not list is refused everywhere. A test compares every cell with
the decisions in all circumstances of ownership, assurance and break-glass.
`

// TestMatrix keeps the table that reviewers read true.
func TestMatrix(t *testing.T) {
	t.Parallel()
	m := matrix{e: mustNew(t)}
	m.out.WriteString(matrixHead)
	for _, role := range policy.AllRoles() {
		m.roleTable(role.String(), policy.Roles(role))
	}
	m.roleTable("clinician_unscheduled and clinician_scheduled together",
		policy.RolesOf(policy.ClinicianUnscheduled, policy.ClinicianScheduled))
	m.conflictTable()
	m.ruleTable()
	golden(t, "testdata/matrix.golden", tidy(m.out.String()))
}

// TestMatrixTellsEverything shows that nothing beside the cell and its rule
// decides: no circumstance changes a decision in a way that the table hides.
func TestMatrixTellsEverything(t *testing.T) {
	t.Parallel()
	m := matrix{e: mustNew(t)}
	rules := make(map[string]policy.Rule)
	for _, r := range m.e.Rules() {
		rules[r.ID] = r
	}
	for _, role := range policy.AllRoles() {
		for r := range thinned(asks(policy.Roles(role))) {
			c := m.cell(r)
			for r := range circumstances(r, 1, 2) {
				if got, want := m.e.DecideAfresh(r), c.decision(r, rules); got != want {
					t.Errorf("%+v: got %+v, the table says %+v", r, got, want)
				}
			}
		}
	}
}

// cell is what the matrix says about one role, class, action and mode: the
// decisions in the best of circumstances.
type cell struct{ plain, claimed policy.Decision }

// decision works out a decision from the cell and the table of rules alone.
func (c cell) decision(r policy.Request, rules map[string]policy.Rule) policy.Decision {
	d := c.plain
	if r.BreakGlass {
		d = c.claimed
	}
	if !d.Allowed {
		return d
	}
	switch rule := rules[d.Rule]; {
	case rule.Own && !r.Own:
		return refused(d.Mode, r.Roles.Lowest(), policy.NotOwn)
	case r.Assurance != 0 && r.Assurance < rule.Assurance:
		return refused(d.Mode, r.Roles.Lowest(), policy.AssuranceTooLow)
	}
	return d
}

// matrix writes tables of what an enforcer decides.
type matrix struct {
	e   *policy.Enforcer
	out bytes.Buffer
}

func (m *matrix) cell(r policy.Request) cell {
	r.Own, r.Assurance = true, 3
	claiming := r
	claiming.BreakGlass = true
	return cell{m.e.DecideAfresh(r), m.e.DecideAfresh(claiming)}
}

// text writes a cell.
func (m *matrix) text(r policy.Request) string {
	c := m.cell(r)
	text := c.plain.Rule
	switch text {
	case policy.NoRule:
		text = "."
	case policy.ModeNotHeld:
		text = "mode"
	}
	if c.claimed.BreakGlass {
		return text + "|" + c.claimed.Rule
	}
	r.Assurance = 3
	if c.plain.Allowed && !m.e.DecideAfresh(r).Allowed {
		text += " own"
	}
	return text
}

func (m *matrix) roleTable(title string, roles policy.Roles) {
	fmt.Fprintf(&m.out, "\n\n%s\n%s\n\n", title, strings.Repeat("=", len(title)))
	w := tabwriter.NewWriter(&m.out, 0, 0, 2, ' ', 0)
	for line := range 2 {
		fmt.Fprint(w, "\t")
		for _, class := range policy.AllClasses() {
			word, rest, _ := strings.Cut(string(class), "_")
			fmt.Fprint(w, "\t", []string{word, rest}[line])
		}
		fmt.Fprintln(w)
	}
	for _, a := range acts() {
		if row := m.row(roles, a); row != "" {
			fmt.Fprintln(w, row)
		}
	}
	w.Flush()
}

func (m *matrix) row(roles policy.Roles, a act) string {
	var mode string
	if len(a.action.Modes()) > 0 {
		mode = string(a.mode)
		if a.mode == policy.Unspecified {
			mode = "?"
		}
	}
	var cells strings.Builder
	nowhere := true
	for _, class := range policy.AllClasses() {
		text := m.text(policy.Request{Roles: roles, Class: class, Action: a.action, Mode: a.mode})
		nowhere = nowhere && text == "."
		cells.WriteString("\t" + text)
	}
	if nowhere {
		return ""
	}
	return string(a.action) + "\t" + mode + cells.String()
}

func (m *matrix) conflictTable() {
	const title = "roles that one caller cannot use together"
	fmt.Fprintf(&m.out, "\n\n%s\n%s\n\n", title, strings.Repeat("=", len(title)))
	m.out.WriteString("Neither of the two gives a right of its duty while the other is held.\n\n")
	for _, pair := range pairs() {
		if m.conflict(pair) {
			fmt.Fprintf(&m.out, "  %s\n", strings.ReplaceAll(pair.String(), ",", " and "))
		}
	}
}

// conflict says whether holding the pair costs a right anywhere.
func (m *matrix) conflict(pair policy.Roles) bool {
	for r := range asks(pair) {
		if m.e.DecideAfresh(r).Rule == policy.ConflictingRoles {
			return true
		}
	}
	return false
}

func (m *matrix) ruleTable() {
	fmt.Fprint(&m.out, "\n\nrules\n=====\n\n")
	w := tabwriter.NewWriter(&m.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "rule\trole\tclass\taction\tmode\tonly own\tassurance\tbreak-glass\tduty")
	yes := map[bool]string{true: "yes"}
	for _, r := range m.e.Rules() {
		role := r.Role.String()
		if r.Role == 0 {
			role = "any"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", r.ID, role, r.Class, r.Action, r.Mode,
			yes[r.Own], r.Assurance, yes[r.Claimed], r.Duty)
	}
	w.Flush()
}

// tidy removes spaces at the ends of lines.
func tidy(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
