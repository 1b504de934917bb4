package lookup

import (
	"sync"
	"time"
)

// queue is where look-ups wait for the next group. A look-up of one person goes
// before those of clinic lists, and among each organisations take turns: who
// asks for many makes others wait no longer than for the group under way.
//
// Lists get a small part of each group however many single look-ups wait, and
// no more than a quarter of it however few: the next group comes soon.
type queue struct {
	cfg  GroupConfig
	some chan struct{} // says that something waits, or that nothing is left to come

	mu      sync.Mutex // guards what follows
	again   []*lookup  // that waited already, and then for the keeper
	singles carousel
	lists   carousel
	held    map[string]*holding // of organisations with look-ups that are not finished
	all     holding             // of all together
	over    bool                // nothing is admitted any more
}

// holding is how many look-ups are under way.
type holding struct{ all, listed int }

const (
	// listPart is the part of a group that lists get at the most, and listLeast
	// the part that they get at least, as divisors.
	listPart, listLeast = 4, 16
)

func newQueue(cfg GroupConfig) *queue {
	return &queue{cfg: cfg, some: make(chan struct{}, 1), held: make(map[string]*holding)}
}

// admit takes look-ups of one request, all or none, unless there are too many
// under way: of all, of the organisation, or of lists. pace is how long a group
// takes, and within how long the caller waits, if it says so. It refuses nobody
// for being late while nobody waits. The result is how long those who were
// refused would wait.
func (q *queue) admit(ls []*lookup, pace, within time.Duration, hurried bool) (wait time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	h := q.held[ls[0].entry.Organisation]
	if h == nil {
		h = &holding{}
	}
	n, listed := len(ls), ls[0].listed
	wait = pace * time.Duration(1+q.ahead(h, n, listed))
	late := hurried && q.all.all > 0 && within < wait
	if q.over || late || !q.hasRoom(h, n, listed) {
		return wait, false
	}
	q.held[ls[0].entry.Organisation] = h
	h.add(n, listed)
	q.all.add(n, listed)
	for _, l := range ls {
		if listed {
			q.lists.push(l)
		} else {
			q.singles.push(l)
		}
	}
	q.wake()
	return 0, true
}

func (h *holding) add(n int, listed bool) {
	h.all += n
	if listed {
		h.listed += n
	}
}

// hasRoom reports whether so many more fit. A quarter of the places is kept from
// each organisation for others, and half of them from lists, of which one
// organisation has half again; but one list of full length always fits.
func (q *queue) hasRoom(h *holding, n int, listed bool) bool {
	most := q.cfg.MaxWaiting
	share := func(part int) int { return min(most, max(maxItems, part)) }
	switch {
	case q.all.all+n > most, h.all+n > share(most-most/4):
		return false
	case !listed:
		return true
	}
	return q.all.listed+n <= share(most/2) && h.listed+n <= share(most/4)
}

// ahead is how many groups come before that of the last of n more look-ups of
// an organisation. Its own come in turns with those of others.
func (q *queue) ahead(h *holding, n int, listed bool) int {
	orgs := max(1, len(q.held))
	groups := func(waiting, size int) int { return (waiting + size - 1) / size }
	single := q.all.all - q.all.listed
	if !listed {
		return groups(min(single+n, (h.all-h.listed+n)*orgs), q.cfg.MaxGroup)
	}
	return groups(single, q.cfg.MaxGroup) + groups(min(q.all.listed+n, (h.listed+n)*orgs), max(1, q.cfg.MaxGroup/listPart))
}

// takeBack takes look-ups that were taken before: they go first.
func (q *queue) takeBack(ls ...*lookup) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.again = append(q.again, ls...)
	q.wake()
}

// leave forgets look-ups that are finished.
func (q *queue) leave(ls []*lookup) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range ls {
		org := l.entry.Organisation
		h := q.held[org]
		h.add(-1, l.listed)
		q.all.add(-1, l.listed)
		if h.all == 0 {
			delete(q.held, org)
		}
	}
	if q.over {
		q.wake()
	}
}

// underWay is how many look-ups are under way.
func (q *queue) underWay() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.all.all
}

// isOver reports whether the queue was closed.
func (q *queue) isOver() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.over
}

// close admits nothing any more. Those under way are still taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.over = true
	q.wake()
}

// wake tells who waits in take. It never blocks.
func (q *queue) wake() {
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// take waits for look-ups, and takes a group of them; none once the queue is
// closed and all that was in it is finished.
func (q *queue) take() []*lookup {
	for {
		if ls, over := q.fill(); over || len(ls) > 0 {
			return ls
		}
		<-q.some
	}
}

// fill takes what waits, in its order.
func (q *queue) fill() (ls []*lookup, over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	most := q.cfg.MaxGroup
	n := min(len(q.again), most)
	ls = append(make([]*lookup, 0, min(most, n+q.singles.n+q.lists.n)), q.again[:n]...)
	q.again = q.again[n:]
	kept := min(q.lists.n, most/listLeast)
	for q.singles.n > 0 && len(ls) < most-kept {
		ls = append(ls, q.singles.pop())
	}
	for range max(1, most/listPart) {
		if q.lists.n == 0 || len(ls) >= most {
			break
		}
		ls = append(ls, q.lists.pop())
	}
	return ls, q.over && q.all.all == 0
}

// carousel is look-ups whose organisations take turns.
type carousel struct {
	n    int
	of   map[string][]*lookup
	turn []string // organisations with look-ups here, who is next first
}

func (r *carousel) push(l *lookup) {
	org := l.entry.Organisation
	if r.of == nil {
		r.of = make(map[string][]*lookup)
	}
	if len(r.of[org]) == 0 {
		r.turn = append(r.turn, org)
	}
	r.of[org] = append(r.of[org], l)
	r.n++
}

// pop takes the next; there must be one.
func (r *carousel) pop() *lookup {
	org := r.turn[0]
	r.turn = r.turn[1:]
	ls := r.of[org]
	l := ls[0]
	ls[0] = nil // else it stays alive as long as the others
	if len(ls) == 1 {
		delete(r.of, org)
	} else {
		r.of[org] = ls[1:]
		r.turn = append(r.turn, org)
	}
	r.n--
	return l
}
