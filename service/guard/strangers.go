package guard

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"cpis/audit"
	"cpis/service/identity"
	"cpis/service/store"
)

const (
	// strangersKept is how many sources are told apart until the next entries.
	strangersKept = 1024
	// strangersTried is among how many the one with the fewest calls makes room for
	// a new one: whoever calls often stays.
	strangersTried = 8
	// strangersEntered is how many of them have an entry of their own each time:
	// those with the most calls. So whoever tries tokens from everywhere cannot
	// fill the log, nor hide who tries most.
	strangersEntered = 32
)

// Words in entries of calls without a valid token.
const (
	actionUnauthenticated = "unauthenticated"
	fromOthers            = "other"     // sources that have no entry of their own
	fromUnknown           = "unknown"   // a source that has no address
	countCalls            = "calls"     // how many there were
	countSources          = "sources"   // how many sources those of fromOthers came from, at least
	countUnchecked        = "unchecked" // calls whose token could be neither accepted nor refused
)

// Strangers counts calls without a valid token until their entries are written,
// in memory that is bounded however many there are.
type Strangers struct {
	guard *Guard

	mu      sync.Mutex // guards what follows
	sources map[string]audit.Counts
	others  audit.Counts // of those that made room
}

// NewStrangers creates Strangers whose entries go through a Guard.
func NewStrangers(g *Guard) *Strangers {
	return &Strangers{guard: g, sources: map[string]audit.Counts{}, others: audit.Counts{}}
}

// Met counts a call from a source, and why its token was refused. An empty reason
// means that it could be neither accepted nor refused.
func (s *Strangers) Met(from string, why identity.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.countsOf(cmp.Or(from, fromUnknown))
	counts[countCalls]++
	counts[cmp.Or(string(why), countUnchecked)]++
}

// countsOf returns the counts of a source. The lock is held.
func (s *Strangers) countsOf(from string) audit.Counts {
	counts := s.sources[from]
	if counts == nil {
		if len(s.sources) >= strangersKept {
			s.makeRoom()
		}
		counts = audit.Counts{}
		s.sources[from] = counts
	}
	return counts
}

// makeRoom counts one of the sources with few calls among the others. The lock is
// held.
func (s *Strangers) makeRoom() {
	least, tried := "", 0
	for from, counts := range s.sources { // in an order that nobody chooses
		if least == "" || counts[countCalls] < s.sources[least][countCalls] {
			least = from
		}
		if tried++; tried == strangersTried {
			break
		}
	}
	addCounts(s.others, s.sources[least])
	s.others[countSources]++
	delete(s.sources, least)
}

// Enter writes entries of the calls that were counted since the last ones. If that
// fails they stay counted, and are entered the next time; if nobody knows whether
// it failed they may be entered twice.
func (s *Strangers) Enter(ctx context.Context) error {
	s.mu.Lock()
	sources, others := s.sources, s.others
	s.sources, s.others = map[string]audit.Counts{}, audit.Counts{}
	s.mu.Unlock()
	entries := strangersEntries(sources, others)
	if len(entries) == 0 {
		return nil
	}
	err := s.guard.ready()
	if err == nil {
		err = s.guard.db.Tx(ctx, func(tx *store.Tx) error {
			_, err := s.guard.Enter(ctx, tx, entries...)
			return err
		})
	}
	if err != nil {
		s.putBack(sources, others)
	}
	return err
}

// putBack counts again what could not be entered.
func (s *Strangers) putBack(sources map[string]audit.Counts, others audit.Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	addCounts(s.others, others)
	for from, counts := range sources {
		addCounts(s.countsOf(from), counts)
	}
}

// strangersEntries are the entries of what was counted: one for each of the sources
// with the most calls, and one for all others.
func strangersEntries(sources map[string]audit.Counts, others audit.Counts) []*audit.Entry {
	froms := slices.SortedFunc(maps.Keys(sources), func(a, b string) int {
		return cmp.Or(cmp.Compare(sources[b][countCalls], sources[a][countCalls]), cmp.Compare(a, b))
	})
	var entries []*audit.Entry
	rest := maps.Clone(others)
	for i, from := range froms {
		if i < strangersEntered {
			entries = append(entries, strangersEntry(from, sources[from]))
			continue
		}
		addCounts(rest, sources[from])
		rest[countSources]++
	}
	if len(rest) > 0 {
		entries = append(entries, strangersEntry(fromOthers, rest))
	}
	return entries
}

// strangersEntry is an entry of nobody: who called is what is not known.
func strangersEntry(from string, counts audit.Counts) *audit.Entry {
	return &audit.Entry{
		Version: audit.Version, From: from, Action: actionUnauthenticated, Outcome: outcomeDenied, Counts: counts,
	}
}

func addCounts(to, from audit.Counts) {
	for name, n := range from {
		to[name] += n
	}
}
