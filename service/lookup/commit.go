package lookup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/store"
)

// committer appends groups to the log. Only one goroutine uses it; its buffers
// live from group to group.
type committer struct {
	head   audit.Tree // as last seen in the database, if known
	known  bool
	salts  []byte
	arena  []byte // the lines, one behind the other
	leaves []audit.Hash
	batch  store.Batch
}

// maxHeadMoves is how often an append starts over because another server's
// came first. Each loss means that somebody's append succeeded.
const maxHeadMoves = 64

// commit durably appends the entries of a group, with what they leave behind,
// in one transaction, and fills the receipts. The error is ErrUnrecorded:
// nothing may be answered then.
func (c *committer) commit(g *group, ls []*lookup) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ls[0].ctx), g.cfg.CommitTimeout)
	defer cancel()
	c.write(ls, g.s.clock.Now())
	leave, err := g.s.db.Turn(ctx)
	if err != nil {
		g.s.observe.Unrecorded(err)
		return fmt.Errorf("waiting for the log: %w", guard.ErrUnrecorded)
	}
	defer leave()
	for range maxHeadMoves {
		to, err := c.append(ctx, g.s)
		if err == nil {
			c.receipts(g.s.log.Origin, ls, to)
			c.head, c.known = to, true
			return nil
		}
		c.known = false
		if !errors.Is(err, store.ErrHeadMoved) {
			g.s.observe.Unrecorded(err)
			return fmt.Errorf("appending entries: %w", guard.ErrUnrecorded)
		}
	}
	g.s.observe.Unrecorded(store.ErrHeadMoved)
	return fmt.Errorf("appending entries: head kept moving: %w", guard.ErrUnrecorded)
}

// append tries once to move the head over the group's entries.
func (c *committer) append(ctx context.Context, s *LookUps) (audit.Tree, error) {
	if !c.known {
		head, err := s.db.Head(ctx, s.log.ID)
		if err != nil {
			return audit.Tree{}, err
		}
		c.head = head
	}
	to := c.head
	for _, leaf := range c.leaves {
		to.Append(leaf)
	}
	return to, s.db.Append(ctx, s.log.ID, c.head, to, &c.batch)
}

// write fills the batch: one line for each look-up, in their order.
func (c *committer) write(ls []*lookup, now time.Time) {
	c.reset(len(ls))
	at := now.UTC().Truncate(time.Microsecond) // what PostgreSQL keeps
	for i, l := range ls {
		l.entry.Time = at
		copy(l.entry.Salt[:], c.salts[16*i:])
		start := len(c.arena)
		c.arena = l.entry.AppendLine(c.arena)
		line := c.arena[start:len(c.arena):len(c.arena)]
		c.batch.Lines = append(c.batch.Lines, line)
		c.batch.Subjects = append(c.batch.Subjects, l.entry.Subject)
		c.leaves = append(c.leaves, audit.LeafHash(line))
		c.leave(l, i)
	}
}

// leave adds what a look-up leaves behind beside its entry.
func (c *committer) leave(l *lookup, i int) {
	for _, a := range l.accesses {
		a.Entry = i
		c.batch.Accesses = append(c.batch.Accesses, a)
	}
	for _, n := range l.notices {
		n.Entry = i
		c.batch.Notices = append(c.batch.Notices, n)
	}
	for _, r := range l.reviews {
		r.Entry = i
		c.batch.Reviews = append(c.batch.Reviews, r)
	}
}

// reset empties the buffers for n entries and draws their salts.
func (c *committer) reset(n int) {
	if cap(c.salts) < 16*n {
		c.salts = make([]byte, 16*n)
	}
	c.salts = c.salts[:16*n]
	_, _ = rand.Read(c.salts) // never fails: it ends the program instead
	c.arena = c.arena[:0]
	c.leaves = c.leaves[:0]
	c.batch.Lines = c.batch.Lines[:0]
	c.batch.Subjects = c.batch.Subjects[:0]
	c.batch.Accesses = c.batch.Accesses[:0]
	c.batch.Notices = c.batch.Notices[:0]
	c.batch.Reviews = c.batch.Reviews[:0]
}

// receipts tells each look-up where its entry stands.
func (c *committer) receipts(origin string, ls []*lookup, to audit.Tree) {
	first := to.Size() - int64(len(ls))
	for i, l := range ls {
		l.answer.Receipt = guard.Receipt{
			Log:      origin,
			Index:    first + int64(i),
			TreeSize: to.Size(),
			Leaf:     c.leaves[i],
		}
	}
}
