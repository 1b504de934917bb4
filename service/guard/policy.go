package guard

import (
	"context"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/store"
)

// actionUsePolicy is the action of entries that hold a policy in full.
const actionUsePolicy = "use_policy"

// policyEvery is how often the policy is entered again, so that a log whose oldest
// lines were removed still says what its entries were decided by.
const policyEvery = 24 * time.Hour

// EnterPolicy records the policy in full, if that was not done lately. All other
// entries name it by its hash.
func (s *Guard) EnterPolicy(ctx context.Context) error {
	now := s.clock.Now()
	if last := s.policyEntered.Load(); last != nil && domain.Elapsed(*last, now) < policyEvery {
		return nil
	}
	if err := s.ready(); err != nil {
		return err
	}
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := s.Enter(ctx, tx, &audit.Entry{
			Version: audit.Version, Actor: ActorService, Action: actionUsePolicy, Outcome: OutcomeDone,
			Policy: s.policy.Hash(), PolicyText: s.policy.Text(),
		})
		return err
	})
	if err == nil {
		s.policyEntered.Store(&now)
	}
	return err
}
