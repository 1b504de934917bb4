// Package plan is what a local authority does with one plan: it registers,
// amends, ends and removes it, records a birth, offers it to another authority,
// and reads what it recorded.
package plan
