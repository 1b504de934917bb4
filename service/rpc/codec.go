package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	cpisv1 "cpis/proto/cpis/v1"
)

// The length of the answer to a look-up is a multiple of these; for a clinic
// list the multiple is taken once for each person. They are large enough for a
// person with several plans and a full history, which JSON says in 9 kB and
// protobuf in 5, so that the length of an answer says nothing to somebody who
// watches the connection.
const (
	binaryClass = 8 << 10
	jsonClass   = 12 << 10
)

// codecs give the two ways in which messages are written. Both pad the answers
// to look-ups. Compression would undo that, and is off.
func codecs() []connect.Codec { return []connect.Codec{binaryCodec{}, jsonCodec{}} }

// errCodec says that a message could not be read or written. The error of the
// library is dropped: it may quote the message.
var errCodec = errors.New("the message does not fit its type")

// maxDepth is how deep messages may lie in each other. The contract needs 4.
const maxDepth = 16

// people returns how many people's look-ups a message answers; none if it is
// no such answer.
func people(msg proto.Message) int {
	switch m := msg.(type) {
	case *cpisv1.LookUpResponse:
		return 1
	case *cpisv1.LookUpManyResponse:
		return max(1, len(m.GetResults()))
	}
	return 0
}

// binaryCodec writes protobuf.
type binaryCodec struct{}

func (binaryCodec) Name() string { return connect.CodecNameProto }

func (binaryCodec) MarshalWrite(_ context.Context, dst io.Writer, msg any) error {
	m, ok := msg.(proto.Message)
	if !ok {
		return errCodec
	}
	class := binaryClass * people(m)
	out, err := proto.MarshalOptions{}.MarshalAppend(spare(dst, class), m)
	if err != nil {
		return errCodec
	}
	return write(dst, padBinary(out, class))
}

func (binaryCodec) UnmarshalRead(_ context.Context, src io.Reader, msg any) error {
	m, ok := msg.(proto.Message)
	if !ok {
		return errCodec
	}
	data, err := readAll(src)
	if err != nil {
		return err
	}
	o := proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}
	if o.Unmarshal(data, m) != nil {
		return errCodec
	}
	return nil
}

// jsonCodec writes the JSON form of protobuf.
type jsonCodec struct{}

func (jsonCodec) Name() string { return connect.CodecNameJSON }

func (jsonCodec) MarshalWrite(_ context.Context, dst io.Writer, msg any) error {
	m, ok := msg.(proto.Message)
	if !ok {
		return errCodec
	}
	class := jsonClass * people(m)
	out, err := appendJSON(spare(dst, class), m)
	if err != nil {
		return errCodec
	}
	return write(dst, padJSON(out, class))
}

func (jsonCodec) UnmarshalRead(_ context.Context, src io.Reader, msg any) error {
	m, ok := msg.(proto.Message)
	if !ok {
		return errCodec
	}
	data, err := readAll(src)
	if err != nil {
		return err
	}
	if q, ok := msg.(*cpisv1.LookUpRequest); ok && readQuestion(data, q) {
		return nil
	}
	// A name that is not in the contract is refused: it may be a misspelt one,
	// and to pass over a date of birth or an access mode would do harm.
	o := protojson.UnmarshalOptions{RecursionLimit: maxDepth}
	if o.Unmarshal(data, m) != nil {
		return misfits(data, m.ProtoReflect().Descriptor())
	}
	return nil
}

// spare returns an empty slice to append to; if it can be, it is the writer's
// own memory, so that nothing is copied.
func spare(dst io.Writer, size int) []byte {
	b, ok := dst.(*bytes.Buffer)
	if !ok {
		return make([]byte, 0, size)
	}
	b.Grow(size)
	return b.AvailableBuffer()
}

func write(dst io.Writer, out []byte) error {
	if _, err := dst.Write(out); err != nil {
		return fmt.Errorf("writing a message: %w", err)
	}
	return nil
}

// readAll returns what src holds. It is valid until src is used again.
func readAll(src io.Reader) ([]byte, error) {
	if b, ok := src.(*bytes.Buffer); ok {
		return b.Bytes(), nil
	}
	data, err := io.ReadAll(src)
	if err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	return data, nil
}

// missing returns how many bytes bring a length to a multiple of class.
func missing(length, class int) int {
	if class == 0 {
		return 0
	}
	return (class - length%class) % class
}

// paddingField is the field `padding` of the answers to look-ups. Its key takes
// one byte.
const paddingField = 15

// padBinary brings a message to a multiple of class with padding fields. Mostly
// one is enough.
func padBinary(out []byte, class int) []byte {
	n := missing(len(out), class)
	if n == 1 {
		n += class // no field is that short
	}
	for n > 0 {
		zeros := n - 1 - protowire.SizeVarint(uint64(n-2)) //nolint:gosec // n is at least 2
		if 1+protowire.SizeBytes(zeros) != n {
			zeros = 0 // an empty field first: n lies where the length becomes a byte longer
		}
		out = protowire.AppendTag(out, paddingField, protowire.BytesType)
		out = protowire.AppendVarint(out, uint64(zeros))
		out = append(out, make([]byte, zeros)...)
		n -= 1 + protowire.SizeBytes(zeros)
	}
	return out
}

var spaces = strings.Repeat(" ", jsonClass)

// padJSON brings a message to a multiple of class with spaces at its end.
func padJSON(out []byte, class int) []byte {
	for n := missing(len(out), class); n > 0; {
		now := min(n, len(spaces))
		out = append(out, spaces[:now]...)
		n -= now
	}
	return out
}
