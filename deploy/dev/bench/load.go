package bench

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is one measurement.
type sample struct {
	perSec   float64
	p50, p99 time.Duration
}

// median returns the median of a step's rounds, each figure for itself.
func median(st step, samples []sample) result {
	mid := func(of func(sample) float64) float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = of(s)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return result{
		name: st.name, callers: st.callers,
		perSec: mid(func(s sample) float64 { return s.perSec }),
		p50:    time.Duration(mid(func(s sample) float64 { return float64(s.p50) })),
		p99:    time.Duration(mid(func(s sample) float64 { return float64(s.p99) })),
		rounds: samples,
	}
}

// script is what wrk runs: it reads requests, a header and a body in hex on
// each line, and sends one after the other.
const script = `
local reqs, i = {}, 0
local function plain(hex) return (hex:gsub("..", function(b) return string.char(tonumber(b, 16)) end)) end
for line in io.lines("%s") do
  local auth, body = line:match("^(%%S+) (%%S*)$")
  local headers = { ["Content-Type"] = "%s" }
  if auth ~= "-" then headers["Authorization"] = "Bearer " .. auth end
  reqs[#reqs + 1] = { headers, plain(body) }
end
local made = {}
function init() for n, r in ipairs(reqs) do made[n] = wrk.format("POST", "%s", r[1], r[2]) end end
function request() i = i %% #made + 1; return made[i] end
`

// load is what wrk sends.
type load struct {
	name        string
	base        string
	path        string
	contentType string
	requests    []request
	rest        bool // for a millisecond before each request
}

type request struct {
	token string // "-" for none
	body  []byte
}

// load runs wrk with a number of callers.
func (s *site) load(ctx context.Context, callers int, l load, seconds int) (sample, error) {
	lua := filepath.Join(s.b.Dir, s.name+"-"+l.name+".lua")
	if _, err := os.Stat(lua); err != nil {
		if err := l.write(lua); err != nil {
			return sample{}, err
		}
	}
	cmd := exec.CommandContext(ctx, "wrk", "-t1", "-c"+strconv.Itoa(callers), "-d"+strconv.Itoa(seconds)+"s",
		"--latency", "--timeout", "10s", "-s", lua, l.base)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("running wrk: %w: %s", err, out)
	}
	return readWrk(out)
}

func (l load) write(lua string) error {
	var lines bytes.Buffer
	for _, r := range l.requests {
		fmt.Fprintf(&lines, "%s %x\n", r.token, r.body)
	}
	if err := os.WriteFile(lua+".txt", lines.Bytes(), 0o600); err != nil {
		return err
	}
	text := fmt.Appendf(nil, script, lua+".txt", l.contentType, l.path)
	if l.rest {
		text = append(text, "function delay() return 1 end\n"...)
	}
	return os.WriteFile(lua, text, 0o600)
}

// readWrk reads what wrk prints. A single request that was not answered with
// success spoils the measurement.
func readWrk(out []byte) (sample, error) {
	var s sample
	var err error
	sc := bufio.NewScanner(bytes.NewReader(out))
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		switch {
		case len(f) == 0:
		case f[0] == "50%":
			s.p50, err = time.ParseDuration(f[1])
		case f[0] == "99%":
			s.p99, err = time.ParseDuration(f[1])
		case f[0] == "Requests/sec:":
			s.perSec, err = strconv.ParseFloat(f[1], 64)
		case f[0] == "Non-2xx", f[0] == "Socket":
			return s, fmt.Errorf("%w: %s", errLoad, strings.TrimSpace(sc.Text()))
		}
		if err != nil {
			return s, fmt.Errorf("reading wrk's output: %w", err)
		}
	}
	if s.perSec == 0 {
		return s, fmt.Errorf("%w: %s", errLoad, out)
	}
	return s, sc.Err()
}

// pgbenchScript is the yardstick: what a server would do that handles each
// request in one prepared statement of its own. It asks as the service does,
// for people of whom one in a hundred has a plan, and inserts a line as long as
// the service's into the same table, with the same indexes.
const pgbenchScript = `\set r random(1, 100000000)
WITH found AS (
  SELECT count(*) AS n
  FROM cpis.person_tag t
  JOIN cpis.person p ON p.id = t.person_id
  JOIN cpis.plan pl ON pl.person_id = p.id
  WHERE t.tag = sha256(:r::text::bytea) AND NOT pl.removed
)
INSERT INTO cpis.entry (log, idx, line, subject)
SELECT %d, nextval('public.bench_idx'), decode(repeat('78', %d), 'hex'), sha256(:r::text::bytea) FROM found;
`

// lineLength is that of a typical entry of a look-up.
const lineLength = 560

// restedRate is how often in a second a client of pgbench that rests begins: a
// transaction and about a millisecond. Its log then says how late it began,
// which does not count.
const restedRate = 700

// pgbench measures the yardstick.
func (b *bench) pgbench(ctx context.Context, s *site, callers int, rested bool) (sample, error) {
	dir := filepath.Join(b.Dir, "pgbench")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pgbench runs as the server's user
		return sample{}, err
	}
	name := filepath.Join(dir, "script.sql")
	if err := os.WriteFile(name, fmt.Appendf(nil, pgbenchScript, benchLog, lineLength), 0o644); err != nil { //nolint:gosec // likewise
		return sample{}, err
	}
	args := []string{
		"-n", "-M", "prepared", "-f", name, "-c", strconv.Itoa(callers), "-j", "1", "-T", strconv.Itoa(b.Seconds),
		"-l", "--sampling-rate=0.1", "--log-prefix=" + filepath.Join(dir, "log"),
	}
	if rested {
		args = append(args, "--rate="+strconv.Itoa(restedRate))
	}
	cmd := b.cluster.Command(ctx, "pgbench", append(args, s.database)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("running pgbench: %w: %s", err, out)
	}
	result, err := readPgbench(out)
	if err != nil {
		return result, err
	}
	result.p50, result.p99, err = readLatencies(dir)
	return result, err
}

func readPgbench(out []byte) (sample, error) {
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, "tps = "); ok {
			f := strings.Fields(rest)
			perSec, err := strconv.ParseFloat(f[0], 64)
			return sample{perSec: perSec}, err
		}
	}
	return sample{}, fmt.Errorf("%w: %s", errLoad, out)
}

// readLatencies reads pgbench's log files, and removes them.
func readLatencies(dir string) (p50, p99 time.Duration, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "log.*"))
	if err != nil {
		return 0, 0, err
	}
	var took []int
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, 0, err
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 2 {
				us, err := strconv.Atoi(f[2])
				if err == nil && len(f) > 6 { // how late it began
					var late int
					late, err = strconv.Atoi(f[6])
					us -= late
				}
				if err != nil {
					return 0, 0, err
				}
				took = append(took, us)
			}
		}
		if err := os.Remove(name); err != nil {
			return 0, 0, err
		}
	}
	if len(took) == 0 {
		return 0, 0, errLoad
	}
	slices.SortFunc(took, cmp.Compare[int])
	at := func(q float64) time.Duration {
		return time.Duration(took[int(q*float64(len(took)-1))]) * time.Microsecond
	}
	return at(0.5), at(0.99), nil
}
