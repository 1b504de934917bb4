package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"cpis/deploy/dev/idp"
)

type tokenCmd struct {
	Name string `arg:"" optional:"" help:"Whose token; without a name, the people of the demo are listed."`
	IDP  string `name:"idp" env:"CPIS_IDP_URL" default:"http://127.0.0.1:8444" placeholder:"URL" help:"The demo's identity provider (default ${default})."`
}

// Run prints an access token and nothing else.
func (c *tokenCmd) Run(ctx context.Context, w *world) error {
	if c.Name == "" {
		return printPeople(w.stdout)
	}
	token, err := demoToken(ctx, c.IDP, c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.stdout, token)
	return err
}

// printPeople says who can sign in to the demo.
func printPeople(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range idp.People() {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Key, p.Name, p.PlaceName, p.Does) // Flush says what went wrong
	}
	return table.Flush()
}
