package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"connectrpc.com/connect/v2"
	"github.com/alecthomas/kong"
	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	cpisv1 "cpis/proto/cpis/v1"
)

// maxInput bounds a request that is read from standard input.
const maxInput = 1 << 20

// verbs are the commands of a group, for the parser.
type verbs struct {
	Verbs kong.Plugins `embed:""`
}

// verbsOf creates the commands of the group with a name.
func verbsOf(name string) verbs {
	for _, g := range groups {
		if g.name == name {
			var v verbs
			for i := range g.verbs {
				v.Verbs = append(v.Verbs, commandOf(g.verbs[i].of(&g), &g.verbs[i]))
			}
			return v
		}
	}
	panic("no such group of commands: " + name) // a mistake in this program
}

// commandOf creates the structure that the parser wants for a command: one field
// with a tag.
func commandOf(service string, v *verb) any {
	method := methodOf(service, v.method)
	c := verbCmd{verb: v, method: method, fields: v.fieldsOf(method.Input())}
	for _, f := range c.fields {
		if f.target.IsValid() {
			c.Fields = append(c.Fields, f.target.Addr().Interface())
		}
	}
	if !method.IsStreamingServer() {
		c.asJSON = &jsonFlag{}
		c.Fields = append(c.Fields, c.asJSON)
	}
	if hasCoverage(method.Output()) && v.columns != "" && v.text == "" {
		c.table = &tableFlag{}
		c.Fields = append(c.Fields, c.table)
	}
	if v.method == "CreateExport" {
		c.export = &exportFlags{}
		c.Fields = append(c.Fields, c.export)
	}
	if v.fill != nil && c.asks() {
		c.person = &personFlag{}
		c.Fields = append(c.Fields, c.person)
	}
	return fieldWith(reflect.ValueOf(c), fmt.Sprintf(`cmd:"" name:%q help:%q`, v.name, v.help)).Addr().Interface()
}

// methodOf finds a procedure.
func methodOf(service, name string) protoreflect.MethodDescriptor {
	full := contract.Append(protoreflect.Name(service)).Append(protoreflect.Name(name))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(full)
	method, ok := found.(protoreflect.MethodDescriptor)
	if err != nil || !ok {
		panic("no such procedure: " + full) // a mistake in the table of verbs
	}
	return method
}

// verbIn returns the command in such a structure.
func verbIn(command any) *verbCmd {
	c, _ := reflect.TypeAssert[*verbCmd](reflect.ValueOf(command).Elem().Field(0).Addr())
	return c
}

// contract is the package of the contract.
var contract = cpisv1.File_cpis_v1_common_proto.Package()

// fieldWith creates a structure with one field of a value's type and with a tag,
// and puts the value there.
func fieldWith(value reflect.Value, tag string) reflect.Value {
	s := reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: "Field", Type: value.Type(), Tag: reflect.StructTag(tag)},
	})).Elem()
	s.Field(0).Set(value)
	return s
}

// jsonFlag is of all verbs but those that print a stream, which is JSON anyway.
type jsonFlag struct {
	JSON bool `name:"json" help:"Print the whole answer as JSON, for programs to read."`
}

// personFlag is of verbs that leave a person as it is held.
type personFlag struct {
	Person bool `help:"Also ask for names and date of birth; an empty line leaves one unchanged."`
}

// verbCmd is a verb with the flags of its request.
type verbCmd struct {
	connection `embed:""`

	Fields  kong.Plugins `embed:""`
	Request string       `placeholder:"UUID" help:"Identifier of the request (X-Request-ID); a new one if not given. Repeating a request under the same identifier does it only once."`
	Stdin   bool         `help:"Read the request from standard input, as JSON. Other options override it."`

	verb   *verb                         `kong:"-"`
	method protoreflect.MethodDescriptor `kong:"-"`
	fields []*field                      `kong:"-"`
	asJSON *jsonFlag                     `kong:"-"`
	person *personFlag                   `kong:"-"`
	table  *tableFlag                    `kong:"-"`
	export *exportFlags                  `kong:"-"`
}

// asks reports whether the request says who somebody is.
func (c *verbCmd) asks() bool {
	for _, f := range c.fields {
		if f.personal() {
			return true
		}
	}
	return false
}

