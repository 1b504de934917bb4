package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// Ring holds the keys of a running service: the index key or keys, until
// SetIndex replaces them, and data keys, in a bounded cache. It is safe for
// concurrent use. Each method works with the index keys of one moment; if
// two results must fit each other, one method has to give both.
type Ring struct {
	keeper  Keeper
	indexes atomic.Pointer[[]index] // newest first; one, or two while the index key rotates. Replaced, never changed
	local   *mac                    // of LocalTag
	cache   *cache
	timeout time.Duration
	now     func() time.Time
	calls   chan struct{} // a place in it is the right to call the keeper

	mu      sync.Mutex // guards flights; never held across a call to the keeper
	flights map[Wrapped]*flight
}

// index is an opened index key.
type index struct {
	wrapped Wrapped // as it was opened
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
	r := &Ring{
		keeper:  k,
		local:   newMAC(randomKey("").Key),
		cache:   newCache(orDefault(cfg.CacheSize, DefaultCacheSize), orDefault(cfg.CacheFor, DefaultCacheFor)),
		timeout: orDefault(cfg.CallTimeout, DefaultCallTimeout),
		now:     cfg.Now,
		calls:   make(chan struct{}, maxCalls),
		flights: make(map[Wrapped]*flight),
	}
	if err := r.SetIndex(ctx, indexKeys); err != nil {
		return nil, err
	}
	return r, nil
}

// SetIndex puts other index keys, as OpenRing takes them, in the place of those
// that the ring holds: the next call of any method works with the new ones. The
// keeper is asked only for those that the ring has not opened already, so an
// old key can be given up while the keeper is away. After an error the ring is
// as it was. It must not be called twice at the same time.
func (r *Ring) SetIndex(ctx context.Context, wrapped []Wrapped) error {
	indexes, err := r.openIndexes(ctx, wrapped)
	if err != nil {
		return fmt.Errorf("opening index keys: %w", err)
	}
	r.indexes.Store(&indexes)
	return nil
}

func orDefault[T comparable](given, standard T) T {
	var zero T
	if given == zero {
		return standard
	}
	return given
}

// openIndexes returns index keys, unwraps those that are new, and checks that
// they are what a ring expects.
func (r *Ring) openIndexes(ctx context.Context, wrapped []Wrapped) ([]index, error) {
	if n := len(wrapped); n < 1 || n > 2 {
		return nil, fmt.Errorf("there must be one or two, not %d", n)
	}
	indexes := make([]index, len(wrapped))
	for i, w := range wrapped {
		var err error
		if indexes[i], err = r.openIndex(ctx, w); err != nil {
			return nil, err
		}
	}
	if len(indexes) == 2 && indexes[0].version <= indexes[1].version {
		return nil, errors.New("the newest must come first")
	}
	return indexes, nil
}

// openIndex returns an index key: the one that is open already, if it is the
// same.
func (r *Ring) openIndex(ctx context.Context, w Wrapped) (index, error) {
	if held := r.indexes.Load(); held != nil {
		for _, x := range *held {
			if x.wrapped == w {
				return x, nil
			}
		}
	}
	version, err := indexVersion(w.Owner)
	if err != nil {
		return index{}, err
	}
	opened, err := r.keeper.Unwrap(ctx, []Wrapped{w})
	if err == nil {
		err = opened[0].Err
	}
	if err != nil {
		return index{}, fmt.Errorf("version %d: %w", version, err)
	}
	return index{wrapped: w, version: version, mac: newMAC(opened[0].Value.Key)}, nil
}

// NewIndexKey creates a random index key and wraps it. The first version is 1.
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

// randomKey creates a new data key for an owner.
func randomKey(owner string) Plain {
	p := Plain{Owner: owner}
	_, _ = rand.Read(p.Key[:]) // never fails: the program ends if there is no randomness
	return p
}

// Keeper returns the keeper that the ring was opened with.
func (r *Ring) Keeper() Keeper { return r.keeper }

// newest is the newest index key.
func (r *Ring) newest() *index { return &(*r.indexes.Load())[0] }

// IndexVersion is the version of the newest index key.
func (r *Ring) IndexVersion() int { return r.newest().version }

// IndexVersions are the versions of all index keys, the newest first.
func (r *Ring) IndexVersions() []int {
	indexes := *r.indexes.Load()
	versions := make([]int, len(indexes))
	for i := range indexes {
		versions[i] = indexes[i].version
	}
	return versions
}

// Tag returns the tag of an NHS number, ten digits without spaces, under the
// newest index key.
func (r *Ring) Tag(nhs string) Tag { return r.newest().mac.tag(nhs) }

