package notice

import (
	"context"
	"time"

	"github.com/google/uuid"

	"cpis/service/store"
)

// DeliveryState is where a notice stands on a channel.
type DeliveryState string

// The states.
const (
	DeliveryPending     DeliveryState = store.DeliveryPending
	DeliveryDelivered   DeliveryState = store.DeliveryDelivered
	DeliveryUndelivered DeliveryState = store.DeliveryUndelivered
)

// Delivery is a notice on one channel.
type Delivery struct {
	Channel  string
	State    DeliveryState
	Attempts int
	Last     time.Time // of the last attempt; zero if there was none
	Next     time.Time // of the next; zero if there is none
	Failure  string    // a word for why the last attempt failed
}

// deliveriesOf returns how a notice was sent on, in the order of its channels.
func (s *Notices) deliveriesOf(ctx context.Context, tx *store.Tx, notice uuid.UUID) ([]Delivery, error) {
	rows, err := tx.Deliveries.Of(ctx, notice)
	if err != nil {
		return nil, err
	}
	var out []Delivery
	for i := range rows {
		out = append(out, deliveryOf(&rows[i]))
	}
	return out, nil
}

func deliveryOf(row *store.DeliveryRow) Delivery {
	d := Delivery{
		Channel: row.Channel.String(), State: DeliveryState(row.State), Attempts: row.Attempts, Failure: row.Failure,
	}
	if row.LastAt != nil {
		d.Last = *row.LastAt
	}
	if d.State == DeliveryPending {
		d.Next = row.DueAt
	}
	return d
}
