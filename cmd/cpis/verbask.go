package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/proto"

	cpisv1 "cpis/proto/cpis/v1"
)

// ask reads who a request is about: from somebody at a terminal, or the lines of
// standard input. An empty line leaves a field as it is.
func (c *verbCmd) ask(request proto.Message, w *world) error {
	terminal := onTerminal(w.stdin)
	lines := bufio.NewReader(io.LimitReader(w.stdin, maxInput))
	asked, read, ended := 0, 0, false
	for _, f := range c.fields {
		if !f.personal() || !f.needed(request.ProtoReflect()) || c.verb.without(f, request) || ended {
			continue
		}
		asked++
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
	if asked > 0 && ended && read == 0 && c.verb.fill == nil {
		return errors.New("standard input does not say who it is about. " + c.Help())
	}
	return nil
}

// without reports whether a request of its kind must not say what is in a field.
func (v *verb) without(f *field, request proto.Message) bool {
	if asksNobody(request) {
		return true
	}
	q, ok := request.(*cpisv1.ProposeChangeRequest)
	if !ok {
		return false
	}
	switch q.GetKind() { //nolint:exhaustive // the others are alike
	case cpisv1.ChangeKind_CHANGE_KIND_UNMERGE:
		return true // the merge says whom it was about
	case cpisv1.ChangeKind_CHANGE_KIND_MERGE:
		return false
	}
	return f.leaf().Name() == "from_nhs_number"
}