// Tags returns the tags of an NHS number under all index keys, the newest first:
// while the index key rotates, a person may be found under either.
func (r *Ring) Tags(nhs string) []Tag { return r.AppendTags(nil, nhs) }

// AppendTags appends what Tags returns.
func (r *Ring) AppendTags(dst []Tag, nhs string) []Tag {
	indexes := *r.indexes.Load()
	dst = slices.Grow(dst, len(indexes))
	for i := range indexes {
		dst = append(dst, indexes[i].mac.tag(nhs))
	}
	return dst
}

// FormerTags returns the tags of NHS numbers under index keys that were retired:
// entries of the log have them for good. The keys are opened for this call alone.
// The error is ErrUnavailable or ErrTampered.
func (r *Ring) FormerTags(ctx context.Context, wrapped []Wrapped, numbers []string) (tags []Tag, err error) {
	return tags, r.former(ctx, wrapped, func(m *mac) {
		for _, n := range numbers {
			tags = append(tags, m.tag(n))
		}
	})
}

// FormerHashes is Hashes under index keys that were retired.
func (r *Ring) FormerHashes(ctx context.Context, wrapped []Wrapped, domain string, parts ...string) (hashes [][32]byte, err error) {
	return hashes, r.former(ctx, wrapped, func(m *mac) { hashes = append(hashes, m.hash(domain, parts)) })
}

// former opens index keys that were retired, for one use.
func (r *Ring) former(ctx context.Context, wrapped []Wrapped, use func(*mac)) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	for batch := range slices.Chunk(wrapped, MaxBatch) {
		opened, err := r.keeper.Unwrap(ctx, batch)
		if err != nil {
			return fmt.Errorf("opening former index keys: %w", err)
		}
		for i := range opened {
			if opened[i].Err != nil {
				return fmt.Errorf("opening %s: %w", batch[i].Owner, opened[i].Err)
			}
			use(newMAC(opened[i].Value.Key))
		}
	}
	return nil
}

// VersionedTag is a tag, and the version of the index key that made it.
type VersionedTag struct {
	Tag     Tag
	Version int
}

// VersionedTags returns what Tags returns, each with its version: what is stored so
// that a person can be found.
func (r *Ring) VersionedTags(nhs string) []VersionedTag {
	indexes := *r.indexes.Load()
	tags := make([]VersionedTag, len(indexes))
	for i := range indexes {
		tags[i] = VersionedTag{indexes[i].mac.tag(nhs), indexes[i].version}
	}
	return tags
}

// LocalTag stands for an NHS number in the memory of this process: it stays the
// same while index keys come and go, and means nothing to another Ring. It is
// never to be stored.
func (r *Ring) LocalTag(nhs string) Tag { return r.local.tag(nhs) }

// Hash returns a keyed hash, under the newest index key, of something that must
// be compared but not be read or guessed. Hashes of different domains have
// nothing in common, and ("a", "bc") is not ("ab", "c").
func (r *Ring) Hash(domain string, parts ...string) [32]byte {
	return r.newest().mac.hash(domain, parts)
}

// StableHash is Hash under the oldest index key, such as of an encounter's id:
// it stays the same when a new index key comes, and changes only when an old
// one retires. It is for what is compared with what was stored shortly before.
func (r *Ring) StableHash(domain string, parts ...string) [32]byte {
	indexes := *r.indexes.Load()
	return indexes[len(indexes)-1].mac.hash(domain, parts)
}

// Hashes returns the keyed hashes under all index keys, the newest first. What
// is looked up by its hash must be looked up by all of these, else the first
// hours after a change of the index key would not find what came before.
func (r *Ring) Hashes(domain string, parts ...string) [][32]byte {
	indexes := *r.indexes.Load()
	hashes := make([][32]byte, len(indexes))
	for i := range indexes {
		hashes[i] = indexes[i].mac.hash(domain, parts)
	}
	return hashes
}

// Hasher makes keyed hashes under one index key.
type Hasher struct{ of *index }

// Version is that of the index key.
func (h Hasher) Version() int { return h.of.version }

// Hash returns what Ring.Hash would if the key were the newest.
func (h Hasher) Hash(domain string, parts ...string) [32]byte { return h.of.mac.hash(domain, parts) }

// Hashers returns one for each index key, the newest first: for what is stored
// under all of them, each with its version.
func (r *Ring) Hashers() []Hasher {
	indexes := *r.indexes.Load()
	all := make([]Hasher, len(indexes))
	for i := range indexes {
		all[i] = Hasher{&indexes[i]}
	}
	return all
}

// HashBytes is Hash of one part that is bytes.
func (r *Ring) HashBytes(domain string, b []byte) [32]byte {
	return r.newest().mac.hashBytes(domain, b)
}
