package nhsuk_test

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A fixture is an example of the design system: options, and the HTML that its
// own template makes of them.
type fixture struct {
	Name      string
	Context   options
	CallBlock string
	HTML      string
}

//go:embed testdata/fixtures.json.gz
var packed []byte

// fixtures are the examples of each component. Names repeat, so an example is
// known by its place.
func fixtures(t *testing.T) map[string][]fixture {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatalf("opening fixtures: %v", err)
	}
	var all map[string][]fixture
	if err := json.NewDecoder(r).Decode(&all); err != nil {
		t.Fatalf("reading fixtures: %v", err)
	}
	return all
}

func TestComponentsWriteWhatTheDesignSystemWrites(t *testing.T) {
	t.Parallel()
	all := fixtures(t)
	alike, excepted := 0, 0
	for component, examples := range all {
		ours, ported := components[component]
		if !ported {
			t.Errorf("%s has %d fixtures and no component of ours", component, len(examples))
			continue
		}
		for i, example := range examples {
			place := fmt.Sprintf("%s/%d", component, i)
			got, err := ours(example.Context, example.CallBlock).HTML()
			if err != nil {
				t.Errorf("%s (%s): %v", place, example.Name, err)
				continue
			}
			same := tree(t, example.HTML, differences[component]...) == tree(t, string(got))
			reason, declared := exceptions[place]
			switch {
			case same && declared:
				t.Errorf("%s (%s) is no exception any more: %s", place, example.Name, reason)
			case same:
				alike++
			case declared:
				excepted++
			default:
				t.Errorf("%s (%s) %v (-theirs +ours):\n%s", place, example.Name, example.Context,
					cmp.Diff(tree(t, example.HTML, differences[component]...), tree(t, string(got))))
			}
		}
	}
	t.Logf("%d fixtures are written alike, %d are declared exceptions", alike, excepted)
	if excepted != len(exceptions) {
		t.Errorf("%d exceptions are declared, %d met: is a place wrong?", len(exceptions), excepted)
	}
}

func TestDifferencesAreStillNeeded(t *testing.T) {
	t.Parallel()
	all := fixtures(t)
	for component, list := range differences {
		for _, d := range list {
			differs := func(f fixture) bool { return tree(t, f.HTML) != tree(t, f.HTML, d) }
			if !slices.ContainsFunc(all[component], differs) {
				t.Errorf("%s: no fixture differs any more: %s", component, d.why)
			}
		}
	}
}

// tree draws HTML as a tree: an element or a text a line, attributes in order of
// their names, without white space that nobody sees.
func tree(t *testing.T, text string, changes ...difference) string {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(text), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		t.Fatalf("parsing: %v", err)
	}
	var b strings.Builder
	for _, n := range nodes {
		draw(&b, n, 0, changes)
	}
	return b.String()
}

var spaces = regexp.MustCompile(`\s+`)

func draw(b *strings.Builder, n *html.Node, depth int, changes []difference) {
	indent := strings.Repeat("  ", depth)
	switch n.Type {
	case html.TextNode:
		text := spaces.ReplaceAllString(n.Data, " ")
		if n.Parent == nil || !heard(n.Parent) {
			text = strings.TrimSpace(text)
		}
		if text != "" && text != " " {
			fmt.Fprintf(b, "%s%q\n", indent, text)
		}
	case html.ElementNode:
		for _, c := range changes {
			c.change(n)
		}
		var attributes []string
		for _, a := range n.Attr {
			attributes = append(attributes, fmt.Sprintf(" %s=%q", a.Key, strings.Join(strings.Fields(a.Val), " ")))
		}
		slices.Sort(attributes)
		fmt.Fprintf(b, "%s<%s%s>\n", indent, n.Data, strings.Join(attributes, ""))
		for c := range n.ChildNodes() {
			draw(b, c, depth+1, changes)
		}
	case html.ErrorNode, html.DocumentNode, html.CommentNode, html.DoctypeNode, html.RawNode:
	}
}

// heard is what is for ears only, where a space keeps words apart.
func heard(n *html.Node) bool {
	return n.Data == "span" && strings.Contains(attribute(n, "class"), "nhsuk-u-visually-hidden")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
