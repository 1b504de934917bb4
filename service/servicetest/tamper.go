package servicetest

import "fmt"

// Turned runs look while a column of the rows of a table has another value, as
// nobody but the database's owner can bring about.
func (f *guardSteps) Turned(table, column, value string, look func()) {
	f.TB.Helper()
	f.all.Exec(`DROP TABLE IF EXISTS public.kept`)
	f.all.Exec(`CREATE TABLE public.kept AS SELECT * FROM cpis.` + table)
	f.all.Exec(fmt.Sprintf(`UPDATE cpis.%s SET %s = %s`, table, column, value))
	look()
	f.all.Exec(fmt.Sprintf(`UPDATE cpis.%[1]s AS t SET %[2]s = k.%[2]s FROM public.kept AS k WHERE k.mac = t.mac`, table, column))
	f.all.Exec(`DROP TABLE public.kept`)
}

// VerifyAll verifies all rows, as the service does by itself little by little.
func (f *guardSteps) VerifyAll() {
	f.TB.Helper()
	for range 40 { // more than there are tables
		if err := f.VerifyRows(f.TB.Context()); err != nil {
			f.TB.Fatalf("VerifyRows: %v", err)
		}
	}
}
