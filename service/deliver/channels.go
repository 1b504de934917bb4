package deliver

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// ChannelKind says how notices are sent on.
type ChannelKind string

// The kinds.
const (
	WebhookChannel ChannelKind = "webhook" // signed messages that name nobody
	MeshChannel    ChannelKind = "mesh"    // the whole notice, into a mailbox
)

// Channel is a way on which an authority's notices are sent on.
type Channel struct {
	ID          string
	Version     int
	Rank        int // the lowest is tried first
	Kind        ChannelKind
	To          string    // address of a webhook, or a mailbox
	Paused      bool      // nothing is sent; notices wait
	Pending     int       // notices that wait to be delivered
	Undelivered int       // notices that could not be delivered
	Failures    int       // attempts in a row with which nothing arrived; 0 while it works
	FailedAt    time.Time // when one failed last; zero if none did
	RestsUntil  time.Time // when it is tried again; zero if it does not rest
	Failure     string    // why what waits was not delivered, in a word; empty if nobody knows yet
}

const (
	maxRank        = 9
	exampleRank    = "1"
	exampleVersion = "1"
	// secretSize is the length of a webhook's secret in bytes, and
	// secretOverlap how long an old one signs beside a new one.
	secretSize    = 32
	secretOverlap = 24 * time.Hour
	secretPrefix  = "whsec_"
)

// sealedChannel is what is sealed of a channel.
type sealedChannel struct {
	To       string    `json:"to"`
	Secret   []byte    `json:"secret,omitempty"`
	Old      []byte    `json:"old,omitempty"` // signs too
	OldUntil time.Time `json:"old_until,omitzero"`
}

func detailsIn(row *store.ChannelRow) keys.Context {
	return record.DetailsContext(record.TableChannel, row.ID, row.Version)
}

// secrets are those that sign at a time, the newest first.
func (c *sealedChannel) secrets(at time.Time) [][]byte {
	switch {
	case c.Secret == nil:
		return nil
	case c.Old != nil && at.Before(c.OldUntil):
		return [][]byte{c.Secret, c.Old}
	}
	return [][]byte{c.Secret}
}

// newSecret creates a webhook's secret.
func newSecret() []byte {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails: it ends the program instead
	return secret
}

