package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a RingConfig's zero values stand for.
const (
	DefaultCacheSize   = 20_000
	DefaultCacheFor    = 15 * time.Minute
	DefaultCallTimeout = 5 * time.Second
)

// maxCalls is how many batches a Ring has its Keeper open at the same time.
// More would only queue there, in front of those who want a single key.
const maxCalls = 4

// RingConfig says how a Ring is to be made.
type RingConfig struct {
	// CacheSize is the greatest number of unwrapped data keys held in memory,
	// about 1 kB each. 0 means DefaultCacheSize.
	CacheSize int
	// CacheFor is how long after its unwrapping a data key may be used, however
	// often it is used meanwhile, and so for how long the service can open what
	// it knows while the keeper is away. 0 means DefaultCacheFor.
	CacheFor time.Duration
	// CallTimeout limits one batch of unwrapping, which goes on when the
	// callers that asked for it have left. 0 means DefaultCallTimeout.
	CallTimeout time.Duration
	// Now is the clock. Required.
	Now func() time.Time
}

// Ring holds the keys of a running service: the index key or keys, as long as
// it lives, and data keys, in a bounded cache. It is safe for concurrent use.
type Ring struct {
	keeper  Keeper
	indexes []index // newest first; one, or two while the index key rotates
	cache   *cache
	timeout time.Duration
	now     func() time.Time
	calls   chan struct{} // a place in it is the right to call the keeper

	mu      sync.Mutex // guards flights; never held across a call to the keeper
	flights map[Wrapped]*flight
}

// index is an opened index key.
type index struct {
	version int
	mac     *mac
}

// OpenRing unwraps the index keys, which are one, or two while the index key
// rotates: the newest first, owned by "index/<version>".
func OpenRing(ctx context.Context, k Keeper, indexKeys []Wrapped, cfg RingConfig) (*Ring, error) {
	if cfg.Now == nil {
		return nil, errors.New("a ring needs a clock")
	}
	if cfg.CacheSize < 0 || cfg.CacheFor < 0 || cfg.CallTimeout < 0 {
		return nil, errors.New("a ring's limits cannot be negative")
	}
	indexes, err := openIndexes(ctx, k, indexKeys)
	if err != nil {
		return nil, fmt.Errorf("opening index keys: %w", err)
	}
	return &Ring{
		keeper:  k,
		indexes: indexes,
		cache:   newCache(orDefault(cfg.CacheSize, DefaultCacheSize), orDefault(cfg.CacheFor, DefaultCacheFor)),
		timeout: orDefault(cfg.CallTimeout, DefaultCallTimeout),
		now:     cfg.Now,
		calls:   make(chan struct{}, maxCalls),
		flights: make(map[Wrapped]*flight),
	}, nil
}

func orDefault[T comparable](given, standard T) T {
	var zero T
	if given == zero {
		return standard
	}
	return given
}

// openIndexes unwraps index keys and checks that they are what a ring expects.
func openIndexes(ctx context.Context, k Keeper, wrapped []Wrapped) ([]index, error) {
	if n := len(wrapped); n < 1 || n > 2 {
		return nil, fmt.Errorf("there must be one or two, not %d", n)
	}
	opened, err := k.Unwrap(ctx, wrapped)
	if err != nil {
		return nil, err
	}
	indexes := make([]index, len(wrapped))
	for i, w := range wrapped {
		version, err := indexVersion(w.Owner)
		if err != nil {
			return nil, err
		}
		if opened[i].Err != nil {
			return nil, fmt.Errorf("version %d: %w", version, opened[i].Err)
		}
		indexes[i] = index{version: version, mac: newMAC(opened[i].Value.Key)}
	}
	if len(indexes) == 2 && indexes[0].version <= indexes[1].version {
		return nil, errors.New("the newest must come first")
	}
	return indexes, nil
}

// NewIndexKey makes a random index key and wraps it. The first version is 1.
func NewIndexKey(ctx context.Context, k Keeper, version int) (Wrapped, error) {
	owner := indexOwner(version)
	if _, err := indexVersion(owner); err != nil {
		return Wrapped{}, err
	}
	wrapped, err := k.Wrap(ctx, []Plain{randomKey(owner)})
	if err != nil {
		return Wrapped{}, fmt.Errorf("wrapping index key: %w", err)
	}
	return wrapped[0], nil
}

const indexOwnerPrefix = "index/"

func indexOwner(version int) string { return indexOwnerPrefix + strconv.Itoa(version) }

// indexVersion reads the version from an index key's owner.
func indexVersion(owner string) (int, error) {
	digits, ok := strings.CutPrefix(owner, indexOwnerPrefix)
	version, err := strconv.Atoi(digits)
	if !ok || err != nil || version < 1 || indexOwner(version) != owner {
		return 0, fmt.Errorf("%q does not own an index key", owner)
	}
	return version, nil
}

// randomKey makes a new data key for an owner.
func randomKey(owner string) Plain {
	p := Plain{Owner: owner}
	_, _ = rand.Read(p.Key[:]) // never fails: the program ends where there is no randomness
	return p
}

// Keeper gives the keeper that the ring was opened with.
func (r *Ring) Keeper() Keeper { return r.keeper }

// IndexVersion is the version of the newest index key.
func (r *Ring) IndexVersion() int { return r.indexes[0].version }

// IndexVersions are the versions of all index keys, the newest first, as the
// tags that Tags makes.
func (r *Ring) IndexVersions() []int {
	versions := make([]int, len(r.indexes))
	for i := range r.indexes {
		versions[i] = r.indexes[i].version
	}
	return versions
}

// Tag makes the tag of an NHS number, ten digits without spaces, under the
// newest index key.
func (r *Ring) Tag(nhs string) Tag { return r.indexes[0].mac.tag(nhs) }

// Tags makes the tags of an NHS number under all index keys, the newest first:
// while the index key rotates, a person may be found under either.
func (r *Ring) Tags(nhs string) []Tag {
	return r.AppendTags(make([]Tag, 0, len(r.indexes)), nhs)
}

// AppendTags appends what Tags gives.
func (r *Ring) AppendTags(dst []Tag, nhs string) []Tag {
	for i := range r.indexes {
		dst = append(dst, r.indexes[i].mac.tag(nhs))
	}
	return dst
}

// Hash makes a keyed hash, under the newest index key, of something that must
// be compared but not be read or guessed, such as an encounter's id. Hashes of
// different domains have nothing in common, and ("a", "bc") is not ("ab", "c").
func (r *Ring) Hash(domain string, parts ...string) [32]byte {
	return r.indexes[0].mac.hash(domain, parts)
}

// Hashes makes the keyed hashes under all index keys, the newest first. What
// is looked up by its hash must be looked up by all of these, else the first
// hours after a change of the index key would not find what came before.
func (r *Ring) Hashes(domain string, parts ...string) [][32]byte {
	hashes := make([][32]byte, len(r.indexes))
	for i := range r.indexes {
		hashes[i] = r.indexes[i].mac.hash(domain, parts)
	}
	return hashes
}

// HashBytes is Hash of one part that is bytes.
func (r *Ring) HashBytes(domain string, b []byte) [32]byte {
	return r.indexes[0].mac.hashBytes(domain, b)
}
