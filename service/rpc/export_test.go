package rpc

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"google.golang.org/protobuf/proto"

	"cpis/service/domain"
)

// Misfits reads a message in JSON, and returns what does not fit it.
func Misfits(ctx context.Context, text string, into proto.Message) []domain.Violation {
	err := jsonCodec{}.UnmarshalRead(ctx, strings.NewReader(text), into)
	if misfit, ok := errors.AsType[*misfitError](err); ok {
		return misfit.violations
	}
	return nil
}

// What tests need to reach the codecs without a server.
var (
	AppendJSON   = appendJSON
	ReadQuestion = readQuestion
	PadBinary    = padBinary
	NewValidate  = newValidate
	Codecs       = codecs
)

// The lengths of which answers are multiples.
const (
	BinaryClass = binaryClass
	JSONClass   = jsonClass
)

// Problems are the rules of the contract that have words.
func Problems() map[string]string { return problems }

// Actions returns the action of each procedure, by path.
func Actions() map[string]string {
	actions := make(map[string]string)
	for path, p := range procedures {
		actions[path] = p.action
	}
	return actions
}

// Answers returns code and text of each answer to an error.
func Answers() [][2]string {
	var out [][2]string
	for _, a := range answers {
		out = append(out, [2]string{a.code.String(), a.text})
	}
	return out
}

// SourceBehind says where a call comes from that a proxy passes on.
func SourceBehind(s *Sources, proxy netip.Addr, said ...string) string {
	return s.text(s.behind(proxy, said))
}

// Methods returns the name of each procedure as entries have it, by path.
func Methods() map[string]string {
	methods := make(map[string]string)
	for path, p := range procedures {
		methods[path] = p.method
	}
	return methods
}
