package service

import (
	"context"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// Rotated is the answer to RotateSecret. As in PutResult, the secret is not
// kept with it.
type Rotated struct {
	Receipt `json:"-"`

	ChannelID string
	Version   int
	Secret    string    `json:"-"`
	OldUntil  time.Time // until then the old one signs too
}

// rotation is what RotateSecret asks for.
type rotation struct {
	ChannelID string
	Version   int
}

// RotateSecret gives a webhook of the caller's authority a new secret. For a
// day the old one signs too, and no longer whichever was before that. The error
// is ErrDenied, *InvalidError, *OverloadedError, ErrNotFound, ErrConflict,
// ErrState (it is no webhook), ErrReused, ErrUnrecorded, ErrUnavailable or
// ErrDamaged.
func (s *Service) RotateSecret(ctx context.Context, c *identity.Caller, id string, version int, request string) (*Rotated, error) {
	a := act{
		caller: c, action: policy.ManageChannels, own: true, request: request, asks: &rotation{id, version},
		check: checkVersion(version),
	}
	out, err := once(ctx, s, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*Rotated, error) {
		row, err := lockChannel(ctx, tx, c.Organisation, id, version)
		if err != nil {
			return nil, err
		}
		key, sealed, err := s.openChannel(ctx, row)
		switch {
		case err != nil:
			return nil, err
		case sealed.Secret == nil:
			return nil, &StateError{"the channel is no webhook: it has no secret"}
		}
		sealed.Old, sealed.OldUntil = sealed.Secret, s.moment().Add(secretOverlap)
		sealed.Secret = newSecret()
		if err := s.writeChannel(ctx, tx, key, row, &sealed); err != nil {
			return nil, err
		}
		return &Rotated{
			ChannelID: row.ID.String(), Version: row.Version, Secret: secretText(sealed.Secret), OldUntil: sealed.OldUntil,
		}, nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.showSecret(ctx, true, out.ChannelID, out.Version, &out.Secret)
}

// lockChannel finds a channel of an authority in the version that its caller
// saw, and keeps all of that authority's as they are.
func lockChannel(ctx context.Context, tx *store.Tx, authority, id string, version int) (*store.ChannelRow, error) {
	held, err := tx.LockChannels(ctx, authority)
	if err != nil {
		return nil, err
	}
	return findChannel(held, id, version)
}

// checkVersion refuses a version that no channel has.
func checkVersion(version int) error {
	var v violations
	if version < 1 {
		v.add("version", "must be the version of the channel that you saw", exampleVersion)
	}
	return v.err()
}

// RemovedChannel is the answer to RemoveChannel.
type RemovedChannel struct {
	Receipt `json:"-"`
}

// channelRemoval is what RemoveChannel asks for.
type channelRemoval struct {
	ChannelID string
	Version   int
}

// RemoveChannel stops a channel of the caller's authority for good. What it has
// not delivered goes to the next one within seconds; where there is none, it is
// shown as undelivered. The error is ErrDenied, *InvalidError,
// *OverloadedError, ErrNotFound, ErrConflict, ErrReused, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
func (s *Service) RemoveChannel(ctx context.Context, c *identity.Caller, id string, version int, request string) (*RemovedChannel, error) {
	a := act{
		caller: c, action: policy.ManageChannels, own: true, request: request, asks: &channelRemoval{id, version},
		check: checkVersion(version),
	}
	return once(ctx, s, a, func(ctx context.Context, tx *store.Tx, _ *audit.Entry) (*RemovedChannel, error) {
		row, err := lockChannel(ctx, tx, c.Organisation, id, version)
		if err != nil {
			return nil, err
		}
		at := s.moment()
		row.Version++
		row.ChangedAt, row.RemovedAt = at, &at
		row.Sealed = []byte{} // address and secrets are forgotten
		return &RemovedChannel{}, tx.UpdateChannel(ctx, row)
	})
}

// ChannelList is the channels of an authority.
type ChannelList struct {
	Receipt

	Channels []Channel // in the order in which they are tried
}

// ListChannels shows the channels of the caller's authority, without their
// secrets. The error is ErrDenied, *OverloadedError, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
func (s *Service) ListChannels(ctx context.Context, c *identity.Caller, request string) (*ChannelList, error) {
	a := act{caller: c, action: policy.ReadNotices, own: true, request: request}
	return answer(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*ChannelList, error) {
		out := &ChannelList{}
		rows, err := tx.Channels(ctx, c.Organisation)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			row := &rows[i]
			_, sealed, err := s.openChannel(ctx, &row.ChannelRow)
			if err != nil {
				return nil, err
			}
			out.Channels = append(out.Channels, Channel{
				ID: row.ID.String(), Version: row.Version, Rank: row.Rank, Kind: ChannelKind(row.Kind),
				To: sealed.To, Paused: row.Paused, Pending: row.Pending, Undelivered: row.Undelivered,
			})
		}
		e.Counts = audit.Counts{"channels": int64(len(rows))}
		return out, nil
	})
}
