package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxDepth is how deep objects and lists may lie in each other.
const maxDepth = 16

var (
	errNotJSON   = errors.New("not a JSON object in UTF-8")
	errTooDeep   = errors.New("nested too deeply")
	errDuplicate = errors.New("a member occurs twice")
)

// parseObject reads data as exactly one JSON object. It is stricter than
// encoding/json: an object with two members of one name is refused, at any
// depth, because two readers may disagree on which of them counts; so is text
// that is not UTF-8. Numbers become [json.Number].
func parseObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errNotJSON
	}
	r := strictReader{json.NewDecoder(bytes.NewReader(data))}
	r.UseNumber()
	v, err := r.value(maxDepth)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errNotJSON
	}
	return object, nil
}

// strictReader builds values from the tokens of valid JSON.
type strictReader struct{ *json.Decoder }

func (r strictReader) value(depth int) (any, error) {
	if depth == 0 {
		return nil, errTooDeep
	}
	t, err := r.Token()
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	switch t {
	case json.Delim('{'):
		return r.object(depth - 1)
	case json.Delim('['):
		return r.list(depth - 1)
	default:
		return t, nil
	}
}

func (r strictReader) object(depth int) (any, error) {
	object := make(map[string]any)
	for r.More() {
		t, err := r.Token()
		if err != nil {
			return nil, fmt.Errorf("reading JSON: %w", err)
		}
		name, ok := t.(string)
		if !ok {
			return nil, errNotJSON
		}
		if _, twice := object[name]; twice {
			return nil, errDuplicate
		}
		if object[name], err = r.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := r.Token() // the closing brace
	return object, err
}

func (r strictReader) list(depth int) (any, error) {
	list := []any{}
	for r.More() {
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := r.Token() // the closing bracket
	return list, err
}
