package archive_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"cpis/audit"
)

// files are those of a zip.
func files(tb testing.TB, file []byte) []*zip.File {
	tb.Helper()
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		tb.Fatal(err)
	}
	return r.File
}

// rewrite puts the files of a zip together again, their compressed contents as they
// are, and lets what is said about each be changed.
func rewrite(tb testing.TB, file []byte, change func(w *zip.Writer, h *zip.FileHeader, content []byte) []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files(tb, file) {
		from, err := f.OpenRaw()
		if err != nil {
			tb.Fatal(err)
		}
		content, err := io.ReadAll(from)
		if err != nil {
			tb.Fatal(err)
		}
		h := f.FileHeader
		content = change(w, &h, content)
		h.CompressedSize64 = uint64(len(content))
		to, err := w.CreateRaw(&h)
		if err == nil {
			_, err = to.Write(content)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

const (
	directorySignature = "PK\x01\x02"
	endSignature       = "PK\x05\x06"
	endOffset          = 16 // of where the directory begins, in the end record
	headerOffset       = 42 // of where a file begins, in its record of the directory
)

// insert puts bytes into a zip at a place, and mends all offsets behind it.
func insert(file []byte, at int, what string) []byte {
	out := slices.Concat(file[:at], []byte(what), file[at:])
	end := bytes.LastIndex(out, []byte(endSignature))
	move := func(field []byte) {
		if offset := binary.LittleEndian.Uint32(field); int(offset) >= at {
			binary.LittleEndian.PutUint32(field, offset+uint32(len(what)))
		}
	}
	move(out[end+endOffset:])
	directory := out[binary.LittleEndian.Uint32(out[end+endOffset:]):end]
	for bytes.HasPrefix(directory, []byte(directorySignature)) {
		move(directory[headerOffset:])
		length := 46
		for _, field := range []int{28, 30, 32} { // name, extra field, comment
			length += int(binary.LittleEndian.Uint16(directory[field:]))
		}
		directory = directory[length:]
	}
	return out
}

// startOf returns at which bytes the header of a file and its content begin.
func startOf(tb testing.TB, file []byte, name string) (header, content int) {
	tb.Helper()
	for _, f := range files(tb, file) {
		if f.Name == name {
			at, err := f.DataOffset()
			if err != nil {
				tb.Fatal(err)
			}
			header = bytes.LastIndex(file[:at], []byte("PK\x03\x04"))
			return header, int(at)
		}
	}
	tb.Fatal(name)
	return 0, 0
}

// patched is a copy with a byte changed.
func patched(file []byte, at int, by byte) []byte {
	out := slices.Clone(file)
	out[at] ^= by
	return out
}

// recompressed are the same files, compressed in another way.
func recompressed(tb testing.TB, file []byte) []byte {
	tb.Helper()
	return rewrite(tb, file, func(_ *zip.Writer, h *zip.FileHeader, content []byte) []byte {
		if h.Method == zip.Store {
			return content
		}
		plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(content)))
		if err != nil {
			tb.Fatal(err)
		}
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, flate.BestCompression)
		if err == nil {
			_, err = w.Write(plain)
		}
		if err := errors.Join(err, w.Close()); err != nil {
			tb.Fatal(err)
		}
		return out.Bytes()
	})
}

