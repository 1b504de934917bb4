// Package archive is the form in which a report leaves the service: one zip with
// the entries that the report shows, in the formats that were asked for, and with
// what proves them. Whoever has the public key of the log verifies all of it
// without the service.
//
//	README.txt             how to read and to verify it
//	log-1/checkpoint.txt   what the log's key signed about the whole log
//	log-1/entries.ndjson   the log's own lines, byte for byte
//	log-1/proof.txt        that they are in the log, and where (audit.SubsetWriter)
//	log-1/beside.ndjson    what the report shows of an entry beyond its line
//	log-2/…                the same of every other log that has entries in it
//	entries.csv, …         the same entries in other formats
//	manifest.txt           what was asked, by whom, and the hash of each file, signed
//
// Everything but the manifest is listed in the manifest, and everything below
// log-1 and log-2 is derived from what is in them, so it is made again and compared.
package archive
