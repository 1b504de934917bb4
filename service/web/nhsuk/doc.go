// Package nhsuk is the NHS design system as Go values: what a page consists of
// is built from structs, and each struct writes itself as HTML.
//
//	form.Number = nhsuk.Input{
//		Name:  "nhs-number",
//		Label: nhsuk.Label{Text: "NHS number", Size: nhsuk.Medium},
//		Hint:  nhsuk.Hint{Text: "10 digits, like 999 123 4567"},
//		Error: nhsuk.ErrorMessage{Text: problem},
//	}
//
// and in the template of the page: {{.Number.HTML}}.
//
// A struct knows its template, so a page cannot show it with another one, and a
// misspelt option does not compile. Text is escaped by html/template for the
// place it stands at. What stands inside a component is another [Component];
// where a page has HTML of its own making, [Markup] takes it. Whatever fails
// while a component is written fails the page as a whole, before any of it left.
//
// The structs follow nhsuk-frontend's options under plainer names, as far as
// pages need them: an option that is absent from a struct is absent on purpose.
// Words that a component says by itself, such as "Error: ", are English unless
// a field says otherwise.
//
// Each component is compared, as a tree, with what nhsuk-frontend itself writes
// for all of its own examples (testdata, made by `make vendor-pages`); where
// they differ stands with the reason in differences_test.go. An upgrade is a new
// version there, and a test run.
package nhsuk
