// Command printproto writes buf/validate/validate.proto as it is described in
// protovalidate's generated Go module, so that the contract builds without a
// schema registry.
//
//	go run ./deploy/dev/printproto proto/deps
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/jhump/protoreflect/v2/protoprint"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "printproto:", err)
		os.Exit(1)
	}
}

// run prints into the folder that is its one argument.
func run(args []string) error {
	if len(args) != 1 {
		return errors.New("want one argument, the folder to write into")
	}
	text, err := (&protoprint.Printer{}).PrintProtoToString(validate.File_buf_validate_validate_proto)
	if err != nil {
		return fmt.Errorf("printing validate.proto: %w", err)
	}
	name := filepath.Join(args[0], "buf", "validate", "validate.proto")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // a folder of sources
		return fmt.Errorf("making its folder: %w", err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil { //nolint:gosec // a source file
		return fmt.Errorf("writing it: %w", err)
	}
	return nil
}