func secretText(secret []byte) string {
	if secret == nil {
		return ""
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// PutChannelRequest creates a channel, or changes one.
type PutChannelRequest struct {
	ChannelID string // empty for a new one
	Version   int    // that the caller saw; 0 for a new one
	Rank      int    // the lowest is tried first
	Kind      ChannelKind
	To        string // address of a webhook, or a mailbox
	Paused    bool   // nothing is sent; notices wait
	Request   string `json:"-"` // request id
}

// PutChannelResult is the answer to PutChannel. The secret is not kept with it:
// whoever sends the same request again is told it as long as it is the
// channel's.
type PutChannelResult struct {
	guard.Receipt `json:"-"`

	ChannelID string
	Version   int
	Secret    string `json:"-"` // of a new webhook: whsec_ and base64
	Made      bool   // it is a new one
}

// PutChannel creates a channel of the caller's authority, or changes one. The
// error is ErrDenied, *InvalidError, *OverloadedError, ErrNotFound (also for
// channels of others), ErrConflict, ErrReused, ErrUnrecorded, ErrUnavailable or
// ErrDamaged.
//
// A channel gets the notices that are made from then on. What is of one kind
// stays so, and a webhook whose address changes keeps its secret. At a new
// address, and after a pause, what waits is tried at once, and for three days.
func (s *Channels) PutChannel(ctx context.Context, c *identity.Caller, q *PutChannelRequest) (*PutChannelResult, error) {
	fresh := newChannel{id: guard.NewID(), authority: c.Organisation}
	a := guard.Act{
		Caller: c, Action: policy.ManageChannels, Own: true, Request: q.Request, Asks: q, Check: s.checkChannel(q),
		Target: target(q.ChannelID),
		Prepare: func(ctx context.Context) error {
			if q.ChannelID == "" {
				_ = s.fetchChannelKey(ctx, &fresh) // what fails here the transaction tries itself
			}
			return nil
		},
	}
	out, err := guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*PutChannelResult, error) {
		held, err := tx.Channels.Lock(ctx, c.Organisation)
		if err != nil {
			return nil, err
		}
		if q.ChannelID == "" {
			secret, err := s.makeChannel(ctx, tx, held, q, &fresh)
			guard.ShowOne(e, guard.KindChannel, fresh.id)
			return &PutChannelResult{ChannelID: fresh.id.String(), Version: 1, Made: true, Secret: secret}, err
		}
		row, err := findChannel(ctx, held, c.Organisation, q.ChannelID, q.Version)
		if err != nil {
			return nil, err
		}
		if err := s.changeChannel(ctx, tx, held, row, q); err != nil {
			return nil, err
		}
		return &PutChannelResult{ChannelID: row.ID.String(), Version: row.Version}, nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.showSecret(ctx, out.Made, out.ChannelID, out.Version, &out.Secret)
}

// channelFields are where addresses stand in a request.
var channelFields = map[ChannelKind]string{
	WebhookChannel: "channel.webhook.url",
	MeshChannel:    "channel.mesh.mailbox",
}

// checkChannel says what is wrong with a channel on its face.
func (s *Channels) checkChannel(q *PutChannelRequest) error {
	var v domain.Violations
	if q.Rank < 1 || q.Rank > maxRank {
		v.Add("channel.rank", "must be 1 to 9", exampleRank)
	}
	if (q.ChannelID == "") != (q.Version == 0) {
		v.Add("channel.version", "must be the version of the channel that you saw; none for a new one", exampleVersion)
	}
	sender := s.senders[q.Kind]
	if sender == nil {
		v.Add("channel.to", "is of a kind that this installation cannot send to", "")
		return v.Err()
	}
	if problem, example := sender.Check(q.To); problem != "" {
		v.Add(channelFields[q.Kind], problem, example)
	}
	return v.Err()
}

// newChannel is a channel that is to be created.
type newChannel struct {
	id        uuid.UUID
	authority string
	key       keys.NewKey // its data key, once there is one
}

// fetchChannelKey creates the data key of a channel, unless it has one.
func (s *Channels) fetchChannelKey(ctx context.Context, n *newChannel) error {
	if n.key.Key != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, record.KeyWait)
	defer cancel()
	made, err := s.ring.New(ctx, []string{store.ChannelKeys.Owner(n.id)})
	if err != nil {
		return fmt.Errorf("making the key of a channel: %w", s.records.KeyError(err))
	}
	n.key = made[0]
	return nil
}

// makeChannel creates a channel, and returns its secret.
func (s *Channels) makeChannel(
	ctx context.Context, tx *store.Tx, held []store.ChannelRow, want *PutChannelRequest, n *newChannel,
) (string, error) {
	if err := freeRank(held, want.Rank, uuid.Nil); err != nil {
		return "", err
	}
	if len(held) == 0 {
		if err := tx.Channels.BeginDispatch(ctx, n.authority); err != nil {
			return "", err
		}
	}
	if err := s.fetchChannelKey(ctx, n); err != nil {
		return "", err
	}
	sealed := sealedChannel{To: want.To}
	if want.Kind == WebhookChannel {
		sealed.Secret = newSecret()
	}
	row := store.ChannelRow{
		ID: n.id, Authority: n.authority, Version: 1, Rank: want.Rank, Kind: string(want.Kind), Paused: want.Paused,
		WrappedKey: n.key.Wrapped.Text, MadeAt: s.clock.Moment(),
	}
	var err error
	if row.Sealed, err = record.SealJSON(n.key.Key, detailsIn(&row), &sealed); err != nil {
		return "", err
	}
	return secretText(sealed.Secret), tx.Channels.Insert(ctx, &row)
}

// freeRank refuses a rank that another channel has.
func freeRank(held []store.ChannelRow, rank int, id uuid.UUID) error {
	i := slices.IndexFunc(held, func(c store.ChannelRow) bool { return c.Rank == rank && c.ID != id })
	if i < 0 {
		return nil
	}
	var v domain.Violations
	v.Add("channel.rank", "is taken by channel "+held[i].ID.String(), "")
	return v.Err()
}

// changeChannel creates the next version of a channel, if anything differs.
func (s *Channels) changeChannel(
	ctx context.Context, tx *store.Tx, held []store.ChannelRow, row *store.ChannelRow, want *PutChannelRequest,
) error {
	if row.Kind != string(want.Kind) {
		var v domain.Violations
		v.Add("channel.to", "cannot change its kind: remove the channel, and create another", "")
		return v.Err()
	}
	if err := freeRank(held, want.Rank, row.ID); err != nil {
		return err
	}
	key, sealed, err := s.openChannel(ctx, row)
	if err != nil {
		return err
	}
	if sealed.To == want.To && row.Rank == want.Rank && row.Paused == want.Paused {
		return nil
	}
	if sealed.To != want.To || row.Paused && !want.Paused {
		if err := tx.Deliveries.Restart(ctx, row.ID, s.clock.Moment()); err != nil {
			return err
		}
	}
	sealed.To, row.Rank, row.Paused = want.To, want.Rank, want.Paused
	return s.writeChannel(ctx, tx, key, row, &sealed)
}

// writeChannel writes the next version of a channel.
func (s *Channels) writeChannel(
	ctx context.Context, tx *store.Tx, key *keys.DataKey, row *store.ChannelRow, sealed *sealedChannel,
) error {
	row.Version++
	row.ChangedAt = s.clock.Moment()
	var err error
	if row.Sealed, err = record.SealJSON(key, detailsIn(row), sealed); err != nil {
		return err
	}
	return tx.Channels.Update(ctx, row)
}

// openChannel opens what is sealed of a channel.
func (s *Channels) openChannel(ctx context.Context, row *store.ChannelRow) (*keys.DataKey, sealedChannel, error) {
	ctx, cancel := context.WithTimeout(ctx, record.KeyWait)
	defer cancel()
	var sealed sealedChannel
	r := s.ring.Unwrap(ctx, []keys.Wrapped{{Owner: store.ChannelKeys.Owner(row.ID), Text: row.WrappedKey}})[0]
	if r.Err != nil {
		return nil, sealed, fmt.Errorf("unwrapping the key of a channel: %w", s.records.KeyError(r.Err))
	}
	if record.OpenJSON(r.Value, detailsIn(row), row.Sealed, &sealed) != nil {
		return nil, sealed, s.records.Damaged(record.TableChannel)
	}
	return r.Value, sealed, nil
}

// findChannel finds a channel among those of its authority. If it has
// another version than the caller saw, the error is *StaleError.
func findChannel(ctx context.Context, held []store.ChannelRow, authority, id string, version int) (*store.ChannelRow, error) {
	row, err := guard.FindOwn(ctx, func(_ context.Context, id uuid.UUID) (store.ChannelRow, error) {
		i := slices.IndexFunc(held, func(c store.ChannelRow) bool { return c.ID == id })
		if i < 0 {
			return store.ChannelRow{}, store.ErrNotFound
		}
		return held[i], nil
	}, authority, id)
	switch {
	case err != nil:
		return nil, err
	case row.Version != version:
		return nil, &guard.StaleError{Current: row.Version}
	}
	return &row, nil
}

// showSecret fills in the secret of an answer to a request that was sent
// again: if the answer told one, and the channel has not changed since.
func (s *Channels) showSecret(ctx context.Context, told bool, id string, version int, secret *string) error {
	if !told || *secret != "" {
		return nil
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return s.records.Damaged("idempotency")
	}
	row, err := s.db.Channels.Get(ctx, parsed)
	if err != nil {
		return guard.Translate(err)
	}
	if row.Version != version || row.RemovedAt != nil {
		return nil
	}
	_, sealed, err := s.openChannel(ctx, &row)
	*secret = secretText(sealed.Secret)
	return err
}
