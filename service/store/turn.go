package store

import "context"

// appendOrder lets the appends of this program to the log follow one another. The
// database would have them wait for each other just so, at the head of the log,
// but in the order in which they come: of many acts each would be committed on
// its own before the look-ups that came after them, which are committed
// together. Here only one act at a time waits with the look-ups.
type appendOrder struct {
	append chan struct{} // taken by whoever appends
	acts   chan struct{} // taken by the act that waits for it, or has it
}

func newAppendOrder() appendOrder {
	return appendOrder{append: make(chan struct{}, 1), acts: make(chan struct{}, 1)}
}

// take waits for a turn. leave ends it; the error is that of ctx.
func (t *appendOrder) take(ctx context.Context) (leave func(), err error) {
	select {
	case t.append <- struct{}{}:
		return func() { <-t.append }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// takeAct is take for an act.
func (t *appendOrder) takeAct(ctx context.Context) (leave func(), err error) {
	select {
	case t.acts <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	one, err := t.take(ctx)
	if err != nil {
		<-t.acts
		return nil, err
	}
	return func() {
		one()
		<-t.acts
	}, nil
}

// Turn waits until nobody else of this program appends, and until leave is
// called keeps it so. It is for [DB.Append], of which several may be needed
// until one meets the head where it expects it. The error is that of ctx.
func (db *DB) Turn(ctx context.Context) (leave func(), err error) { return db.order.take(ctx) }
