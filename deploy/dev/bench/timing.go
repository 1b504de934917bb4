package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	cpisv1 "cpis/proto/cpis/v1"
)

// wantAUC is how well somebody who asks one at a time may tell flagged people
// from others by how long answers take: 0.5 is not at all, 1 always.
const wantAUC = 0.53

// maxPairs is how many pairs of a class there can be: a key is cold once.
const maxPairs = flaggedPeople

// Timing measures what the time of an answer says about a flag, and prints a
// table. A flagged and an unflagged person make a pair, asked about one after
// the other in random order by one caller on one connection. A class is a way
// of asking. keys are cold the first time that somebody with a flag is asked
// about, so that class comes first.
func Timing(ctx context.Context, o Options, pairs int) error {
	if pairs < 1 || pairs > maxPairs {
		return fmt.Errorf("pairs must be 1 to %d", maxPairs)
	}
	cluster, err := startCluster(ctx, o.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop(context.WithoutCancel(ctx)) }()
	b := &bench{Options: o, cluster: cluster}
	s, stop, err := b.timedSite(ctx)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(o.Out, "answers are held back for %v\n", o.Hold)
	t := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\nlook-ups\tpairs\tp50 ms without\tp50 ms with a flag\tAUC\twanted\t\t\n")
	for _, c := range []class{
		{"scheduled, key not at hand", "gp", false}, {"scheduled", "gp", false}, {"unscheduled", "nurse", true},
	} {
		without, with, err := s.timePairs(ctx, c, pairs)
		if err != nil {
			return fmt.Errorf("timing %s: %w", c.name, err)
		}
		auc, verdict := areaUnder(without, with), "reached"
		if max(auc, 1-auc) > wantAUC {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t%.3f\t<= %.2f\t%s\t\n", c.name, pairs,
			millis(middle(without)), millis(middle(with)), auc, wantAUC, verdict)
		if err := t.Flush(); err != nil { // what is known is shown: all of it takes minutes
			return err
		}
	}
	return nil
}

// timedSite starts a site, with keys in a file or in a Vault.
func (b *bench) timedSite(ctx context.Context) (s *site, stop func(), err error) {
	if !b.Vault {
		s, err = b.newSite(ctx, "local", nil)
		return s, func() { s.stop(ctx) }, err
	}
	s, stopVault, err := b.vaultSite(ctx)
	return s, func() { s.stop(ctx); stopVault() }, err
}

// class is a way of asking.
type class struct {
	name, who   string
	unscheduled bool
}

// timePairs asks about pairs, and returns how long the answers took.
func (s *site) timePairs(ctx context.Context, c class, pairs int) (without, with []time.Duration, err error) {
	token := s.tokens(c.who)[0]
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	ask := func(number string) (time.Duration, error) { return s.timeOne(ctx, client, token, c, number) }
	for i := range 100 { // the connection and the caches of what is not about anybody
		if _, err := ask(s.people.unflagged[i]); err != nil {
			return nil, nil, err
		}
	}
	for i := range pairs {
		numbers := []string{s.people.unflagged[1000+i], s.people.flagged[i]}
		for _, which := range rand.Perm(2) { //nolint:gosec // which comes first, no secret
			took, err := ask(numbers[which])
			switch {
			case err != nil:
				return nil, nil, err
			case which == 0:
				without = append(without, took)
			default:
				with = append(with, took)
			}
		}
	}
	return without, with, nil
}

// timeOne asks about one person.
func (s *site) timeOne(ctx context.Context, client *http.Client, token string, c class, number string) (time.Duration, error) {
	m := &cpisv1.LookUpRequest{NhsNumber: number, AccessMode: cpisv1.AccessMode_ACCESS_MODE_SCHEDULED}
	if c.unscheduled {
		m.AccessMode = cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED
		m.Encounter = &cpisv1.Encounter{
			Id: "ED-" + strconv.FormatUint(rand.Uint64(), 36), Setting: cpisv1.Setting_SETTING_EMERGENCY_DEPARTMENT, //nolint:gosec // guards nothing
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/cpis.v1.LookupService/LookUp", bytes.NewReader(mustMarshal(jsonCodec, m)))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", jsonCodec.contentType)
	r.Header.Set("Authorization", "Bearer "+token)
	began := s.b.Now()
	res, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, err
	}
	took := s.b.Now().Sub(began)
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%w: status %d", errLoad, res.StatusCode)
	}
	return took, nil
}

// areaUnder is the area under the curve of who tells two kinds apart by a
// threshold: how often one of with takes longer than one of without, ties
// counting half.
func areaUnder(without, with []time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(without))
	longer := 0.0
	for _, d := range with {
		below, _ := slices.BinarySearch(sorted, d)
		upTo, _ := slices.BinarySearch(sorted, d+1)
		longer += float64(below+upTo) / 2
	}
	return longer / float64(len(with)*len(without))
}

func middle(took []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(took))[len(took)/2]
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
