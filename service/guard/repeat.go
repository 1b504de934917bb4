package guard

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"cpis/audit"
	"cpis/service/store"
)

// errAnswered says that the same request was answered while this one waited
// behind its locks. Then it runs again, and finds the answer.
var errAnswered = errors.New("answered meanwhile")

// repeatable is a request that may be sent again, because after a time-out
// nobody knows whether the first was heard. It is known by the caller's
// organisation and its request id, and told from others by what it asks for.
type repeatable struct {
	s            *Guard
	act          *Act
	organisation string
	key          string     // request id; empty if the caller gave none, then nothing is kept
	fingerprints [][32]byte // of what it asks for, under each index key, the newest first
	repeated     bool       // the answer is an earlier one
	packed       []byte     // the answer as it will be kept; nil if it is not
}

// unchanging is an answer that may say that nothing was changed. It is not kept
// then: to ask again does no harm.
type unchanging interface{ Unchanged() bool }

// Once is Answer for acts that change something. If the same request was answered
// within a day, it returns that answer, and an entry says that it was asked for
// again.
func Once[A any, P Answered[A]](ctx context.Context, s *Guard, a Act, do Step[A]) (*A, error) {
	r := repeatable{s: s, act: &a, organisation: a.Caller.Organisation, key: a.Request}
	var out *A
	receipt, err := s.perform(ctx, &a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (err error) {
		earlier := new(A)
		if r.repeated, err = r.find(ctx, tx, earlier, P(earlier).receive); err != nil {
			return err
		}
		if r.repeated {
			out, e.Reason = earlier, reasonRepeated
			return nil
		}
		if out, err = do(ctx, tx, e); err != nil {
			if found, _ := r.find(ctx, tx, earlier, P(earlier).receive); found { // do's error says more than one of this
				return errAnswered
			}
			return err
		}
		return r.pack(out) // here, because once the entry is appended everybody waits
	}, r.keep)
	if err != nil {
		return nil, err
	}
	if !r.repeated {
		P(out).receive(receipt)
	}
	return out, nil
}

// fingerprint computes how the request is told from others.
func (r *repeatable) fingerprint() error {
	content, err := contentOf(r.act.Asks)
	r.fingerprints = r.s.ring.Hashes("idempotency "+string(r.act.Action), content...)
	return err
}

// contentOf is all that a request asks for: its type, and all fields but those
// that its encoding leaves out, such as the request id.
func contentOf(request any) ([]string, error) {
	fields, err := json.Marshal(request)
	if err != nil {
		return nil, errors.New("encoding request") // not err: it may quote the request
	}
	return []string{reflect.TypeOf(request).Elem().Name(), string(fields)}, nil
}

// find looks for the earlier answer. receive is told where its entry stands.
func (r *repeatable) find(ctx context.Context, tx *store.Tx, to any, receive func(Receipt)) (bool, error) {
	if r.key == "" {
		return false, nil
	}
	if err := r.fingerprint(); err != nil {
		return false, err
	}
	row, err := tx.Answers.Find(ctx, r.organisation, r.key)
	oldest := r.s.clock.Moment().Add(-AnswersKept)
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
	receipt, err := unpack(row.Response, to)
	if err != nil {
		return false, err
	}
	receive(receipt)
	return true, nil
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
	if r.key == "" || r.repeated || r.packed == nil {
		return nil
	}
	head, err := json.Marshal(receipt)
	if err != nil {
		return fmt.Errorf("encoding receipt: %w", err)
	}
	return tx.Answers.Keep(ctx, store.IdempotentRow{
		Organisation: r.organisation,
		Key:          r.key,
		Fingerprint:  r.fingerprints[0][:],
		Response:     append(append(head, '\n'), r.packed...),
		At:           r.s.clock.Moment(),
	})
}

// pack encodes an answer that is to be kept, without its receipt. What is kept
// is
//
//	receipt, JSON ‖ 0x0A ‖ answer, JSON compressed by gzip
func (r *repeatable) pack(answer any) error {
	r.packed = nil
	if u, ok := answer.(unchanging); ok && u.Unchanged() {
		return nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(answer); err != nil {
		return fmt.Errorf("encoding answer: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("encoding answer: %w", err)
	}
	r.packed = b.Bytes()
	return nil
}

// unpack reads what was kept.
func unpack(kept []byte, to any) (Receipt, error) {
	head, body, _ := bytes.Cut(kept, []byte{'\n'})
	var receipt Receipt
	if json.Unmarshal(head, &receipt) != nil {
		return receipt, fmt.Errorf("decoding receipt: %w", ErrDamaged)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil || json.NewDecoder(z).Decode(to) != nil {
		return receipt, fmt.Errorf("decoding answer: %w", ErrDamaged)
	}
	return receipt, nil
}

// forgetAnswers makes room for new answers under old keys: what is kept until
// the next tidying is not to be found any more.
func forgetAnswers(ctx context.Context, tx *store.Tx, before time.Time) error {
	for {
		n, err := tx.Answers.Expire(ctx, before, tidyPage)
		if err != nil || n == 0 {
			return err
		}
	}
}

// AnswersKept is how long answers are kept for requests that may be repeated.
const AnswersKept = 24 * time.Hour

// tidyPage is how many of them are forgotten at once.
const tidyPage = 1000

// ExpireAnswers forgets answers kept for requests that may be repeated.
func (s *Guard) ExpireAnswers(ctx context.Context) error {
	before := s.clock.Now().Add(-AnswersKept).UTC()
	for {
		var gone int64
		err := s.db.Tx(ctx, func(tx *store.Tx) error {
			var err error
			gone, err = tx.Answers.Expire(ctx, before, tidyPage)
			return err
		})
		if err != nil || gone < tidyPage {
			return err
		}
	}
}
