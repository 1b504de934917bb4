package audit_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing/fstest"

	"cpis/audit"
)

// exportTamperings are what can be done to an export, each in one way that
// chance varies.
var exportTamperings = []struct {
	name string
	do   func(c *tampered)
}{
	// A line is another.
	{"a bit of a line is turned", func(c *tampered) {
		c.reword(func(line []byte) []byte { line[c.rnd.IntN(len(line))] ^= 1 << c.rnd.IntN(8); return line })
	}},
	{"a byte of a line is lost", func(c *tampered) {
		c.reword(func(line []byte) []byte { i := c.rnd.IntN(len(line)); return slices.Delete(line, i, i+1) })
	}},
	{"a byte of a line is doubled", func(c *tampered) {
		c.reword(func(line []byte) []byte { i := c.rnd.IntN(len(line)); return slices.Insert(line, i, line[i]) })
	}},
	{"an outcome is another", func(c *tampered) { c.reword(forge) }},
	{"an actor is another", func(c *tampered) {
		c.reword(func(line []byte) []byte {
			return bytes.Replace(line, []byte(`555254240100`), []byte(`555254240101`), 1)
		})
	}},
	{"a time is a second earlier", func(c *tampered) {
		c.reword(func(line []byte) []byte { return bytes.Replace(line, []byte(`T09:00:0`), []byte(`T08:59:5`), 1) })
	}},
	{"a line is another log's", func(c *tampered) {
		i := c.at()
		c.replace(i, i+1, newLog(len(c.lines) + 1).lines[i])
	}},
	{"a line is an earlier one", func(c *tampered) { i, j := c.two(); c.replace(j, j+1, c.lines[i]) }},
	{"a line is a later one", func(c *tampered) { i, j := c.two(); c.replace(i, i+1, c.lines[j]) }},
	{"a line is empty", func(c *tampered) { c.reword(func([]byte) []byte { return nil }) }},
	{"a line is endless", func(c *tampered) {
		c.reword(func([]byte) []byte { return bytes.Repeat([]byte("x"), audit.MaxLine*(2+c.rnd.IntN(4))) })
	}},

	// A line says the same in another way.
	{"spaces in a line", func(c *tampered) {
		c.reword(func(line []byte) []byte { return bytes.ReplaceAll(line, []byte(`","`), []byte(`", "`)) })
	}},
	{"fields in another order", func(c *tampered) {
		c.reword(func(line []byte) []byte {
			return append([]byte(`{"org":"RJ1",`), bytes.Replace(line[1:], []byte(`"org":"RJ1",`), nil, 1)...)
		})
	}},
	{"an escape that is not needed", func(c *tampered) {
		c.reword(func(line []byte) []byte { return bytes.Replace(line, []byte(`"RJ1"`), []byte(`"\u0052J1"`), 1) })
	}},
	{"a field twice", func(c *tampered) {
		c.reword(func(line []byte) []byte { return append([]byte(`{"v":1,`), line[1:]...) })
	}},
	{"line ends of another system", func(c *tampered) {
		c.write(bytes.ReplaceAll(ndjson(c.lines), []byte("\n"), []byte("\r\n")))
	}},
	{"another encoding of text", func(c *tampered) {
		c.write(append([]byte("\ufeff"), ndjson(c.lines)...))
	}},

	// Lines are gone.
	{"a line is gone", func(c *tampered) { i := c.at(); c.replace(i, i+1) }},
	{"several lines are gone", func(c *tampered) { i, j := c.two(); c.replace(i, j) }},
	{"the oldest lines are gone", func(c *tampered) { c.replace(0, 1+c.at()) }},
	{"the newest lines are gone", func(c *tampered) { c.replace(c.at(), len(c.lines)) }},
	{"the file ends anywhere", func(c *tampered) {
		data := ndjson(c.lines)
		c.write(data[:c.rnd.IntN(len(data))])
	}},
	{"two lines are one", func(c *tampered) {
		i := c.rnd.IntN(len(c.lines) - 1)
		c.replace(i, i+2, slices.Concat(c.lines[i], c.lines[i+1]))
	}},
	{"the oldest lines are said to be removed", func(c *tampered) {
		first := 1 + c.rnd.IntN(len(c.lines))
		c.export = mustExport(c.t, c.source(c.t, first))
		c.entry = 0
	}},
	{"more is said to be removed than was", func(c *tampered) {
		i := 1 + c.rnd.IntN(len(c.lines)-1)
		c.export["first"] = &fstest.MapFile{Data: fmt.Appendf(nil, "%d\n", i)}
		c.entry = int64(i)
	}},

	// Lines are put in.
	{"a forged line is put in", func(c *tampered) { c.insert(forge(c.lines[c.at()])) }},
	{"a line is put in again", func(c *tampered) {
		i, j := c.two()
		c.replace(j, j, c.lines[i])
	}},
	{"an empty line is put in", func(c *tampered) { c.insert(nil) }},
	{"a line is put in at the end", func(c *tampered) {
		c.writeLines(append(slices.Clone(c.lines), forge(c.lines[c.at()])))
	}},
	{"a line is split", func(c *tampered) {
		c.reword(func(line []byte) []byte { return slices.Insert(line, 1+c.rnd.IntN(len(line)-1), '\n') })
	}},

	// Lines stand elsewhere.
	{"two lines are swapped", func(c *tampered) {
		i, j := c.two()
		lines := slices.Clone(c.lines)
		lines[i], lines[j] = lines[j], lines[i]
		c.writeLines(lines)
	}},
	{"a line is moved down", func(c *tampered) {
		i, j := c.two()
		c.writeLines(slices.Insert(slices.Delete(slices.Clone(c.lines), i, i+1), j, c.lines[i]))
	}},
	{"a line is moved up", func(c *tampered) {
		i, j := c.two()
		c.writeLines(slices.Insert(slices.Delete(slices.Clone(c.lines), j, j+1), i, c.lines[j]))
	}},
	{"some lines are turned round", func(c *tampered) {
		i, j := c.two()
		lines := slices.Clone(c.lines)
		slices.Reverse(lines[i : j+1])
		c.writeLines(lines)
	}},

	// Hashes are others: no entry is bad.
	{"a bit of a tile is turned", func(c *tampered) {
		c.spoil(c.tile(), func(data []byte) []byte { data[c.rnd.IntN(len(data))] ^= 1 << c.rnd.IntN(8); return data })
	}},
	{"a tile is cut off", func(c *tampered) {
		c.spoil(c.tile(), func(data []byte) []byte { return data[:c.rnd.IntN(len(data))] })
	}},
	{"a tile is longer", func(c *tampered) {
		c.spoil(c.tile(), func(data []byte) []byte { return append(data, data[:32]...) })
	}},
	{"a tile is of zeros", func(c *tampered) { c.spoil(c.tile(), func(data []byte) []byte { return make([]byte, len(data)) }) }},
	{"a tile is gone", func(c *tampered) {
		c.file = c.tile()
		delete(c.export, c.file)
	}},
	{"the frontier is another", func(c *tampered) {
		c.spoil("frontier", func(data []byte) []byte { data[c.rnd.IntN(len(data))]++; return data })
	}},
	{"a line and its leaf hash", func(c *tampered) {
		i := c.at()
		tile := audit.Tile{Index: int64(i / audit.TileWidth), Width: min(audit.TileWidth, len(c.lines)-i/audit.TileWidth*audit.TileWidth)}
		forged := forge(c.lines[i])
		c.replace(i, i+1, forged)
		setHash(c.export, tile.Path(), i%audit.TileWidth, audit.LeafHash(forged))
		c.entry, c.err = -1, audit.ErrBroken // which of the tile's entries it is, no hash tells
	}},

	// The checkpoint is another.
	{"a bit of the checkpoint is turned", func(c *tampered) {
		note := bytes.Clone(c.export["checkpoint"].Data)
		note[c.rnd.IntN(len(note)-1)] ^= 1 << c.rnd.IntN(7)
		c.checkpoint(note, audit.ErrBroken)
	}},
	{"another size in the checkpoint", func(c *tampered) {
		text := fmt.Sprintf("\n%d\n", len(c.lines))
		other := fmt.Sprintf("\n%d\n", len(c.lines)-1-c.rnd.IntN(9))
		c.checkpoint(bytes.Replace(c.export["checkpoint"].Data, []byte(text), []byte(other), 1), audit.ErrSignature)
	}},
	{"an earlier checkpoint", func(c *tampered) {
		past := c.past()
		c.checkpoint(past.signed(c.t), nil)
		c.entry = int64(len(past.lines)) // what follows is beyond it
	}},
	{"no checkpoint", func(c *tampered) {
		delete(c.export, "checkpoint")
		c.err = audit.ErrBroken
	}},
	{"a checkpoint of another log", func(c *tampered) {
		c.checkpoint(mustSign(c.t, c.tree.Checkpoint("elsewhere.example/log"), signer(1)), audit.ErrOtherLog)
	}},
	{"a checkpoint without a signature", func(c *tampered) {
		body, _, _ := strings.Cut(string(c.export["checkpoint"].Data), "\n\n")
		c.checkpoint([]byte(body+"\n\n"), audit.ErrMalformed)
	}},

	// The log is rewritten.
	{"rewritten, and signed with another key", func(c *tampered) {
		l, _ := c.rewritten()
		c.export, c.err = c.signedBy(l, 2), audit.ErrSignature
	}},
	{"rewritten, under the old checkpoint", func(c *tampered) {
		l, _ := c.rewritten()
		c.export = c.signedBy(l, 1)
		c.checkpoint(c.signed(c.t), audit.ErrBroken)
	}},
	{"rewritten and signed, and somebody kept a checkpoint", func(c *tampered) {
		l, i := c.rewritten()
		size := i + 1 + c.rnd.IntN(len(c.lines)-i)
		c.export, c.kept, c.err = c.signedBy(l, 1), [][]byte{c.testLog.at(size).signed(c.t)}, audit.ErrForked
	}},
	{"one log for each of two auditors", func(c *tampered) {
		l, i := c.rewritten()
		both := max(i+1, len(c.lines)-c.rnd.IntN(9))
		c.export, c.kept, c.err = c.signedBy(l, 1), [][]byte{c.testLog.at(i).signed(c.t), c.testLog.at(both).signed(c.t)}, audit.ErrForked
	}},
	{"an old state of it, and somebody kept a checkpoint", func(c *tampered) {
		past := c.past()
		c.export, c.kept, c.err = c.signedBy(past, 1), [][]byte{c.signed(c.t)}, audit.ErrRolledBack
	}},
	{"an old state of it that went on", func(c *tampered) {
		past := c.past()
		for i := len(past.lines); i < len(c.lines)+5; i++ {
			past.append(forge(c.lines[i%len(c.lines)]))
		}
		c.export, c.kept, c.err = c.signedBy(past, 1), [][]byte{c.signed(c.t)}, audit.ErrForked
	}},
	{"a kept checkpoint that was changed", func(c *tampered) {
		past := c.past()
		size := fmt.Sprintf("\n%d\n", len(past.lines))
		c.kept = [][]byte{bytes.Replace(past.signed(c.t), []byte(size), []byte("\n1"+size[1:]), 1)}
		c.err = audit.ErrSignature
	}},
}
