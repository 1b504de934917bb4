// Package reference holds the public registers that an installation starts
// with: England's local authorities with children's services, and the NHS
// organisations that look children up. It only reads what is embedded in it.
//
// The register of organisations says whether one is a trust or a practice, and
// no more. Its class, which the policy needs, is derived: see ClassOf. Kinds of
// organisation that the register lacks, such as urgent treatment centres or
// dental practices, and classes that turn out wrong, are for an administrator
// to set.
package reference

import (
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"cpis/policy"
)

// Attribution is the notice that the licence of the data asks for.
const Attribution = "Contains public sector information licensed under the Open Government Licence v3.0: " +
	"local authorities from the Department for Education, geography look-ups, July 2026; " +
	"organisations from the NHS Organisation Data Service, January to March 2022."

//go:embed data/local-authorities.csv data/organisations.csv
var files embed.FS

// Organisation is an NHS trust or a GP practice.
type Organisation struct {
	Code     string // ODS code
	Name     string // in capitals, as the register has it
	Class    policy.Class
	Postcode string
}

// Authority is a local authority with children's services.
type Authority struct {
	GSS    string // Office for National Statistics code, such as E09000019
	DfE    string // Department for Education number, such as 206
	Name   string
	Kind   string // such as London Boroughs
	Region string // Office for National Statistics code of the region, such as E12000007
}

// Organisations returns the register of organisations, trusts first, ascending
// by code.
func Organisations() ([]Organisation, error) {
	return read("data/organisations.csv", parseOrganisations)
}

// Authorities returns the register of local authorities, ascending by GSS code.
func Authorities() ([]Authority, error) {
	return read("data/local-authorities.csv", parseAuthorities)
}

// read opens an embedded file and parses it.
func read[T any](name string, parse func(io.Reader) ([]T, error)) ([]T, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := parse(f)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return rows, nil
}

// The shapes of codes, as the registers have them.
var (
	trustCode    = regexp.MustCompile(`^R[0-9A-Z]{2}$`)
	practiceCode = regexp.MustCompile(`^[A-Z][0-9]{5}$`)
	postcode     = regexp.MustCompile(`^[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}$`)
	gssCode      = regexp.MustCompile(`^E[01][0-9]{7}$`)
	dfeCode      = regexp.MustCompile(`^[0-9]{3}$`)
	regionCode   = regexp.MustCompile(`^E120000[0-9]{2}$`)
)

func parseOrganisations(r io.Reader) ([]Organisation, error) {
	seen := make(map[string]bool)
	return parseTable(r, "ods_code,name,kind,postcode", func(f []string) (Organisation, error) {
		o := Organisation{Code: f[0], Name: f[1], Class: ClassOf(f[2], f[1]), Postcode: f[3]}
		return o, errors.Join(
			once(seen, o.Code), tidy(o.Name),
			match("ODS code", o.Code, codeOf(f[2])), match("postcode", o.Postcode, postcode),
		)
	})
}

// codeOf returns the shape of codes of a kind of organisation, nil if there is
// no such kind.
func codeOf(kind string) *regexp.Regexp {
	switch kind {
	case kindTrust:
		return trustCode
	case kindPractice:
		return practiceCode
	}
	return nil
}

// gssPrefix is how the GSS codes of each kind of authority begin.
var gssPrefix = map[string]string{
	"Unitary Authorities":    "E06",
	"Metropolitan Districts": "E08",
	"London Boroughs":        "E09",
	"Counties":               "E10",
}

func parseAuthorities(r io.Reader) ([]Authority, error) {
	seen := make(map[string]bool)
	return parseTable(r, "gss_code,dfe_code,name,kind,region_gss_code", func(f []string) (Authority, error) {
		a := Authority{GSS: f[0], DfE: f[1], Name: f[2], Kind: f[3], Region: f[4]}
		errs := []error{
			once(seen, a.GSS), once(seen, a.DfE), once(seen, a.Name), tidy(a.Name),
			match("GSS code", a.GSS, gssCode), match("DfE code", a.DfE, dfeCode), match("region", a.Region, regionCode),
		}
		if prefix, ok := gssPrefix[a.Kind]; !ok || !strings.HasPrefix(a.GSS, prefix) {
			errs = append(errs, fmt.Errorf("GSS code %q is not one of kind %q", a.GSS, a.Kind))
		}
		return a, errors.Join(errs...)
	})
}

// parseTable reads a table with exactly the given columns, and names the line
// on which something is wrong.
func parseTable[T any](r io.Reader, columns string, parse func([]string) (T, error)) ([]T, error) {
	in := csv.NewReader(r)
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the column names: %w", err)
	}
	if strings.Join(head, ",") != columns {
		return nil, fmt.Errorf("columns are not %s", columns)
	}
	var rows []T
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		row, err := parse(fields)
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		rows = append(rows, row)
	}
}

// once refuses a code that was seen before.
func once(seen map[string]bool, code string) error {
	if seen[code] {
		return fmt.Errorf("%q stands twice", code)
	}
	seen[code] = true
	return nil
}

// match refuses a text that has not the shape; no shape fits nothing.
func match(what, text string, shape *regexp.Regexp) error {
	if shape == nil || !shape.MatchString(text) {
		return fmt.Errorf("%q is no %s of its kind", text, what)
	}
	return nil
}

// tidy refuses names that are empty, padded, or not plain printable text.
func tidy(name string) error {
	odd := func(r rune) bool { return r < ' ' || r > '~' }
	if name == "" || strings.TrimSpace(name) != name || strings.ContainsFunc(name, odd) {
		return fmt.Errorf("name %q is not plain text", name)
	}
	return nil
}