// containers are zips that hold the files of an archive, every byte of them, and
// something besides, or in another way; and what is named.
func containers(tb testing.TB, file []byte) map[string][2]string {
	tb.Helper()
	lines, content := startOf(tb, file, "log-1/entries.ndjson")
	manifest, _ := startOf(tb, file, "manifest.txt")
	end := bytes.LastIndex(file, []byte(endSignature))
	directory := int(binary.LittleEndian.Uint32(file[end+endOffset:]))
	each := func(change func(h *zip.FileHeader)) string {
		return string(rewrite(tb, file, func(_ *zip.Writer, h *zip.FileHeader, content []byte) []byte {
			change(h)
			return content
		}))
	}
	behind := func(what string) string {
		return string(rewrite(tb, file, func(_ *zip.Writer, h *zip.FileHeader, content []byte) []byte {
			if h.Name == "log-1/entries.ndjson" {
				content = append(content, what...)
			}
			return content
		}))
	}
	ended := file[:len(file)-2]
	return map[string][2]string{
		"something before":                         {"#!/bin/sh\n" + string(file), `"README.txt"`},
		"something before, and offsets mended":     {string(insert(file, 0, "#!/bin/sh\n")), `"README.txt"`},
		"something behind":                         {string(file) + "more", "zip"},
		"an empty zip behind":                      {string(file) + endSignature + strings.Repeat("\x00", 18), "missing"},
		"a comment":                                {string(ended) + "\x05\x00hello", "directory"},
		"a gap before a file":                      {string(insert(file, lines, "hidden")), `"log-1/entries.ndjson"`},
		"a file in a gap":                          {string(insert(file, lines, string(file[manifest:directory]))), `"log-1/entries.ndjson"`},
		"a gap before the directory":               {string(insert(file, directory, "hidden")), "directory"},
		"a gap behind the directory":               {string(insert(file, end, "hidden")), "zip"},
		"another name in a file's own header":      {string(patched(file, lines+30, 0x20)), `"log-1/entries.ndjson"`},
		"another method in a file's own header":    {string(patched(file, lines+8, 8)), `"log-1/entries.ndjson"`},
		"another time in a file's own header":      {string(patched(file, lines+10, 1)), `"log-1/entries.ndjson"`},
		"another size in a file's own header":      {string(patched(file, lines+18, 1)), `"log-1/entries.ndjson"`},
		"another sum behind the content":           {string(patched(file, bytes.Index(file[content:], []byte("PK\x07\x08"))+content+4, 1)), `"log-1/checkpoint.txt"`},
		"another extra time":                       {each(func(h *zip.FileHeader) { h.Extra = patched(h.Extra, 5, 1) }), `"README.txt"`},
		"no extra field":                           {each(func(h *zip.FileHeader) { h.Extra = nil }), `"README.txt"`},
		"an extra field more":                      {each(func(h *zip.FileHeader) { h.Extra = append(slices.Clone(h.Extra), "xx\x02\x00hi"...) }), `"README.txt"`},
		"a comment of a file":                      {each(func(h *zip.FileHeader) { h.Comment = "see attachment" }), "directory"},
		"rights of a file":                         {each(func(h *zip.FileHeader) { h.SetMode(0o777) }), "directory"},
		"made by another program":                  {each(func(h *zip.FileHeader) { h.CreatorVersion = 3<<8 | 20 }), "directory"},
		"sizes before the content":                 {each(func(h *zip.FileHeader) { h.Flags &^= 8 }), `"README.txt"`},
		"a flag":                                   {each(func(h *zip.FileHeader) { h.Flags |= 0x800 }), `"README.txt"`},
		"another version to read it":               {each(func(h *zip.FileHeader) { h.ReaderVersion = 45 }), `"README.txt"`},
		"bytes behind what is compressed":          {behind("hidden"), "log-1/entries.ndjson"},
		"another stream behind what is compressed": {behind("\x03\x00"), "log-1/entries.ndjson"},
		"a directory": {string(rewrite(tb, file, func(w *zip.Writer, _ *zip.FileHeader, content []byte) []byte {
			if _, err := w.CreateHeader(&zip.FileHeader{Name: "log-1/", Modified: noon.Add(time.Hour)}); err != nil {
				tb.Fatal(err)
			}
			return content
		})), `"log-1/"`},
	}
}

// Nothing but the files is in an archive: not before, between or behind them, nor in
// what the container says about them.
func TestContainer_HoldsNothingButTheFiles(t *testing.T) {
	t.Parallel()
	file := mustWrite(t, sourceOf(newLog(origin, 30).part(t, 0, 1)))
	for name, c := range containers(t, file) {
		if c[0] == string(file) {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := verify(t, []byte(c[0]), keysOf(t, origin)); !errors.Is(err, audit.ErrBroken) || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: got %v, want %s", name, err, c[1])
		}
	}
}

// Each byte around the contents is one that the writer would have written.
func TestContainer_IsCheckedByteForByte(t *testing.T) {
	t.Parallel()
	file := mustWrite(t, sourceOf(newLog(origin, 3).part(t, 0, 1)))
	inside := make([]bool, len(file))
	for _, f := range files(t, file) {
		_, at := startOf(t, file, f.Name)
		for i := range int(f.CompressedSize64) {
			inside[at+i] = true
		}
	}
	tried := 0
	for at := range file {
		if inside[at] {
			continue
		}
		tried++
		if _, err := verify(t, patched(file, at, 1<<(at%8)), keysOf(t, origin)); !errors.Is(err, audit.ErrBroken) {
			t.Errorf("byte %d: got %v", at, err)
		}
	}
	if tried < 1000 {
		t.Errorf("only %d bytes were changed", tried)
	}
}

// How well a content is compressed says nothing: another version of the compressor
// may do it otherwise.
func TestContainer_MayBeCompressedOtherwise(t *testing.T) {
	t.Parallel()
	file := mustWrite(t, sourceOf(newLog(origin, 30).part(t, 0, 1)))
	again := recompressed(t, file)
	if bytes.Equal(file, again) {
		t.Fatal("it is compressed alike")
	}
	if _, err := verify(t, again, keysOf(t, origin)); err != nil {
		t.Error(err)
	}
}
