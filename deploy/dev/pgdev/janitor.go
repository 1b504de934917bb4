package pgdev

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// janitor is a shell that removes a temporary cluster's directory when this
// process has gone, however it went: it reads a pipe that only this process
// holds, and the kernel closes it. Nothing else is left to remove files that a
// killed test run made.
type janitor struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// cleanup waits for the end of the pipe, then for the server that its parent's
// death stops, and removes the directory. The number of the server stands in
// the first line of its own file.
const cleanup = `
while read -r _; do :; done
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
	kill -QUIT "$pid" 2>/dev/null
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
fi
rm -rf -- "$@"
`

func hireJanitor(home, dir string) (*janitor, error) {
	cmd := exec.Command("/bin/sh", "-c", cleanup, "pgdev-janitor", home, dir) //nolint:noctx // outlives every context.
	cmd.Env = cleanEnv()
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("preparing clean-up: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("preparing clean-up: %w", err)
	}
	return &janitor{cmd: cmd, pipe: pipe}, nil
}

// dismiss ends the janitor after the server has stopped. It looks once more
// for something to remove and finds nothing.
func (j *janitor) dismiss() error {
	if j == nil {
		return nil
	}
	if err := j.pipe.Close(); err != nil {
		return fmt.Errorf("ending clean-up: %w", err)
	}
	if err := j.cmd.Wait(); err != nil {
		return fmt.Errorf("ending clean-up: %w", err)
	}
	return nil
}
