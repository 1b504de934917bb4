package domain_test

import (
	"testing"
	"time"

	"cpis/service/domain"
)

func TestHours(t *testing.T) {
	t.Parallel()
	hours, err := domain.ParseHours("Mon-Thu 08:45-17:15; Fri 08:45-16:45")
	if err != nil {
		t.Fatal(err)
	}
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, at string // local time
		open     bool
		until    string
	}{
		{"a working day", "2026-11-23 11:00", true, "2026-11-23 17:15"},
		{"the minute it opens", "2026-11-23 08:45", true, "2026-11-23 17:15"},
		{"the minute before", "2026-11-23 08:44", false, "2026-11-23 08:45"},
		{"the minute it closes", "2026-11-23 17:15", false, "2026-11-24 08:45"},
		{"an early Friday", "2026-11-27 16:45", false, "2026-11-30 08:45"},
		{"a Sunday", "2026-11-29 12:00", false, "2026-11-30 08:45"},
		{"Christmas Eve, a Thursday", "2026-12-24 17:14", true, "2026-12-24 17:15"},
		{"Christmas: Friday, weekend, Boxing Day moved to Monday", "2026-12-24 17:15", false, "2026-12-29 08:45"},
		{"Good Friday to Easter Monday", "2026-04-03 10:00", false, "2026-04-07 08:45"},
		{"May Day", "2026-05-04 10:00", false, "2026-05-05 08:45"},
		{"the August holiday", "2026-08-31 10:00", false, "2026-09-01 08:45"},
		{"a bank holiday of Scotland alone", "2026-08-03 10:00", true, "2026-08-03 17:15"},
		{"summer time, open by local time", "2026-07-01 08:50", true, "2026-07-01 17:15"},
		{"the night the clocks go back", "2026-10-24 23:00", false, "2026-10-26 08:45"},
		{"the night the clocks go forward", "2026-03-28 23:00", false, "2026-03-30 08:45"},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.at, london)
		if err != nil {
			t.Fatal(err)
		}
		open, until := hours.Open(at.UTC())
		if got := until.In(london).Format("2006-01-02 15:04"); open != c.open || got != c.until {
			t.Errorf("%s: got %v until %s, want %v until %s", c.name, open, got, c.open, c.until)
		}
	}
}

func TestParseHours_RefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"always", "Mon", "Mon-Fri", "Mon-Fri 9-17", "Mon-Fri 17:00-09:00", "Mon-Fri 09:00-09:00",
		"Mon-Fri 09:00-25:00", "Mo-Fr 09:00-17:00", "Mon-Fri 09:00", "Mon-Fri 09:00-17:00, Sat 10:00-12:00",
		"Mon 09:00-12:00; Mon 13:00-17:00", "Mon-Fri 09:00-17:00; Fri 09:00-16:30",
	} {
		if _, err := domain.ParseHours(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
	for _, text := range []string{"", " ; ", "Sat-Sun 10:00-12:00", "Wed 00:00-23:59"} {
		if _, err := domain.ParseHours(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHours_ClosedForGood(t *testing.T) {
	t.Parallel()
	if open, until := (domain.Hours{}).Open(noon); open || !until.IsZero() {
		t.Errorf("got %v until %v, want closed for good", open, until)
	}
}
