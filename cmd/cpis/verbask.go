package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/proto"
)

// ask reads who a request is about: from somebody at a terminal, or the lines of
// standard input. An empty line leaves a field as it is.
func (c *verbCmd) ask(request proto.Message, w *world) error {
	terminal := onTerminal(w.stdin)
	lines := bufio.NewReader(io.LimitReader(w.stdin, maxInput))
	read, ended := 0, false
	for _, f := range c.fields {
		if !f.personal() || !f.needed(request.ProtoReflect()) || ended {
			continue
		}
		if terminal {
			_, _ = fmt.Fprintf(w.stderr, "%s: ", f.label())
		}
		text, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading standard input: %w", err)
		}
		ended = err != nil
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		read++
		if err := f.set(request.ProtoReflect(), text); err != nil {
			return err
		}
	}
	if c.asks() && ended && read == 0 && c.verb.fill == nil {
		return errors.New("standard input does not say who it is about. " + c.Help())
	}
	return nil
}
