package service

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/service/store"
)

// reasonRepeated stands in the entry of a request that had been answered before
// and therefore changed nothing.
const reasonRepeated = "repeated"

// errAnswered says that the same request was answered while this one waited
// behind its locks. The door then tries again, and the answer is found.
var errAnswered = errors.New("answered meanwhile")

// answer is an answer that may be kept. It holds identifiers and nothing about
// anybody.
type answer interface {
	receive(r Receipt) // says where its entry stands
	changed() bool     // something was changed: only then is the answer kept
}

// repeatable is a request that may be sent again, because after a time-out
// nobody knows whether the first was heard. It is known by the caller's
// organisation and its request id, and told from others by its content.
type repeatable struct {
	s            *Service
	organisation string
	key          string     // request id; empty where the caller gave none, then nothing is kept
	fingerprints [][32]byte // under each index key, the newest first
	answer       answer
	repeated     bool   // the answer is an earlier one
	packed       []byte // the answer as it will be kept
}

// once runs fn through the door, unless the same request was answered within a
// day: then answer becomes the earlier one, and an entry says that it was asked
// for again. fn fills answer, and like every fn of the door it may run again.
// content is all that the request asks for, within bounds the wait.
func (s *Service) once(
	ctx context.Context, within time.Duration, a act, content []string, to answer,
	fn func(context.Context, *store.Tx, *audit.Entry) error,
) error {
	r := repeatable{
		s: s, organisation: a.caller.Organisation, key: a.request, answer: to,
		fingerprints: s.ring.Hashes("idempotency "+string(a.action), content...),
	}
	a.keep = r.keep
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within) // as in do
	defer cancel()
	receipt, err := s.doIn(ctx, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
		return r.run(ctx, tx, e, fn)
	})
	if err == nil && !r.repeated {
		to.receive(receipt)
	}
	return err
}

// run finds the earlier answer or runs fn.
func (r *repeatable) run(
	ctx context.Context, tx *store.Tx, e *audit.Entry, fn func(context.Context, *store.Tx, *audit.Entry) error,
) error {
	var err error
	if r.repeated, err = r.find(ctx, tx); err != nil {
		return err
	}
	if r.repeated {
		e.Reason = reasonRepeated
		return nil
	}
	if err := fn(ctx, tx, e); err != nil {
		if found, _ := r.find(ctx, tx); found { // fn's error says more than one of this
			return errAnswered
		}
		return err
	}
	// Packed here, because once the entry is appended everybody waits.
	r.packed, err = pack(r.answer)
	return err
}

// find looks for the earlier answer.
func (r *repeatable) find(ctx context.Context, tx *store.Tx) (bool, error) {
	if r.key == "" {
		return false, nil
	}
	row, err := tx.Idempotent(ctx, r.organisation, r.key)
	oldest := r.s.moment().Add(-idempotentFor)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case row.At.Before(oldest):
		return false, forgetAnswers(ctx, tx, oldest)
	case !r.isSame(row.Fingerprint):
		return false, ErrReused
	}
	return true, unpack(row.Response, r.answer)
}

func (r *repeatable) isSame(fingerprint []byte) bool {
	for _, own := range r.fingerprints {
		if hmac.Equal(own[:], fingerprint) {
			return true
		}
	}
	return false
}

// keep keeps the answer. It comes after the entry, for the answer says where
// that is.
func (r *repeatable) keep(ctx context.Context, tx *store.Tx, receipt Receipt) error {
	if r.key == "" || r.repeated || !r.answer.changed() {
		return nil
	}
	head, err := json.Marshal(receipt)
	if err != nil {
		return fmt.Errorf("encoding receipt: %w", err)
	}
	return tx.InsertIdempotent(ctx, store.IdempotentRow{
		Organisation: r.organisation,
		Key:          r.key,
		Fingerprint:  r.fingerprints[0][:],
		Response:     append(append(head, '\n'), r.packed...),
		At:           r.s.moment(),
	})
}

// pack encodes an answer without its receipt. What is kept is
//
//	receipt, JSON ‖ 0x0A ‖ answer, JSON compressed by gzip
func pack(a answer) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(a); err != nil {
		return nil, fmt.Errorf("encoding answer: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("encoding answer: %w", err)
	}
	return b.Bytes(), nil
}

// unpack reads what was kept.
func unpack(kept []byte, to answer) error {
	head, body, _ := bytes.Cut(kept, []byte{'\n'})
	var receipt Receipt
	if json.Unmarshal(head, &receipt) != nil {
		return fmt.Errorf("decoding receipt: %w", ErrDamaged)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil || json.NewDecoder(z).Decode(to) != nil {
		return fmt.Errorf("decoding answer: %w", ErrDamaged)
	}
	to.receive(receipt)
	return nil
}

// forgetAnswers makes room for new answers under old keys: what is kept until
// the next tidying is not to be found any more.
func forgetAnswers(ctx context.Context, tx *store.Tx, before time.Time) error {
	for {
		n, err := tx.ExpireIdempotent(ctx, before, tidyPage)
		if err != nil || n == 0 {
			return err
		}
	}
}
