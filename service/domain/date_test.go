package domain_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cpis/service/domain"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"2026-11-22", "2024-02-29", "0001-01-01", "9999-12-31"} {
		if d, err := domain.ParseDate(text); err != nil || d.String() != text {
			t.Errorf("%q: got %q, %v", text, d, err)
		}
	}
	for _, text := range []string{
		"", "2026-02-29", "2026-13-01", "2026-00-10", "2026-11-00", "2026-11-31", "2026-1-2", "26-11-22",
		"22/11/2026", "2026/11/22", "20261122", "2026-11-22T00:00:00Z", " 2026-11-22", "2026-11-22 ", "0000-01-01",
		"-001-01-01", "12026-11-22", "２０２６-11-22",
	} {
		d, err := domain.ParseDate(text)
		if err == nil || !d.IsZero() {
			t.Errorf("%q was read as %q", text, d)
		}
		if text != "" && err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats %q", text)
		}
	}
}

func TestDate_Order(t *testing.T) {
	t.Parallel()
	days := []string{"", "0001-01-01", "1999-12-31", "2000-01-01", "2000-01-02", "2000-02-01", "2001-01-01"}
	for i, a := range days {
		for j, b := range days {
			d, e := day(t, a), day(t, b)
			if d.Before(e) != (i < j) || d.After(e) != (i > j) {
				t.Errorf("%q and %q: before %t, after %t", a, b, d.Before(e), d.After(e))
			}
		}
	}
}

func TestDate_Arithmetic(t *testing.T) {
	t.Parallel()
	tests := []struct{ got, want string }{
		{day(t, "2026-11-22").AddDays(365).String(), "2027-11-22"},
		{day(t, "2023-11-22").AddDays(365).String(), "2024-11-21"}, // over a leap day
		{day(t, "2026-03-28").AddDays(2).String(), "2026-03-30"},   // over a change of the clocks
		{day(t, "2026-01-01").AddDays(-1).String(), "2025-12-31"},
		{day(t, "2008-11-22").AddYears(18).String(), "2026-11-22"},
		{day(t, "2008-02-29").AddYears(18).String(), "2026-03-01"},
		{day(t, "2008-02-29").AddYears(4).String(), "2012-02-29"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
}

func TestDate_JSON(t *testing.T) {
	t.Parallel()
	type both struct{ Set, Unset domain.Date }
	in := both{Set: day(t, "2026-11-22")}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"Set":"2026-11-22","Unset":""}`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var out both
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("got %v back, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"Set":"22/11/2026"}`), &out); err == nil {
		t.Error("another form was accepted")
	}
}

func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"2026-11-22", "2024-02-29", "", "0000-00-00", "9999-12-31"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := domain.ParseDate(text)
		if err == nil && d.String() != text {
			t.Fatalf("%q was read as %q", text, d)
		}
		if err == nil && (d.AddDays(1).AddDays(-1) != d || !d.Before(d.AddDays(1))) {
			t.Fatalf("the day after %q", text)
		}
	})
}
