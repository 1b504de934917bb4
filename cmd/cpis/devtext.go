package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"cpis/deploy/dev/demo"
	"cpis/deploy/dev/idp"
)

// text is what the demo says when it is ready.
func (d *dev) text(l loaded, questions []demo.Question) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	kept, _ := d.keysKept()
	say("\nThis is a demonstration. All people in it are invented, it can be reached from this machine only, and its keys\n" +
		"are kept " + kept + ". Never put real data in.\n")
	d.places(say)
	say("\n%d plans of %d local authorities were uploaded, one file each; %d of them were held already.",
		l.rows, l.authorities, l.unchanged)
	say("\nTry, from another terminal in this directory (tr squeezes the blanks that bring answers to one length):")
	for _, q := range questions {
		say("\n# %s\n%s", q.About, q.Curl(d.public, d.header(q.As)))
	}
	d.buf(say, questions[0])
	d.commands(say)
	say("\nCtrl-C stops everything; the next start finds its data. Remove %s to begin anew.", d.dir)
	return b.String()
}

// places says what is where.
func (d *dev) places(say func(string, ...any)) {
	say("  PAGES              %s  open them in a browser on this machine, and log in as", d.pages)
	for _, p := range idp.People() {
		if !p.System {
			say("                     %s: %s", p.Name, p.Does)
		}
	}
	say("  service            %s  Connect, gRPC, gRPC-Web", d.public)
	say("  for operators      %s  /livez /readyz /metrics, gRPC reflection", d.admin)
	say("  identity provider  %s  gives tokens to %s", d.provider.URL(), strings.Join(people(), ", "))
	if d.vault != nil {
		say("  Vault              %s  root token in %s", d.vault.Address(), filepath.Join(d.dir, "vault", "unseal.json"))
	}
	say("  operator's log     %s", d.logName())
	say("  plans as uploaded  %s", filepath.Join(d.dir, "plans"))
}

func people() []string {
	var keys []string
	for _, p := range idp.People() {
		keys = append(keys, p.Key)
	}
	return keys
}

// buf prints one question for buf, if it can find the contract.
func (d *dev) buf(say func(string, ...any), q demo.Question) {
	if _, err := os.Stat("buf.yaml"); err != nil {
		return
	}
	program := filepath.Join(".tmp", "bin", "buf") // where make puts it
	if _, err := os.Stat(program); err != nil {
		if _, err := exec.LookPath("buf"); err == nil {
			program = "buf"
		}
	}
	say("\n# The first question again, over gRPC (make buf installs buf, by npm). sed shortens the padding that brings all answers to one size.")
	say(`%s | sed 's/\("padding": *"\)[^"]*/\1.../'`, q.BufCurl(program, ".", d.public, d.header(q.As)))
}

// commands prints what else there is to try.
func (d *dev) commands(say func(string, ...any)) {
	cpis := demo.Quote(programName())
	say("\n# The same from the program itself. Exit status: 10 flag held, 11 none known, 12 cannot say, 1 no answer.")
	say(". %s", demo.Quote(filepath.Join(d.dir, "env")))
	say("%s lookup --as nurse %s", cpis, demo.Quote(demo.Flagged.Spaced()))
	d.authority(say, cpis)
	say("\n# A token for other tools, good for an hour.")
	say("%s token nurse", cpis)
	say("\n# Everything that was asked is in the audit log. Export it and verify the export, trusting nobody.")
	say("%s", auditing(cpis))
}

// authority prints what a local authority does.
func (d *dev) authority(say func(string, ...any), cpis string) {
	say("\n# The authority has heard of the look-ups above. (notice watch prints notices as they come.)")
	say("%s notice list --as lead", cpis)
	say("\n# A file that changes a plan: it is checked, shown, and applied if you approve it.")
	say("%s upload --as lead %s", cpis, demo.Quote(d.changedFile()))
	say("\n# A GP practice reports that a child was not brought. Who it is about comes from standard input.")
	say("%s encounter missed --as gp --appointment-id GP-77 --appointment %s --setting general_practice <<END\n%s\n%s\nEND",
		cpis, demo.Quote(d.began.AddDate(0, 0, -3).UTC().Format(time.RFC3339)), demo.Flagged.Spaced(), demo.Flagged.DateOfBirth())
	from, to := demo.Transfer()
	say("\n# %s (--as camden-lead) offers a plan to %s. Accept it with plan decide-transfer, and its identifier.", from.Name, to.Name)
	say("%s plan transfers --as lead --open-only", cpis)
	say("\n# A change that needs two people: the lead proposes that a child's whereabouts be hidden. Her colleague decides with")
	say("# plan decide, the identifier of the proposal, and --as second-lead.")
	say("%s plan propose --as lead --kind restrict --reason 'A threat was made' <<END\n%s\nEND", cpis, demo.Flagged.Spaced())
	say("%s plan proposals --as second-lead --open-only", cpis)
}

// auditing returns the command that exports the log and verifies the export. Each
// time it takes a new directory, and it never verifies what an earlier export
// left.
func auditing(cpis string) string {
	return `D=$(mktemp -d)/export && ` + cpis + ` audit export --reason routine "$D" && ` +
		cpis + ` audit verify "$D" --key "$(` + cpis + ` audit key)"`
}

// programName returns how this program can be called from here.
func programName() string {
	program, err := os.Executable()
	if err != nil {
		return "cpis"
	}
	here, err := os.Getwd()
	if err != nil {
		return program
	}
	if short, err := filepath.Rel(here, program); err == nil && filepath.IsLocal(short) {
		return short
	}
	return program
}