// Help says how the person is named.
func (c verbCmd) Help() string {
	var names []string
	for _, f := range c.fields {
		if f.personal() {
			names = append(names, f.label())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "Details of a person are never given on the command line, where others could see them. You are asked for them, or they are " +
		"read from standard input, one per line: " + strings.Join(names, ", ") + "."
}

// Validate says what is wrong with the flags.
func (c *verbCmd) Validate() error { return c.lay(c.message(c.method.Input())) }

// message creates an empty message.
func (c *verbCmd) message(d protoreflect.MessageDescriptor) proto.Message {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(err) // all messages of the contract are compiled in
	}
	return t.New().Interface()
}

// lay sets the fields for which flags were given.
func (c *verbCmd) lay(request proto.Message) error {
	if err := c.verb.fix(request); err != nil {
		return err
	}
	if q, ok := request.(*cpisv1.CreateExportRequest); ok && len(q.GetFormats()) == 0 {
		c.export.lay(q)
	}
	for _, f := range c.fields {
		text, given := f.given()
		if !given {
			continue
		}
		if err := f.set(request.ProtoReflect(), text); err != nil {
			return err
		}
	}
	return nil
}

// Run makes the request, calls the procedure and prints its answer.
func (c *verbCmd) Run(ctx context.Context, w *world) error {
	service, err := c.dial(ctx)
	if err != nil {
		return err
	}
	request, err := c.request(ctx, service, w)
	if err != nil {
		return err
	}
	if c.method.IsStreamingServer() {
		return c.watch(ctx, service, request, w.stdout)
	}
	if c.table != nil && c.table.CSV {
		return c.printAll(ctx, service, request, w)
	}
	answer := c.message(c.method.Output())
	if err := c.call(ctx, service, request, answer); err != nil {
		return err
	}
	if made, ok := answer.(*cpisv1.CreateExportResponse); ok && !c.asJSON.JSON {
		return c.export.save(ctx, service, made, w)
	}
	defer tellCoverage(w.stderr, answer)
	switch {
	case c.asJSON.JSON:
		return printJSON(w.stdout, answer)
	case c.verb.text != "":
		return printText(w.stdout, answer, c.verb.text)
	case c.verb.columns == "":
		return printBlock(w.stdout, answer)
	}
	if next := textIn(answer, "next_page"); next != "" {
		defer func() { _, _ = fmt.Fprintf(w.stderr, "There is more: --page %s\n", next) }()
	}
	return printTable(w.stdout, answer, strings.Fields(c.verb.columns))
}

// request makes the request of what was given in all ways.
func (c *verbCmd) request(ctx context.Context, service *clients, w *world) (proto.Message, error) {
	request := c.message(c.method.Input())
	if c.Stdin {
		text, err := io.ReadAll(io.LimitReader(w.stdin, maxInput))
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		if protojson.Unmarshal(text, request) != nil { // its error may quote what was read
			return nil, fmt.Errorf("standard input is no %s in JSON", c.method.Input().Name())
		}
		return request, c.lay(request)
	}
	if err := c.lay(request); err != nil {
		return nil, err
	}
	if c.verb.fill != nil {
		if err := c.verb.fill(ctx, service, request); err != nil {
			return nil, err
		}
		if err := c.lay(request); err != nil {
			return nil, err
		}
	}
	if c.person != nil && !c.person.Person {
		return request, nil
	}
	return request, c.ask(request, w)
}

// call calls the procedure, again if the service is busy. The id is one for
// all attempts, so what it does is done once.
func (c *verbCmd) call(ctx context.Context, service *clients, request, answer proto.Message) error {
	id := c.Request
	if id == "" {
		id = uuid.NewString()
	}
	err := again(ctx, isBusy, func() error {
		return service.connect.CallUnary(withRequestID(ctx, id), specOf(c.method), request, answer)
	})
	if err == nil {
		return nil
	}
	if !c.reads() && mayBeDone(err) {
		return fmt.Errorf("%w\nIt may have been done or not. Repeat it with --request %s: it is done once", &refusedError{err}, id)
	}
	return &refusedError{err}
}

// reads reports whether the procedure changes nothing.
func (c *verbCmd) reads() bool {
	name := string(c.method.Name())
	return strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
}

// specOf describes a procedure for a call.
func specOf(method protoreflect.MethodDescriptor) connect.Spec {
	kind := connect.StreamTypeUnary
	if method.IsStreamingServer() {
		kind = connect.StreamTypeServer
	}
	return connect.Spec{
		StreamType: kind, Schema: method,
		Procedure: "/" + string(method.Parent().FullName()) + "/" + string(method.Name()),
	}
}

// watch prints the messages of a stream, a line each, until ctx ends. If the
// stream ends it goes on from the last cursor.
func (c *verbCmd) watch(ctx context.Context, service *clients, request proto.Message, out io.Writer) error {
	for ctx.Err() == nil {
		err := c.follow(ctx, service, request, out)
		if err != nil && !isBusy(err) && ctx.Err() == nil {
			return &refusedError{err}
		}
		_ = pause(ctx, retryAfter(err)) // fails if somebody stops this
	}
	return nil
}

// follow prints one stream to its end.
func (c *verbCmd) follow(ctx context.Context, service *clients, request proto.Message, out io.Writer) error {
	ctx, cancel := context.WithCancel(withRequestID(ctx, uuid.NewString()))
	defer cancel()
	stream, err := service.connect.CallServerStream(ctx, specOf(c.method), request)
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		answer := c.message(c.method.Output())
		if err := stream.Receive(answer); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := printJSONLine(out, answer); err != nil {
			return err
		}
		setText(request, "cursor", textIn(answer, "cursor"))
	}
}

