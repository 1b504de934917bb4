package archive

import (
	"bytes"
	"io"
	"strings"
)

// readme is for whoever opens an archive without knowing what it is.
const readme = `This is an export of a report from the audit log of a child protection
information sharing service. It names staff and children as the log does: by
identifiers that mean nothing outside of the service.

  entries.csv, entries.xlsx           the entries as a table, if they were asked for
  audit-events-balp.json              the same as FHIR R4 AuditEvents (IHE BALP)
  audit-events-nhs.json               the same as FHIR R4 AuditEvents (NHS England PARS)
  log-1/entries.ndjson                the lines of the log, as they were written
  log-1/beside.ndjson                 what the report shows beyond them; also of
                                      entries whose line is withheld or removed
  log-1/proof.txt, checkpoint.txt     the proof that each entry is in the log
  manifest.txt                        what was asked for, by whom and when; how many
                                      entries there are; the SHA-256 of each file;
                                      signed by the log's key

To verify all of it without the service:

  cpis audit verify FILE.zip --key KEY

KEY is the public key of the log, as "cpis audit key" prints it. Get it from
someone other than the person who gave you this file.
`

func (w *writer) writeReadme() error { return w.put(readmeFile, strings.NewReader(readme)) }

func bytesOf(b []byte) io.Reader { return bytes.NewReader(b) }
