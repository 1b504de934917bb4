package keys

import (
	"sync"
	"sync/atomic"
	"time"
)

// cache holds unwrapped data keys, at most limit of them, each at most keep
// long after it was put in: using a key does not prolong its stay.
//
// It evicts by SIEVE rather than LRU: entries stay in the order they came in,
// a reader only marks the one it found, and a hand that goes from the oldest
// to the newest evicts the first unmarked one it meets, unmarking the others.
// So readers share the lock, and as all stay equally long, the order of
// arrival is also the order of expiry: the expired are always at the old end.
type cache struct {
	limit int
	keep  time.Duration

	mu     sync.RWMutex // never held across a call to anything else
	items  map[string]*item
	newest *item
	oldest *item
	hand   *item // where the next search for a victim starts; nil: the oldest
}

// item is one cached key. All fields but used are guarded by the cache's lock.
type item struct {
	owner   string
	key     *DataKey
	expires time.Time
	used    atomic.Bool // since the hand last came by
	newer   *item
	older   *item
}

func newCache(limit int, keep time.Duration) *cache {
	return &cache{limit: limit, keep: keep, items: make(map[string]*item)}
}

// get finds an owner's key. When it notices that keys have expired it drops
// them, so that they leave memory even if no new ones come.
func (c *cache) get(owner string, now time.Time) (*DataKey, bool) {
	c.mu.RLock()
	found := c.items[owner]
	stale := c.oldest != nil && !now.Before(c.oldest.expires)
	c.mu.RUnlock()
	if stale {
		c.expire(now)
	}
	if found == nil || !now.Before(found.expires) {
		return nil, false
	}
	if !found.used.Load() { // mostly it is: don't fight over the cache line
		found.used.Store(true)
	}
	return found.key, true
}

// put takes in a key that was unwrapped at the time now.
func (c *cache) put(owner string, key *DataKey, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeLocked(c.items[owner])
	c.expireLocked(now)
	if len(c.items) >= c.limit {
		c.evictLocked()
	}
	c.addLocked(&item{owner: owner, key: key, expires: now.Add(c.keep)})
}

// forget drops an owner's key.
func (c *cache) forget(owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeLocked(c.items[owner])
}

// size is the number of keys held, expired ones that nobody noticed included.
func (c *cache) size() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.items)
}

func (c *cache) expire(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expireLocked(now)
}

func (c *cache) expireLocked(now time.Time) {
	for c.oldest != nil && !now.Before(c.oldest.expires) {
		c.removeLocked(c.oldest)
	}
}

// evictLocked drops the oldest key, from the hand on, that nobody used since
// the hand last came by. It ends: the hand unmarks what it passes, and while
// the lock is held only readers who found their key before can mark it again.
func (c *cache) evictLocked() {
	victim := c.handLocked()
	for victim.used.Swap(false) {
		c.hand = victim.newer
		victim = c.handLocked()
	}
	c.removeLocked(victim)
}

func (c *cache) handLocked() *item {
	if c.hand == nil {
		return c.oldest
	}
	return c.hand
}

func (c *cache) addLocked(it *item) {
	it.older = c.newest
	if c.newest != nil {
		c.newest.newer = it
	} else {
		c.oldest = it
	}
	c.newest = it
	c.items[it.owner] = it
}

// removeLocked unlinks an item; nil is no item.
func (c *cache) removeLocked(it *item) {
	if it == nil {
		return
	}
	if c.hand == it {
		c.hand = it.newer
	}
	if it.older != nil {
		it.older.newer = it.newer
	} else {
		c.oldest = it.newer
	}
	if it.newer != nil {
		it.newer.older = it.older
	} else {
		c.newest = it.older
	}
	delete(c.items, it.owner)
}