// textIn returns a field of a message that is a text; empty if there is none.
func textIn(m proto.Message, name protoreflect.Name) string {
	fd := m.ProtoReflect().Descriptor().Fields().ByName(name)
	if fd == nil || fd.Kind() != protoreflect.StringKind {
		return ""
	}
	return m.ProtoReflect().Get(fd).String()
}

// setText sets a field of a message that is a text, if there is one.
func setText(m proto.Message, name protoreflect.Name, text string) {
	if fd := m.ProtoReflect().Descriptor().Fields().ByName(name); fd != nil {
		m.ProtoReflect().Set(fd, protoreflect.ValueOfString(text))
	}
}

// filler completes a request by what is held.
type filler func(context.Context, *clients, proto.Message) error

// asHeld completes the amendment of a plan by the plan as it is held.
func asHeld(ctx context.Context, service *clients, request proto.Message) error {
	q, ok := request.(*cpisv1.AmendPlanRequest)
	if !ok {
		return errors.New("not an amendment")
	}
	ctx = withRequestID(ctx, uuid.NewString())
	held, err := service.plans.GetPlan(ctx, &cpisv1.GetPlanRequest{PlanId: q.GetPlanId()})
	if err != nil {
		return &refusedError{err}
	}
	p, plan := held.GetPerson(), held.GetPlan()
	q.FamilyName, q.GivenName, q.DateOfBirth = p.GetFamilyName(), p.GetGivenName(), p.GetDateOfBirth()
	q.Start, q.End, q.Expected = plan.GetStart(), plan.GetEnd(), plan.GetExpected()
	q.LegalBasis, q.Reference = plan.GetLegalBasis(), plan.GetReference()
	return nil
}

// asShown completes a change of contacts by those that are shown.
func asShown(ctx context.Context, service *clients, request proto.Message) error {
	q, ok := request.(*cpisv1.SetContactsRequest)
	if !ok {
		return errors.New("not a change of contacts")
	}
	shown, err := service.contacts.GetContacts(withRequestID(ctx, uuid.NewString()), &cpisv1.GetContactsRequest{})
	if err != nil {
		return &refusedError{err}
	}
	q.Contacts = shown.GetContacts()
	return nil
}

// asRuled completes a change of rules by those in force.
func asRuled(ctx context.Context, service *clients, request proto.Message) error {
	q, ok := request.(*cpisv1.SetUploadRulesRequest)
	if !ok {
		return errors.New("not a change of rules")
	}
	held, err := service.uploads.GetUploadRules(withRequestID(ctx, uuid.NewString()), &cpisv1.GetUploadRulesRequest{})
	if err != nil {
		return &refusedError{err}
	}
	version := q.GetRules().GetVersion() // that the caller saw
	q.Rules = held.GetRules()
	q.Rules.Version = version
	return nil
}
