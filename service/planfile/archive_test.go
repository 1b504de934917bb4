package planfile_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/planfile"
)

// zipped packs tables.
func zipped(tb testing.TB, d dataset) []byte {
	tb.Helper()
	var entries []*zip.FileHeader
	var contents []string
	for _, name := range slices.Sorted(maps.Keys(d)) {
		entries = append(entries, &zip.FileHeader{Name: name + ".csv", Method: zip.Deflate})
		contents = append(contents, d[name])
	}
	return pack(tb, entries, contents)
}

// pack makes an archive.
func pack(tb testing.TB, entries []*zip.FileHeader, contents []string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, h := range entries {
		f, err := w.CreateHeader(h)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(f, contents[i]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// zippedWith packs the tables and one entry more.
func zippedWith(tb testing.TB, name, content string) []byte {
	tb.Helper()
	d := smallDataset()
	var entries []*zip.FileHeader
	var contents []string
	for _, table := range slices.Sorted(maps.Keys(d)) {
		entries = append(entries, &zip.FileHeader{Name: "extract/" + table + ".csv", Method: zip.Deflate})
		contents = append(contents, d[table])
	}
	entries = append(entries, &zip.FileHeader{Name: name, Method: zip.Deflate})
	return pack(tb, entries, append(contents, content))
}

func archive(content []byte) planfile.Source { return source("plans.zip", string(content)) }

func TestReadSSD_ReadsArchives(t *testing.T) {
	t.Parallel()
	stored := smallDataset()
	var entries []*zip.FileHeader
	var contents []string
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		entries = append(entries, &zip.FileHeader{Name: name + ".csv", Method: zip.Store})
		contents = append(contents, stored[name])
	}
	for name, give := range map[string][]byte{
		"packed":                         zipped(t, smallDataset()),
		"not packed":                     pack(t, entries, contents),
		"in a folder, beside other ones": zippedWith(t, "__MACOSX/extract/._ssd_person.csv", "\x00\x05"),
		"with the folder itself":         zippedWith(t, "extract/", ""),
		"with a table that is not read":  zippedWith(t, "extract/ssd_contacts.csv", "cont_id\n1\n"),
		"with the slashes of Windows":    bytes.ReplaceAll(zippedWith(t, "extract/ssd_x.csv", ""), []byte("extract/"), []byte(`extract\`)),
	} {
		if diff := cmp.Diff(smallVerdict, verdict(t, planfile.SSD, archive(give))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// directory finds the n-th entry in the list at an archive's end.
func directory(tb testing.TB, content []byte, n int) []byte {
	tb.Helper()
	at := binary.LittleEndian.Uint32(content[len(content)-6:])
	for ; n > 0; n-- {
		at += 46 + uint32(binary.LittleEndian.Uint16(content[at+28:])) + uint32(binary.LittleEndian.Uint16(content[at+30:]))
	}
	if string(content[at:at+4]) != "PK\x01\x02" {
		tb.Fatal("there is no such entry")
	}
	return content[at:]
}

// Each way in which an archive could hurt is refused before it does.
func TestReadSSD_RefusesBadArchives(t *testing.T) {
	t.Parallel()
	number := binary.LittleEndian
	spoil := func(fn func(content []byte) []byte) []byte { return fn(zipped(t, smallDataset())) }
	// All tables but the first one are as they should be.
	entry := func(fn func(header []byte)) []byte {
		return spoil(func(content []byte) []byte {
			fn(directory(t, content, 0))
			return content
		})
	}
	first := slices.Sorted(maps.Keys(smallDataset()))[0]
	tests := []struct {
		name string
		give []byte
		want string
	}{
		{"encrypted", entry(func(h []byte) { h[8] |= 1 }), "is encrypted"},
		{"encrypted strongly", entry(func(h []byte) { h[8] |= 1 << 6 }), "is encrypted"},
		{"packed in another way", entry(func(h []byte) { h[10] = 93 }), "is packed in a way that is not known"},
		{"an archive inside", zippedWith(t, "extract/more.ZIP", "PK"), "holds an archive inside"},
		{"a workbook inside", zippedWith(t, "plans.xlsx", "PK"), "holds an archive inside"},
		{"an archive in place of a table", zipped(t, smallDataset().changed("ssd_mother", "moth_table_id", "PK\x03\x04")), "ssd_mother, line 1: is a workbook or an archive"},
		{"a table twice", zippedWith(t, "ssd_mother.csv", "x"), "ssd_mother: is there twice"},
		{"a table twice in other letters", zippedWith(t, "SSD_MOTHER.CSV", "x"), "ssd_mother: is there twice"},
		{"a path upwards", zippedWith(t, "../ssd_x.csv", "x"), "holds an entry whose name leads out"},
		{"a path down and upwards", zippedWith(t, "a/../../ssd_x.csv", "x"), "holds an entry whose name leads out"},
		{"a path upwards of Windows", zippedWith(t, `a\..\ssd_x.csv`, "x"), "holds an entry whose name leads out"},
		{"a path from the root", zippedWith(t, "/etc/ssd_x.csv", "x"), "holds an entry whose name leads out"},
		{"a path with a drive", zippedWith(t, "C:/ssd_x.csv", "x"), "holds an entry whose name leads out"},
		{"a path with a NUL", zippedWith(t, "ssd_mother.csv\x00.txt", "x"), "holds an entry whose name leads out"},
		{"zeros without end", zippedWith(t, "ssd_x.csv", strings.Repeat("\x00", 8<<20)), "holds an entry that unpacks to more than 100 times"},
		{
			"a table of too many alike", zipped(t, smallDataset().with("ssd_person", strings.Repeat("c9,Robin,Example,2019-04-30,,\n", 1<<17))),
			"holds an entry that unpacks to more than 100 times",
		},
		{"larger than it says", entry(func(h []byte) { number.PutUint32(h[24:], 60) }), first + ": holds an entry that is not as large as it says"},
		{"smaller than it says", entry(func(h []byte) { number.PutUint32(h[24:], 1000) }), first + ": holds an entry that is not as large as it says"},
		{"much larger than all may be", entry(func(h []byte) {
			number.PutUint32(h[20:], 1<<30)
			number.PutUint32(h[24:], 1<<30)
		}), "is more than 64 MiB of tables"},
		{"damaged", entry(func(h []byte) { h[16] ^= 1 }), first + ": is damaged"},
		{"no packed bytes", spoil(func(c []byte) []byte {
			at := 30 + int(number.Uint16(c[26:])) + int(number.Uint16(c[28:]))
			c[at] = 0xff
			return c
		}), first + ": is damaged"},
		{"an entry that is nowhere", entry(func(h []byte) { number.PutUint32(h[42:], 1<<20) }), first + ": is damaged"},
		{"17 entries", manyEntries(t, 17), "holds more than 16 entries"},
		{"100,000 entries that say they are few", lyingEntries(t, 1<<16), "holds more than 16 entries"},
		{"entries for ever", spoil(func(c []byte) []byte {
			number.PutUint16(c[len(c)-12:], 0xffff)
			return c
		}), "holds more than 16 entries"},
		{"a list that is not where it says", spoil(func(c []byte) []byte {
			number.PutUint32(c[len(c)-6:], 1)
			return c
		}), "is not a ZIP archive that can be read"},
		{"a list that is none", entry(func(h []byte) { h[2] = 9 }), "is not a ZIP archive that can be read"},
		{"something before it", append([]byte("PK\x03\x04"), zipped(t, smallDataset())...), "is not a ZIP archive that can be read"},
		{"something after it", spoil(func(c []byte) []byte { return append(c, 'x') }), "is not a ZIP archive that can be read"},
		{"cut off", spoil(func(c []byte) []byte { return c[:len(c)/2] }), "is not a ZIP archive that can be read"},
		{"its first bytes only", []byte("PK\x03\x04"), "is not a ZIP archive that can be read"},
		{"empty", pack(t, nil, nil), "holds none of the tables"},
		{"tables missing", zipped(t, dataset{"ssd_person": smallDataset()["ssd_person"]}), "lacks ssd_linked_identifiers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t, planfile.SSD, archive(tt.give))
			if got := broken(t, err).Error(); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// manyEntries packs empty files.
func manyEntries(tb testing.TB, n int) []byte {
	tb.Helper()
	var entries []*zip.FileHeader
	for range n {
		entries = append(entries, &zip.FileHeader{Name: "x"})
	}
	return pack(tb, entries, make([]string, n))
}

// lyingEntries packs files of which the end of the archive counts only the
// lower 16 bits: none.
func lyingEntries(tb testing.TB, n int) []byte {
	tb.Helper()
	var b bytes.Buffer
	b.WriteString("PK\x03\x04" + strings.Repeat("\x00", 26))
	start := b.Len()
	for range n {
		b.WriteString("PK\x01\x02" + strings.Repeat("\x00", 42))
	}
	end := make([]byte, 22)
	copy(end, "PK\x05\x06")
	binary.LittleEndian.PutUint32(end[12:], uint32(b.Len()-start))
	binary.LittleEndian.PutUint32(end[16:], uint32(start))
	b.Write(end)
	return b.Bytes()
}

// What all tables unpack to is bounded, not only each.
func TestReadSSD_BoundsAllTablesTogether(t *testing.T) {
	t.Parallel()
	packed := make([]byte, 1<<18)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, table := range tableNames {
		f, err := z.CreateRaw(&zip.FileHeader{
			Name: table + ".csv", Method: zip.Deflate, CompressedSize64: uint64(len(packed)), UncompressedSize64: 12 << 20,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(packed); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, err := read(t, planfile.SSD, archive(b.Bytes()))
	if got := broken(t, err).Error(); !strings.HasPrefix(got, "is more than 64 MiB of tables") {
		t.Errorf("got %q", got)
	}
}

// However an archive is cut, it is refused.
func TestReadSSD_RefusesEveryCutArchive(t *testing.T) {
	t.Parallel()
	whole := zipped(t, smallDataset())
	for i := range whole {
		_, _, err := read(t, planfile.SSD, archive(whole[:i]))
		_ = broken(t, err)
	}
}

// packed packs entries.
func packed(tb testing.TB, names, contents []string) []byte {
	tb.Helper()
	entries := make([]*zip.FileHeader, len(names))
	for i, name := range names {
		entries[i] = &zip.FileHeader{Name: name, Method: zip.Deflate}
		if strings.HasSuffix(name, "/") {
			entries[i].Method = zip.Store
		}
	}
	return pack(tb, entries, contents)
}
