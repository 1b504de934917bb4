package service

import (
	"context"
	"errors"
	"sync"
	"time"
)

// round is something that the service does by itself, again and again. What
// fails is tried again the next time.
type round struct {
	every time.Duration
	do    func(context.Context)
}

// rounds are all of them. If several servers run, they share the work.
func (s *Service) rounds() []round {
	return append(s.keyRounds(),
		round{time.Second, func(ctx context.Context) { _ = s.Guard.EnterPolicy(ctx) }},    // what entries were decided by
		round{time.Minute, func(ctx context.Context) { _ = s.Strangers.Enter(ctx) }},      // calls without a valid token
		round{time.Second, s.Log.SignOrReport},                                            // how far a checkpoint may lag behind the log
		round{time.Second, func(ctx context.Context) { _ = s.Log.Scrub(ctx) }},            // reads old entries again
		round{time.Minute, func(ctx context.Context) { _ = s.Log.FillTiles(ctx) }},        // tiles that were not made with a checkpoint
		round{time.Second, func(ctx context.Context) { _ = s.Channels.Dispatch(ctx) }},    // sends notices on
		round{5 * time.Second, func(ctx context.Context) { _ = s.Uploads.Resume(ctx) }},   // files that nobody works on any more
		round{time.Second, func(ctx context.Context) { _ = s.Records.VerifyRows(ctx) }},   // whether rows were changed that nobody asks for
		round{10 * time.Minute, func(ctx context.Context) { _ = s.Tidy(ctx) }},            // forgets what has served its time
		round{time.Hour, func(ctx context.Context) { _, _ = s.Contacts.Remind(ctx) }},     // numbers that nobody has confirmed for long
		round{time.Second, func(ctx context.Context) { _ = s.Index.Follow(ctx) }},         // how far reports may lag behind the log
		round{time.Hour, func(ctx context.Context) { _, _ = s.Reports.MakeDigests(ctx) }}, // tells organisations once a week what they did
		round{time.Second, func(ctx context.Context) { _ = s.Exports.MakeExports(ctx) }},  // reports as files
		round{5 * time.Second, func(ctx context.Context) { _ = s.Index.Check(ctx) }},      // an index that says something else than the log
	)
}

// keyRounds keep the keys in memory up with those that are stored: index keys
// that rotate, and the key that seals the reasons of break-glass.
func (s *Service) keyRounds() []round {
	return []round{
		{time.Second, func(ctx context.Context) { _ = s.Records.CheckKeys(ctx) }},
		{time.Minute, s.LookUps.RenewReviews},
	}
}

// Run does what the service does by itself, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	keep(ctx, s.rounds())
	s.Channels.WaitForCouriers()
}

// KeepKeys is Run for a program that only asks and records. Without it the
// service soon refuses to answer: a server that knows only an index key that was
// retired would find nobody.
func (s *Service) KeepKeys(ctx context.Context) { keep(ctx, s.keyRounds()) }

// Tidy forgets what has served its time: answers kept for requests that may be
// repeated, what files said about people, colleagues who were not seen for long,
// and exports.
func (s *Service) Tidy(ctx context.Context) error {
	return errors.Join(s.Guard.ExpireAnswers(ctx), s.Uploads.Forget(ctx), s.Notices.ForgetColleagues(ctx), s.Exports.ForgetExports(ctx))
}

// keep runs rounds side by side until ctx ends.
func keep(ctx context.Context, rounds []round) {
	var running sync.WaitGroup
	for _, r := range rounds {
		running.Go(func() { Every(ctx, r.every, r.do) })
	}
	running.Wait()
}

// Every calls fn every d, the first time after d, until ctx ends. A call that
// takes longer than d delays the next one: calls never overlap.
func Every(ctx context.Context, d time.Duration, fn func(context.Context)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			fn(ctx)
		}
	}
}
