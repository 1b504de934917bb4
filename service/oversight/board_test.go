package oversight_test

import (
	"strings"
	"testing"
	"time"

	"cpis/service/identity"
	"cpis/service/oversight"
	"cpis/service/servicetest"
)

// board asks for the numbers of a quarter.
func (f *fixture) board(c *identity.Caller, year, quarter int) (*oversight.BoardSummary, error) {
	return f.Reports.GetBoardSummary(f.TB.Context(), c, &oversight.BoardSummaryRequest{Year: year, Quarter: quarter, Reason: oversight.Routine})
}

// indexed puts look-ups into the index, some of which found a flag, a minute apart.
func (f *fixture) indexed(organisation string, from time.Time, n, hits int) {
	f.TB.Helper()
	f.Exec(`
		INSERT INTO cpis.entry_index (log, idx, at, subject, actor, organisation, role, action, mode, purpose, outcome, topic,
		    refused, break_glass, restricted, encounter, out_of_hours)
		SELECT 1, (SELECT coalesce(max(idx), -1) FROM cpis.entry_index) + i, $1::timestamptz + i * interval '1 minute', '\x07', 'a', $2, 'r', 'look_up', 'm', 'p',
		       CASE WHEN i <= $4 THEN 'flag_held' ELSE 'no_flag_known' END, 'look_up', false, false, false, true, false
		FROM generate_series(1, $3) AS i`, from, organisation, n, hits)
}

// noticed puts notices into an authority's inbox, of which some were acknowledged
// after three hours.
func (f *fixture) noticed(authority string, from time.Time, n, acknowledged int) {
	f.TB.Helper()
	f.Exec(`
		INSERT INTO cpis.notice (id, authority, person_id, kind, priority, at, organisation, setting, log, entry, acknowledged_at, mac)
		SELECT gen_random_uuid(), $2, gen_random_uuid(), 'unscheduled_access', false, $1, '', '', 1, 0,
		       CASE WHEN i <= $4 THEN $1::timestamptz + interval '3 hours' END, '\x00'
		FROM generate_series(1, $3) AS i`, from, authority, n, acknowledged)
}

// A board reads the numbers of a quarter by week, by class of organisation and by
// authority; whoever watches over one organisation reads that one's.
func TestBoardSummary_CountsByWeek(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := time.Date(2026, 7, 6, 9, 0, 0, 0, time.UTC) // the first Monday of the quarter
	f.indexed(trust, first.AddDate(0, 0, -7), 7, 7)      // the quarter before
	for week := range 13 {
		at, few := first.AddDate(0, 0, 7*week), week == 4 // in one week next to nobody came
		f.indexed(trust, at, 40+week, 12+week%3)
		f.indexed(servicetest.CallCentre, at, 20+2*week, 6+week%2)
		f.noticed(servicetest.Camden, at, 9, 7)
		if few {
			f.indexed(servicetest.Practice, at, 3, 0)
			f.noticed(islington, at, 2, 2)
			continue
		}
		f.indexed(servicetest.Practice, at, 15+week, 7)
		f.noticed(islington, at, 14, 9)
	}
	f.indexed(trust, first.AddDate(0, 0, 91), 9, 9) // the quarter behind
	all, err := f.board(auditor, 2026, 3)
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	golden(t, "board.golden", all.Text)
	own, err := f.board(officer, 2026, 3)
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	golden(t, "board-own.golden", own.Text)
	if e := f.LastEntry(); e.Action != "read_reports" || e.Counts["report_board_summary"] != 1 || e.Purpose != "routine" {
		t.Errorf("entry: %+v", e)
	}
	if _, err := f.board(nurse, 2026, 3); err == nil {
		t.Error("a nurse reads it")
	}
}

// A quarter is summed up when it is over, always in one way: from two periods that
// overlap, what each of them hides could be worked out.
func TestBoardSummary_IsOfAQuarterThatIsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct {
		year, quarter int
		problem       string
	}{
		{2026, 4, "must be over for a week"}, {2027, 1, "must be over for a week"}, {2026, 5, "must be 1 to 4"}, {2019, 1, "must be a year from 2020 on"},
	} {
		if _, err := f.board(auditor, tt.year, tt.quarter); !strings.Contains(servicetest.Explain(err), tt.problem) {
			t.Errorf("%d, %d: got %s", tt.year, tt.quarter, servicetest.Explain(err))
		}
	}
	f.Clock.Set(time.Date(2027, 1, 11, 0, 0, 0, 0, time.UTC))
	if out, err := f.board(auditor, 2026, 4); err != nil || !out.Until.Equal(time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a week after its end: got %+v, %s", out, servicetest.Explain(err))
	}
}
