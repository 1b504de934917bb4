package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"cpis/deploy/dev/demo"
)

// changedDuty is the number that the lead of the demo changes to.
const changedDuty = "020 7946 0103"

// answered runs a command of the lead, and gives a text of its answer in JSON.
func (d *running) answered(t *testing.T, name, stdin string, args ...string) string {
	t.Helper()
	o := d.command(t, stdin, append(args, "--as", "lead", "--json")...)
	o.want(t, 0)
	var answer map[string]any
	if err := json.Unmarshal([]byte(o.stdout), &answer); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	text, _ := answer[name].(string)
	return text
}

// listed runs a command that lists, and returns the first cell of the first row
// with a text.
func (d *running) listed(t *testing.T, text string, args ...string) string {
	t.Helper()
	o := d.command(t, "", append(args, "--as", "lead")...)
	o.want(t, 0)
	for line := range strings.Lines(o.stdout) {
		if strings.Contains(line, text) {
			return strings.Fields(line)[0]
		}
	}
	t.Errorf("%v: got\n%swant %q in it", args, o.stdout, text)
	return ""
}

// testLead does what the lead of a local authority does, with the commands that
// the demo prints and some more.
func testLead(t *testing.T, d *running) {
	t.Helper()
	for _, printed := range []string{
		"notice list --as lead", "upload --as lead " + d.dir + "/plans/changed.csv", "plan transfers --as lead --open-only",
		"encounter missed --as gp --appointment-id GP-77 --appointment ",
	} {
		if !strings.Contains(d.text, printed) {
			t.Errorf("the demo does not print %q", printed)
		}
	}
	person := demo.Flagged.Spaced() + "\n" + demo.Flagged.DateOfBirth() + "\n"
	d.command(t, person, "encounter", "missed", "--as", "gp", "--appointment-id", "GP-77", "--appointment", "2026-11-20T09:00:00Z",
		"--setting", "general_practice").want(t, 0, "Recorded as entry ")
	d.listed(t, "unscheduled_access", "notice", "list")
	notice := d.listed(t, "missed_appointment", "notice", "list", "--kind", "missed_appointment")
	d.command(t, "", "notice", "acknowledge", notice, "--version", "1", "--outcome", "family_contacted", "--as", "lead").want(t, 0, "Version  2\n", "Recorded as entry ")
	d.command(t, "", "notice", "assign", notice, "--version", "1", "--to", "somebody", "--as", "lead").want(t, 1, "its version is 2 now")
	d.command(t, "", "notice", "get", notice, "--as", "lead").want(t, 0, "\nActs\n", "family_contacted", "NHS number ", demo.Flagged.Family)
	d.command(t, "", "notice", "list", "--as", "nurse").want(t, 1, "not permitted")

	d.command(t, "", "upload", "--yes", "--as", "lead", d.dir+"/plans/changed.csv").want(t, 0, "line 2, changed", "Applied: entry ")
	d.command(t, "", "lookup", "--as", "gp", demo.Flagged.NHSNumber).want(t, exitFlagHeld, "Child protection plan, since 12 May 2026, until ")
	testLeadsPlans(t, d)

	d.command(t, "", "contact", "set", "--version", "1", "--duty-phone", changedDuty, "--as", "lead").want(t, 0, "Version  2\n")
	d.command(t, "", "lookup", "--as", "gp", demo.Flagged.NHSNumber).want(t, exitFlagHeld, "emergency duty team  "+changedDuty)
	d.command(t, "", "contact", "confirm", "--version", "1", "--as", "lead").want(t, 1, "changed meanwhile", "its version is 2 now")
	d.command(t, "", "contact", "set", "--version", "2", "--duty-phone", "0906 123 4567", "--as", "lead").
		want(t, 1, "contacts.duty_phone must not be")

	d.command(t, "", "channel", "put", "--rank", "1", "--webhook.url", "https://cases.example.org/notices", "--as", "lead").want(t, 0, "Secret      whsec_")
	channel := d.listed(t, "https://cases.example.org/notices", "channel", "list")
	d.command(t, "", "channel", "remove", channel, "--version", "1", "--as", "lead").want(t, 0)
	d.command(t, "", "upload", "set-rules", "--version", "0", "--max-new", "7", "--as", "lead").want(t, 0, "Version  1\n")
	d.command(t, "", "upload", "rules", "--as", "lead").want(t, 0, "At most new                                 7\n")
	d.command(t, "", "upload", "quality", "--as", "lead").want(t, 0, "Valid NHS numbers, in percent of rows              no whole list yet\n", "Days since then                                    0\n")
}

