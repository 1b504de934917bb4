package oversight_test

import (
	"strings"
	"testing"
	"time"

	"cpis/service/guard"
	"cpis/service/oversight"
)

// A place has one text, and a text that is read is the one that was written.
func FuzzPlace(f *testing.F) {
	for _, text := range []string{"", "AAY_a5qnoAAAAQAAAAAAABJn", "AAY_a5qnoAAAAQAAAAAAABJn\n", "AAY_a5qnoAAAAQAAAAAAABJo", "////////////////////////", strings.Repeat("A", 24)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if again, ok := oversight.RereadPlace(text); ok && again != text {
			t.Errorf("%q was read as %q", text, again)
		}
		if again, ok := oversight.RereadSubject(text); ok && again != strings.TrimSpace(text) {
			t.Errorf("%q was read as %q", text, again)
		}
	})
}

// Whatever is asked, the reader says which field is wrong without repeating what
// stood in it, or makes a filter of it.
func FuzzQuery(f *testing.F) {
	f.Add("child", "complaint", "Complaint 2026-114", "999 000 0018", "", "nurse", "RKE", "60e0b220-8136-4ca5-ae46-1d97ef59d068", int64(0), int64(1), 50, "")
	f.Add("request", "court", ".", "", "MNjBMNYfT6Wcsr_qjrMolcO7I3XMD31wQMrf5oxaYnM", "\x00", "\u202e", "7", int64(9), int64(9), -1, "AAY_a5qnoAAAAQAAAAAAABJn")
	f.Add("board", "", "\u200b", "9999999999", "x", "", "", "", int64(-1), int64(1)<<60, 1001, "\r\n")
	f.Fuzz(func(t *testing.T, report, reason, words, number, subject, actor, organisation, request string, from, until int64, size int, page string) {
		q := oversight.Query{
			Reason: oversight.Reason(reason), Words: words, NHSNumber: number, Subject: subject, Actor: actor, Organised: organisation,
			RequestID: request, From: time.Unix(from, 0), Until: time.Unix(until, 0),
		}
		violations := oversight.ReadQuery(q, oversight.Report(report), guard.Paging{Size: size, Page: page})
		for _, v := range violations {
			if v.Field == "" || v.Problem == "" || !strings.HasPrefix(v.Field, "query.") && v.Field != "report" && v.Field != "page" && v.Field != "page_size" {
				t.Errorf("%+v", v)
			}
			for _, said := range []string{words, number, subject, actor, request, page} {
				if len(said) > 12 && strings.Contains(v.Problem, said) {
					t.Errorf("%q is repeated in %q", said, v.Problem)
				}
			}
		}
	})
}
