package deliver

import (
	"context"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// RotateSecretRequest asks for a new secret of a webhook.
type RotateSecretRequest struct {
	ChannelID string
	Version   int    // that the caller saw
	Request   string `json:"-"` // request id
}

// RotateSecretResult is the answer to RotateSecret. As in PutChannelResult, the
// secret is not kept with it.
type RotateSecretResult struct {
	guard.Receipt `json:"-"`

	ChannelID string
	Version   int
	Secret    string    `json:"-"`
	OldUntil  time.Time // until then the old one signs too
}

// RotateSecret creates a new secret for a webhook of the caller's authority. For a
// day the old one signs too, and no longer whichever was before that. The error
// is ErrDenied, *InvalidError, *OverloadedError, ErrNotFound, ErrConflict,
// ErrState (it is no webhook), ErrReused, ErrUnrecorded, ErrUnavailable or
// ErrDamaged.
func (s *Channels) RotateSecret(ctx context.Context, c *identity.Caller, q *RotateSecretRequest) (*RotateSecretResult, error) {
	a := guard.Act{
		Caller: c, Action: policy.ManageChannels, Own: true, Request: q.Request, Asks: q,
		Target: target(q.ChannelID), Check: checkVersion(q.Version),
	}
	out, err := guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*RotateSecretResult, error) {
		row, err := lockChannel(ctx, tx, c.Organisation, q.ChannelID, q.Version)
		if err != nil {
			return nil, err
		}
		key, sealed, err := s.openChannel(ctx, row)
		switch {
		case err != nil:
			return nil, err
		case sealed.Secret == nil:
			return nil, &guard.StateError{Problem: "the channel is no webhook: it has no secret"}
		}
		sealed.Old, sealed.OldUntil = sealed.Secret, s.clock.Moment().Add(secretOverlap)
		sealed.Secret = newSecret()
		if err := s.writeChannel(ctx, tx, key, row, &sealed); err != nil {
			return nil, err
		}
		return &RotateSecretResult{
			ChannelID: row.ID.String(), Version: row.Version, Secret: secretText(sealed.Secret), OldUntil: sealed.OldUntil,
		}, nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.showSecret(ctx, true, out.ChannelID, out.Version, &out.Secret)
}

// target is the channel that a request names.
func target(id string) audit.Thing { return guard.Target(guard.KindChannel, id) }

// lockChannel finds a channel of an authority in the version that its caller
// saw, and keeps all of that authority's as they are.
func lockChannel(ctx context.Context, tx *store.Tx, authority, id string, version int) (*store.ChannelRow, error) {
	held, err := tx.Channels.Lock(ctx, authority)
	if err != nil {
		return nil, err
	}
	return findChannel(ctx, held, authority, id, version)
}

// checkVersion refuses a version that no channel has.
func checkVersion(version int) error {
	var v domain.Violations
	if version < 1 {
		v.Add("version", "must be the version of the channel that you saw", exampleVersion)
	}
	return v.Err()
}

// RemoveChannelRequest stops a channel for good.
type RemoveChannelRequest struct {
	ChannelID string
	Version   int    // that the caller saw
	Request   string `json:"-"` // request id
}

// RemoveChannelResult is the answer to RemoveChannel.
type RemoveChannelResult struct {
	guard.Receipt `json:"-"`
}

// RemoveChannel stops a channel of the caller's authority for good. What it has
// not delivered goes to the next one within seconds; if there is none, it is
// shown as undelivered. Its own errors are ErrNotFound and ErrConflict.
func (s *Channels) RemoveChannel(ctx context.Context, c *identity.Caller, q *RemoveChannelRequest) (*RemoveChannelResult, error) {
	a := guard.Act{
		Caller: c, Action: policy.ManageChannels, Own: true, Request: q.Request, Asks: q,
		Target: target(q.ChannelID), Check: checkVersion(q.Version),
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*RemoveChannelResult, error) {
		row, err := lockChannel(ctx, tx, c.Organisation, q.ChannelID, q.Version)
		if err != nil {
			return nil, err
		}
		at := s.clock.Moment()
		row.Version++
		row.ChangedAt, row.RemovedAt = at, &at
		row.Sealed = []byte{} // address and secrets are forgotten
		return &RemoveChannelResult{}, tx.Channels.Update(ctx, row)
	})
}

// ListChannelsRequest asks for the channels of the caller's authority.
type ListChannelsRequest struct {
	Request string // request id
}

// ChannelList is the channels of an authority.
type ChannelList struct {
	guard.Receipt

	Channels []Channel // in the order in which they are tried
}

// ListChannels shows the channels of the caller's authority, without their
// secrets.
func (s *Channels) ListChannels(ctx context.Context, c *identity.Caller, q *ListChannelsRequest) (*ChannelList, error) {
	a := guard.Act{Caller: c, Action: policy.ReadNotices, Own: true, Request: q.Request}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ChannelList, error) {
		out := &ChannelList{}
		rows, err := tx.Channels.List(ctx, c.Organisation)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			row := &rows[i]
			_, sealed, err := s.openChannel(ctx, &row.ChannelRow)
			if err != nil {
				return nil, err
			}
			out.Channels = append(out.Channels, s.showChannel(row, &sealed))
		}
		e.Counts = audit.Counts{"channels": int64(len(rows))}
		guard.Show(e, guard.KindChannel, out.Channels, func(c *Channel) string { return c.ID })
		return out, nil
	})
}

// showChannel returns a channel as its authority sees it.
func (s *Channels) showChannel(row *store.CountedChannel, sealed *sealedChannel) Channel {
	c := Channel{
		ID: row.ID.String(), Version: row.Version, Rank: row.Rank, Kind: ChannelKind(row.Kind),
		To: sealed.To, Paused: row.Paused, Pending: row.Pending, Undelivered: row.Undelivered,
	}
	if row.Failures == 0 {
		return c
	}
	c.Failures, c.FailedAt, c.Failure = row.Failures, row.FailedAt, row.Failure
	if row.RestsUntil != nil && s.clock.Now().Before(*row.RestsUntil) && !row.Paused {
		c.RestsUntil = *row.RestsUntil
	}
	return c
}
