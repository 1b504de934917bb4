package deliver

import (
	"maps"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// Observer is told of what an operator counts.
type Observer struct {
	Sent func(kind ChannelKind, ok bool) // a notice was delivered, or could not be this time
}

// Config is what Channels are made of. All is required but Senders: authorities
// can have channels of the kinds that have one.
type Config struct {
	DB      *store.DB
	Ring    *keys.Ring
	Clock   domain.Clock
	Guard   *guard.Guard
	Records *record.Records
	Notices *notice.Notices
	Senders map[ChannelKind]Sender
	Ready   func() error // whether anything may be answered
	Observe Observer
}

// Channels are the ways on which notices are sent on.
type Channels struct {
	db         *store.DB
	ring       *keys.Ring
	clock      domain.Clock
	guard      *guard.Guard
	records    *record.Records
	notices    *notice.Notices
	senders    map[ChannelKind]Sender
	ready      func() error
	observe    Observer
	dispatcher *dispatcher
}

// New creates Channels.
func New(c Config) *Channels {
	return &Channels{
		db: c.DB, ring: c.Ring, clock: c.Clock, guard: c.Guard, records: c.Records, notices: c.Notices,
		senders: maps.Clone(c.Senders), ready: c.Ready, observe: c.Observe, dispatcher: newDispatcher(),
	}
}
