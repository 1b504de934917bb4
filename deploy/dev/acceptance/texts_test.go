package acceptance_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	cpisv1 "cpis/proto/cpis/v1"
)

// textField is a field of a request that holds a text.
type textField struct {
	method protoreflect.MethodDescriptor
	path   []protoreflect.FieldDescriptor
}

// textFields are all of the contract: a field that is added is among them.
func textFields(t *testing.T) (all []textField) {
	t.Helper()
	var walk func(m protoreflect.MethodDescriptor, in protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor)
	walk = func(m protoreflect.MethodDescriptor, in protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor) {
		for i := range in.Fields().Len() {
			field := in.Fields().Get(i)
			path := slices.Concat(above, []protoreflect.FieldDescriptor{field})
			switch {
			case field.IsMap():
				t.Errorf("%s is a map: the check of texts passes it over", field.FullName())
			case field.Kind() == protoreflect.StringKind:
				all = append(all, textField{m, path})
			case field.Message() != nil:
				walk(m, field.Message(), path)
			}
		}
	}
	protoregistry.GlobalFiles.RangeFilesByPackage(cpisv1.File_cpis_v1_common_proto.Package(), func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				walk(methods.Get(j), methods.Get(j).Input(), nil)
			}
		}
		return true
	})
	return all
}

// body is a request in which only this field is set.
func (f *textField) body(t *testing.T, text string) []byte {
	t.Helper()
	var value any = text
	for _, field := range slices.Backward(f.path) {
		if field.IsList() {
			value = []any{value}
		}
		value = map[string]any{field.JSONName(): value}
	}
	out, err := json.Marshal(value)
	must(t, err)
	return out
}

// at is where the field stands, as an answer names it.
func (f *textField) at() string {
	var names []string
	for _, field := range f.path {
		name := string(field.Name())
		if field.IsList() {
			name += "[0]"
		}
		names = append(names, name)
	}
	return strings.Join(names, ".")
}

// send sends a text in a field, and returns what was answered. Streams have a
// form of their own.
func (f *textField) send(t *testing.T, s *site, token, text string) (status int, answer string) {
	t.Helper()
	body, kind := f.body(t, text), "application/json"
	if f.method.IsStreamingClient() || f.method.IsStreamingServer() {
		head := []byte{0, 0, 0, byte(len(body) >> 8), byte(len(body))}
		body, kind = append(head, body...), "application/connect+json"
	}
	procedure := "/" + string(f.method.Parent().FullName()) + "/" + string(f.method.Name())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+procedure, bytes.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Request-ID", uuid.NewString())
	if f.method.IsStreamingServer() {
		r.Header.Set("Connect-Timeout-Ms", "3000") // a right one would go on
	}
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	said, err := io.ReadAll(resp.Body)
	must(t, err)
	must(t, resp.Body.Close())
	for _, m := range detail.FindAllSubmatch(said, -1) {
		plain, err := base64.RawStdEncoding.DecodeString(string(m[1]))
		must(t, err)
		said = append(said, plain...)
	}
	return resp.StatusCode, string(said)
}

// detail finds what is told of an error besides its code and text.
var detail = regexp.MustCompile(`"value":\s*"([A-Za-z0-9+/]+)=*"`)

// No text of any request holds what steers a terminal, ends a text early or
// turns its direction; the answer names the field, in every procedure of the
// contract, and nothing of it is kept. A text of which nothing is seen is
// never a fault of ours.
func TestTextsOfEveryFieldAreChecked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	lead := s.token("lead")
	fields := textFields(t)
	if len(fields) < 90 {
		t.Errorf("only %d fields were found", len(fields))
	}
	const marker = "zqxwvj"
	for i := range fields {
		f := &fields[i]
		for _, bad := range []string{"\x1b", "\x00", "\u202e", "\n"} {
			status, said := f.send(t, s, lead, marker+bad+marker)
			streams := strings.Contains(said, `"error"`)
			if status != http.StatusBadRequest && !streams || !strings.Contains(said, "invalid_argument") || !strings.Contains(said, f.at()) {
				t.Errorf("%s %s with %q: got %d %s", f.method.FullName(), f.at(), bad, status, said)
			}
		}
		if status, said := f.send(t, s, lead, "\u200b\u2060\ufeff"); status >= 500 || strings.Contains(said, `"internal"`) {
			t.Errorf("%s %s of nothing that is seen: got %d %s", f.method.FullName(), f.at(), status, said)
		}
	}
	for place, text := range s.places("") {
		if strings.Contains(text, marker) {
			t.Errorf("%s: holds what was refused", place)
		}
	}
}