// testLeadsPlans goes through the life of a plan.
func testLeadsPlans(t *testing.T, d *running) {
	t.Helper()
	transfer := d.listed(t, demo.Moving.Family, "plan", "transfers", "--open-only")
	d.command(t, "", "plan", "decide-transfer", transfer, "--decision", "accept", "--reason", "Agreed", "--as", "lead").
		want(t, 0, "State    accepted\n")

	const someone = "9991234063\nTestname\nOtto\n2017-03-01\n"
	plan := d.answered(t, "planId", someone, "plan", "register", "--kind", "lac", "--start", "2026-05-01", "--legal-basis", "s20")
	d.command(t, "\nOttoline\n", "plan", "amend", plan, "--version", "1", "--reason", "Name", "--reference", "X-1", "--person", "--as", "lead").want(t, 0)
	d.command(t, "", "plan", "get", plan, "--as", "lead").want(t, 0, "\nPerson\n", "Testname", "Ottoline", "X-1", "s20")
	d.command(t, "", "plan", "end", plan, "--version", "1", "--end", "2026-11-01", "--reason", "Home", "--as", "lead").want(t, 1, "its version is 2 now")
	d.command(t, "", "plan", "end", plan, "--version", "2", "--end", "2026-11-01", "--reason", "Home", "--as", "lead").want(t, 0, "Visible until  2027-11-01\n")
	d.command(t, "", "plan", "versions", plan, "--as", "lead").want(t, 0, "register", "amend", "end")
	d.command(t, "9991234063\n", "plan", "person", "--as", "lead").want(t, 0, plan)

	change := d.answered(t, "changeId", "9991234063\n", "plan", "propose", "--kind", "restrict", "--reason", "Threats")
	d.command(t, "", "plan", "decide", change, "--decision", "accept", "--reason", "Yes", "--as", "lead").want(t, 1)
	d.command(t, "", "plan", "proposals", "--as", "second-lead", "--open-only").want(t, 0, change)
	d.command(t, "", "plan", "decide", change, "--decision", "accept", "--reason", "Yes", "--as", "camden-lead").want(t, 1, "not found")
	d.command(t, "", "plan", "decide", change, "--decision", "decline", "--reason", "Enough", "--as", "second-lead").want(t, 0)
	change = d.answered(t, "changeId", "9991234063\n", "plan", "propose", "--kind", "restrict", "--reason", "Threats")
	d.command(t, "", "plan", "decide", change, "--decision", "withdraw", "--reason", "No", "--as", "lead").want(t, 0, "State  withdrawn\n")
	d.command(t, "", "plan", "remove", plan, "--version", "3", "--reason", "Mistake", "--as", "lead").want(t, 0)
	d.command(t, "", "lookup", "--as", "gp", "9991234063").want(t, exitNoFlagKnown)
}

// testLeadsWorkIsKept checks that a start of the demo takes nothing back.
func testLeadsWorkIsKept(t *testing.T, d *running) {
	t.Helper()
	d.command(t, "", "contact", "get", "--as", "lead").want(t, 0, changedDuty)
	d.command(t, "", "lookup", "--as", "gp", demo.Flagged.NHSNumber).want(t, exitFlagHeld, "until ")
	o := d.command(t, "", "plan", "transfers", "--as", "lead")
	if n := len(regexp.MustCompile(`(?m)^[0-9a-f-]{36} `).FindAllString(o.stdout, -1)); n != 1 {
		t.Errorf("%d transfers, want the one:\n%s", n, o.stdout)
	}
}
