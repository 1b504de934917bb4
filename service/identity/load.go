package identity

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// maxConfig is the largest configuration file that is read.
const maxConfig = 1 << 20

// LoadConfig reads a configuration in JSON. Settings that do not exist, that
// occur twice or that are of the wrong kind are mistakes, and all mistakes are
// reported at once, each with the name of its setting.
func LoadConfig(r io.Reader) (Config, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxConfig+1))
	if err != nil {
		return Config{}, fmt.Errorf("reading issuers: %w", err)
	}
	if len(data) > maxConfig {
		return Config{}, fmt.Errorf("reading issuers: more than %d bytes", maxConfig)
	}
	object, err := parseObject(data)
	if err != nil {
		return Config{}, fmt.Errorf("reading issuers: %w", err)
	}
	var (
		c Config
		m mistakes
	)
	m.decode("", object, reflect.ValueOf(&c).Elem())
	if err := errors.Join(append(m, c.Validate())...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// decode sets v from JSON, and goes on after a mistake to find the others.
// Structs take the members that their tags name.
func (m *mistakes) decode(at string, from any, v reflect.Value) {
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		m.decodeText(at, from, u)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		m.decodeStruct(at, from, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		m.decode(at, from, v.Elem())
	case reflect.Slice:
		m.decodeList(at, from, v)
	case reflect.Map:
		m.decodeMap(at, from, v)
	default:
		m.decodeValue(at, from, v)
	}
}

func (m *mistakes) decodeText(at string, from any, u encoding.TextUnmarshaler) {
	text, ok := from.(string)
	if !ok {
		m.add(at, "must be a text")
		return
	}
	if err := u.UnmarshalText([]byte(text)); err != nil {
		m.add(at, "%v", err)
	}
}

func (m *mistakes) decodeStruct(at string, from any, v reflect.Value) {
	object, ok := from.(map[string]any)
	if !ok {
		m.add(at, "must be an object")
		return
	}
	fields := make(map[string]reflect.Value)
	for i := range v.NumField() {
		if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); name != "-" {
			fields[name] = v.Field(i)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if field, known := fields[name]; known {
			m.decode(join(at, name), object[name], field)
			continue
		}
		m.add(join(at, name), "is not a setting; settings here are %s",
			strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
	}
}

func (m *mistakes) decodeList(at string, from any, v reflect.Value) {
	list, ok := from.([]any)
	if !ok {
		m.add(at, "must be a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	for i, one := range list {
		m.decode(fmt.Sprintf("%s[%d]", at, i), one, v.Index(i))
	}
}

func (m *mistakes) decodeMap(at string, from any, v reflect.Value) {
	object, ok := from.(map[string]any)
	if !ok {
		m.add(at, "must be an object")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		one := reflect.New(v.Type().Elem()).Elem()
		m.decode(join(at, name), object[name], one)
		v.SetMapIndex(reflect.ValueOf(name), one)
	}
}

func (m *mistakes) decodeValue(at string, from any, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		text, ok := from.(string)
		if !ok {
			m.add(at, "must be a text")
		}
		v.SetString(text)
	case reflect.Bool:
		yes, ok := from.(bool)
		if !ok {
			m.add(at, "must be true or false")
		}
		v.SetBool(yes)
	case reflect.Int:
		number, _ := from.(json.Number)
		n, err := number.Int64()
		if err != nil {
			m.add(at, "must be a whole number")
		}
		v.SetInt(n)
	default:
		panic("identity: a setting of kind " + v.Kind().String() + " cannot be read")
	}
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}
