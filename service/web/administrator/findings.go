package administrator

import (
	"time"

	"cpis/service/admin"
	"cpis/service/web/frame"
	"cpis/service/web/words"
)

// finding is something that is not as it should be, and what to do.
type finding struct {
	What, Do string
	Href     string // of more about it
}

// From where on something needs somebody.
const (
	unsignedFor = 5 * time.Minute
	waitingFor  = time.Hour
	leastRoom   = 1 << 25
	mostBehind  = 10_000
)

// findingsOf says what of a status is not as it should be, what matters most first, and
// how many of these are only that something cannot be read.
func findingsOf(s *admin.Status) (all []finding, unknown int) {
	for _, part := range []struct {
		known bool
		name  string
	}{
		{s.Database != nil, "The database cannot be read"},
		{s.Log != nil, "The log cannot be read"},
		{s.Deliveries != nil, "How many notices wait cannot be read"},
		{s.Channels != nil, "Which channels rest cannot be read"},
	} {
		if !part.known {
			unknown++
			all = append(all, finding{
				What: part.name, Do: "That does not mean that it is well. Look whether PostgreSQL answers, what it is busy with, and what its log says. Then open this page again.",
			})
		}
	}
	all = append(all, findingsOfLog(s.Log, s.At)...)
	all = append(all, findingsOfKeys(s.Keeper)...)
	all = append(all, findingsOfLoad(s)...)
	return append(all, findingsOfDeliveries(s.Deliveries, s.Channels, s.At)...), unknown
}

func findingsOfLog(l *admin.LogStatus, now time.Time) (all []finding) {
	if l == nil {
		return nil
	}
	if l.Damaged {
		all = append(all, finding{
			What: "The log has been changed", Href: "/log",
			Do: "Do not restart anything. Keep the servers' own logs, stop everybody who can write to the database, and tell the auditors.",
		})
	}
	if l.Size > l.Signed && now.Sub(l.SignedAt) > unsignedFor {
		all = append(all, finding{
			What: "The log is not being signed", Do: "Entries are written, but nobody outside can prove them yet. Look whether what holds the keys answers, and what the servers say of checkpoints.",
		})
	}
	if l.Room < leastRoom {
		all = append(all, finding{
			What: "The log has room for " + words.Number(l.Room) + " more entries only", Do: "Nothing can be answered when there is none left. Run cpis migrate, which makes more.",
		})
	}
	if l.Behind > mostBehind {
		all = append(all, finding{
			What: "Reports do not find the newest entries yet", Do: "Servers catch up by themselves when look-ups leave them time. If it lasts, the database is too slow.",
		})
	}
	return all
}

func findingsOfKeys(answers bool) []finding {
	if answers {
		return nil
	}
	return []finding{{
		What: "What holds the keys does not answer",
		Do: "Flags are still answered, some of them without details, but plans and notices cannot be opened or saved. If it is Vault: unseal it, or look why this server cannot reach it. " +
			"Never restart a server meanwhile: it cannot start without keys.",
	}}
}

func findingsOfLoad(s *admin.Status) (all []finding) {
	if q := s.Queue; q.Most > 0 && q.UnderWay*4 >= q.Most*3 {
		all = append(all, finding{
			What: "Too many look-ups are under way on this server", Do: "Soon more will be refused. Look whether the database is slow, and which organisation asks so much.",
		})
	}
	if d := s.Database; d != nil && d.Connections*10 >= d.Max*9 {
		all = append(all, finding{
			What: "The database has hardly any connections left", Do: "Look who holds them, and raise max_connections if they are needed.",
		})
	}
	return all
}

func findingsOfDeliveries(d *admin.Deliveries, c *admin.Channels, now time.Time) (all []finding) {
	if c != nil && len(c.Resting) > 0 {
		all = append(all, finding{
			What: "Nothing arrives on some channels of authorities", Href: "/status/channels",
			Do: "The notices are in the authorities' inboxes all the same. Tell whose channels rest.",
		})
	}
	if d != nil && !d.Oldest.IsZero() && now.Sub(d.Oldest) > waitingFor {
		all = append(all, finding{
			What: "A notice has waited for a channel since " + frame.Moment(d.Oldest), Href: "/status/channels",
			Do: "Look whether its channel rests. If none does, look whether the servers may reach the internet.",
		})
	}
	return all
}
