package service

import (
	"context"
	"errors"
	"sync"
	"time"
)

// round is something that the service does by itself, again and again. What
// fails is told, and tried again the next time.
type round struct {
	name  string // in metrics and the operator's log
	every time.Duration
	do    func(context.Context) error
}

// rounds are all of them. If several servers run, they share the work.
func (s *Service) rounds() []round {
	return append(s.keyRounds(),
		round{"policy", time.Second, s.Guard.EnterPolicy},         // what entries were decided by
		round{"strangers", time.Minute, s.Strangers.Enter},        // calls without a valid token
		round{"signing", time.Second, s.signing},                  // how far a checkpoint may lag behind the log
		round{"scrub", time.Second, s.Log.Scrub},                  // reads old entries again
		round{"tiles", time.Minute, s.Log.FillTiles},              // tiles that were not made with a checkpoint
		round{"dispatch", time.Second, s.Channels.Dispatch},       // sends notices on
		round{"uploads", 5 * time.Second, s.Uploads.Resume},       // files that nobody works on any more
		round{"rows", time.Second, s.Records.VerifyRows},          // whether rows were changed that nobody asks for
		round{"plan_index", 5 * time.Second, s.Records.FillIndex}, // plans that nothing finds
		round{"calendar", time.Minute, s.Work.ReadCalendar},       // plans that ask for their authorities from today on
		round{"tidy", 10 * time.Minute, s.Tidy},                   // forgets what has served its time
		round{"reminders", time.Hour, s.remind},                   // numbers that nobody has confirmed for long
		round{"index", time.Second, s.Index.Follow},               // how far reports may lag behind the log
		round{"reviews", time.Second, s.Reports.RaiseReviews},     // look-ups that somebody must look at
		round{"samples", time.Hour, s.samples},                    // and some of all others
		round{"digests", time.Hour, s.digests},                    // tells organisations once a week what they did
		round{"exports", time.Second, s.Exports.MakeExports},      // reports as files
		round{"index_check", 5 * time.Second, s.Index.Check},      // an index that says something else than the log
	)
}

// keyRounds keep the keys in memory up with those that are stored: index keys
// that rotate, and the key that seals the reasons of break-glass.
func (s *Service) keyRounds() []round {
	return []round{
		{"index_keys", time.Second, s.Records.CheckKeys},
		{"review_key", time.Minute, s.LookUps.RenewReviews},
	}
}

// signing reports by itself what fails.
func (s *Service) signing(ctx context.Context) error {
	s.Log.SignOrReport(ctx)
	return nil
}

func (s *Service) remind(ctx context.Context) error {
	_, err := s.Contacts.Remind(ctx)
	return err
}

func (s *Service) samples(ctx context.Context) error {
	_, err := s.Reports.DrawSamples(ctx)
	return err
}

func (s *Service) digests(ctx context.Context) error {
	_, err := s.Reports.MakeDigests(ctx)
	return err
}

// Run does what the service does by itself, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	s.keep(ctx, s.rounds())
	s.Channels.WaitForCouriers()
}

// KeepKeys is Run for a program that only asks and records. Without it the
// service soon refuses to answer: a server that knows only an index key that was
// retired would find nobody.
func (s *Service) KeepKeys(ctx context.Context) { s.keep(ctx, s.keyRounds()) }

// Tidy forgets what has served its time: answers kept for requests that may be
// repeated, what files said about people, colleagues who were not seen for long,
// exports, and sessions and drafts of pages.
func (s *Service) Tidy(ctx context.Context) error {
	return errors.Join(s.Guard.ExpireAnswers(ctx), s.Uploads.Forget(ctx), s.Notices.ForgetColleagues(ctx), s.Exports.ForgetExports(ctx),
		s.Sessions.Forget(ctx))
}

// keep runs rounds side by side until ctx ends.
func (s *Service) keep(ctx context.Context, rounds []round) {
	var running sync.WaitGroup
	for _, r := range rounds {
		running.Go(func() {
			Every(ctx, r.every, func(ctx context.Context) {
				if err := r.do(ctx); ctx.Err() == nil {
					s.observe.Round(r.name, err)
				}
			})
		})
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
