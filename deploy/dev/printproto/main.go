// Command printproto writes buf/validate/validate.proto as it is described in
// protovalidate's generated Go module, so that the contract builds without a
// schema registry.
//
//	go run ./deploy/dev/printproto proto/deps
package main

import (
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

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the folder to write into")
	}
	text, err := (&protoprint.Printer{}).PrintProtoToString(validate.File_buf_validate_validate_proto)
	if err != nil {
		return fmt.Errorf("printing validate.proto: %w", err)
	}
	name := filepath.Join(args[0], "buf", "validate", "validate.proto")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
