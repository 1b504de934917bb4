package policy_test

import (
	"bytes"
	"fmt"
	"testing"
	"text/tabwriter"

	"cpis/policy"
)

func TestFits(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	out.WriteString("WHICH ROLE MAY BE HELD AT WHICH CLASS OF ORGANISATION\n\n")
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, r := range policy.AllRoles() {
		fmt.Fprint(w, "\t", r)
	}
	fmt.Fprintln(w)
	for _, c := range policy.AllClasses() {
		fmt.Fprint(w, c)
		for _, r := range policy.AllRoles() {
			fmt.Fprint(w, "\t", map[bool]string{true: "fits", false: "."}[policy.Fits(r, c)])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	golden(t, "testdata/fits.golden", tidy(out.String()))
}

func TestNothingUnknownFits(t *testing.T) {
	t.Parallel()
	for _, r := range policy.AllRoles() {
		for _, c := range []policy.Class{"", "care", "anywhere", "unscheduled_care", "scheduled_care", "no such class"} {
			if policy.Fits(r, c) {
				t.Errorf("%v fits %q", r, c)
			}
		}
	}
	for _, c := range policy.AllClasses() {
		for _, r := range []policy.Role{0, 1 << 15, policy.Auditor | policy.PrivacyOfficer} {
			if policy.Fits(r, c) {
				t.Errorf("%d fits %s", r, c)
			}
		}
	}
}

func TestNamesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, r := range policy.AllRoles() {
		if got, ok := policy.ParseRole(r.String()); !ok || got != r {
			t.Errorf("ParseRole(%q): got %v, %v", r, got, ok)
		}
	}
	for _, c := range policy.AllClasses() {
		if got, ok := policy.ParseClass(string(c)); !ok || got != c {
			t.Errorf("ParseClass(%q): got %v, %v", c, got, ok)
		}
	}
	for _, a := range policy.AllActions() {
		if got, ok := policy.ParseAction(string(a)); !ok || got != a {
			t.Errorf("ParseAction(%q): got %v, %v", a, got, ok)
		}
	}
	for _, name := range []string{"", "none", "any", "care", "anywhere", "-", "Auditor", "LOOK_UP"} {
		if _, ok := policy.ParseRole(name); ok {
			t.Errorf("ParseRole(%q): accepted", name)
		}
		if _, ok := policy.ParseClass(name); ok {
			t.Errorf("ParseClass(%q): accepted", name)
		}
		if _, ok := policy.ParseAction(name); ok {
			t.Errorf("ParseAction(%q): accepted", name)
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	s := policy.RolesOf(policy.Auditor, policy.ClinicianScheduled)
	if got, want := s.String(), "clinician_scheduled,auditor"; got != want {
		t.Errorf("String: got %q, want %q", got, want)
	}
	if got, want := s.Lowest(), policy.ClinicianScheduled; got != want {
		t.Errorf("Lowest: got %v, want %v", got, want)
	}
	for _, r := range policy.AllRoles() {
		if got, want := s.Has(r), r == policy.Auditor || r == policy.ClinicianScheduled; got != want {
			t.Errorf("Has(%v): got %v, want %v", r, got, want)
		}
	}
	unknown := policy.Roles(1 << 15)
	if s.Has(0) || unknown.Lowest() != 0 || unknown.String() != "none" || policy.Roles(0).String() != "none" {
		t.Errorf("what is no role was taken for one")
	}
}
