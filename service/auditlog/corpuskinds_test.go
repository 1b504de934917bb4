package auditlog_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"cpis/audit"
	"cpis/service/auditlog"
)

// databaseTamperings are what can be done to the tables of a log, each in one way
// that chance varies.
var databaseTamperings = []struct {
	name string
	do   func(c *tamperedLog)
}{
	// A signed line is another.
	{"a bit of a line is turned", func(c *tamperedLog) {
		at, bit := c.rnd.IntN(200), 1<<c.rnd.IntN(8)
		c.change(c.entryIn(0, tiled), fmt.Sprintf(`UPDATE cpis.entry SET line = set_byte(line, %[1]d, get_byte(line, %[1]d) # %[2]d) WHERE idx = %%d`, at, bit))
	}},
	{"a line of the tile that is not full", func(c *tamperedLog) {
		c.change(c.entryIn(tiled, signed), `UPDATE cpis.entry SET line = line || ' '::bytea WHERE idx = %d`)
		c.start = auditlog.ErrRolledBack
	}},
	{"a line is another entry's", func(c *tamperedLog) {
		c.change(c.entryIn(1, tiled), `UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = %d - 1) WHERE idx = %d`)
	}},
	{"an outcome is another", func(c *tamperedLog) {
		c.change(c.entryIn(0, tiled), `UPDATE cpis.entry SET line = replace(convert_from(line, 'UTF8'), 'no_flag_known', 'flag_held')::bytea WHERE idx = %d`)
	}},
	{"a line says the same in another way", func(c *tamperedLog) {
		c.change(c.entryIn(0, tiled), `UPDATE cpis.entry SET line = replace(convert_from(line, 'UTF8'), '","', '", "')::bytea WHERE idx = %d`)
	}},
	{"a line is cut off", func(c *tamperedLog) {
		c.change(c.entryIn(0, tiled), `UPDATE cpis.entry SET line = substring(line FROM 1 FOR length(line) / 2) WHERE idx = %d`)
	}},
	{"many lines are others", func(c *tamperedLog) {
		c.change(c.entryIn(0, tiled), `UPDATE cpis.entry SET line = line || ' '::bytea WHERE idx >= %d AND idx < 700`)
		c.start = auditlog.ErrRolledBack
	}},

	// Signed lines are gone.
	{"a line is gone", func(c *tamperedLog) { c.lose(c.entryIn(0, tiled), `DELETE FROM cpis.entry WHERE idx = %d`) }},
	{"a line of the tile that is not full is gone", func(c *tamperedLog) {
		c.lose(c.entryIn(tiled, signed), `DELETE FROM cpis.entry WHERE idx = %d`)
		c.start = auditlog.ErrRolledBack
	}},
	{"several lines are gone", func(c *tamperedLog) {
		c.lose(c.entryIn(1, tiled-41), `DELETE FROM cpis.entry WHERE idx BETWEEN %d AND %d + 40`)
	}},
	{"all that was signed after a line is gone", func(c *tamperedLog) {
		c.lose(c.entryIn(1, tiled), `DELETE FROM cpis.entry WHERE idx >= %d AND idx < 700`)
		c.start = auditlog.ErrRolledBack
	}},
	{"the oldest lines are gone", func(c *tamperedLog) {
		c.lose(0, fmt.Sprintf(`DELETE FROM cpis.entry WHERE idx <= %%d + %d`, c.rnd.IntN(tiled)))
	}},
	{"the oldest lines are gone, and are said to be removed", func(c *tamperedLog) {
		first := c.entryIn(1, tiled)
		c.lose(0, fmt.Sprintf(`DELETE FROM cpis.entry WHERE idx < %d;`, first))
		c.Exec(`INSERT INTO cpis.retention (log, first, entry, before, reason, operator, at) VALUES (1, $1, $2, now(), 'x', 'x', now())`, first, signed-1)
		c.found = fmt.Sprintf("entry %d does not say that lines before %d were removed", signed-1, first)
	}},

	// Signed lines stand elsewhere.
	{"two lines are swapped", func(c *tamperedLog) {
		other := c.entryIn(tiled, signed)
		c.change(c.entryIn(0, tiled), fmt.Sprintf(`UPDATE cpis.entry AS e SET line = o.line, subject = o.subject FROM cpis.entry AS o WHERE (e.idx, o.idx) IN ((%%d, %[1]d), (%[1]d, %%d))`, other))
		c.start = auditlog.ErrRolledBack
	}},
	{"a line is put in", func(c *tamperedLog) {
		c.change(c.entryIn(0, tiled), `
			UPDATE cpis.entry SET idx = idx + 100000 WHERE idx >= %d;
			UPDATE cpis.entry SET idx = idx - 99999 WHERE idx >= 100000;
			INSERT INTO cpis.entry SELECT log, %d, line || ' '::bytea, subject FROM cpis.entry WHERE idx = %d + 1;
			DELETE FROM cpis.entry WHERE idx >= 712`)
		c.signer, c.start = "entries do not add up to the head", auditlog.ErrRolledBack // those that are not signed have moved, too
	}},
	{"a line is gone, and the others have closed up", func(c *tamperedLog) {
		c.change(c.entryIn(0, tiled), `
			DELETE FROM cpis.entry WHERE idx = %d;
			UPDATE cpis.entry SET idx = idx + 100000 WHERE idx > %d;
			UPDATE cpis.entry SET idx = idx - 100001 WHERE idx >= 100000`)
		c.signer, c.start = "an entry is missing", auditlog.ErrRolledBack
	}},
	{"some lines are turned round", func(c *tamperedLog) {
		c.change(c.entryIn(0, tiled-10), `UPDATE cpis.entry AS e SET line = o.line, subject = o.subject FROM cpis.entry AS o WHERE e.idx BETWEEN %d AND %d + 9 AND o.idx = 2 * %d + 9 - e.idx`)
	}},

	// What stands beside a line is another.
	{"a subject is forgotten", func(c *tamperedLog) {
		i := c.entryIn(0, signed)
		c.Exec(`UPDATE cpis.entry SET subject = NULL WHERE idx = $1`, i)
		c.found, c.damage = fmt.Sprintf("entry %d stands under a subject", i), fmt.Sprintf("entry %d: it stands under", i)
	}},
	{"a subject is another", func(c *tamperedLog) {
		i := c.entryIn(0, signed)
		c.Exec(`UPDATE cpis.entry SET subject = sha256(subject) WHERE idx = $1`, i)
		c.found, c.damage = fmt.Sprintf("entry %d stands under a subject", i), fmt.Sprintf("entry %d: it stands under", i)
	}},

	// Hashes are others.
	{"a tile is another", func(c *tamperedLog) {
		i := c.rnd.IntN(2)
		c.Exec(`UPDATE cpis.tile SET hashes = set_byte(hashes, $2, get_byte(hashes, $2) # 1) WHERE level = 0 AND idx = $1`, i, c.rnd.IntN(audit.TileSize))
		c.found = audit.Tile{Index: int64(i), Width: audit.TileWidth}.Path()
		c.file = "tile/1/000.p/2" // which an export makes of it
	}},
	{"a tile is gone", func(c *tamperedLog) { // an export has it anew
		i := c.rnd.IntN(2)
		c.Exec(`DELETE FROM cpis.tile WHERE level = 0 AND idx = $1`, i)
		c.found, c.hidden = audit.Tile{Index: int64(i), Width: audit.TileWidth}.Path(), true
	}},
	{"tiles are swapped", func(c *tamperedLog) {
		c.Exec(`UPDATE cpis.tile AS t SET hashes = o.hashes FROM cpis.tile AS o WHERE t.level = 0 AND o.level = 0 AND t.idx + o.idx = 1`)
		c.file, c.found = "tile/1/000.p/2", "tile/0/000"
	}},
	{"a tile is there before its time", func(c *tamperedLog) {
		c.Exec(`INSERT INTO cpis.tile (log, level, idx, hashes) SELECT log, level, 2, hashes FROM cpis.tile WHERE idx = $1`, c.rnd.IntN(2))
		c.file = fmt.Sprintf("tile/0/002.p/%d", signed-tiled)
	}},
	{"a line and its leaf hash", func(c *tamperedLog) {
		i := c.entryIn(0, tiled)
		c.change(i, `
			UPDATE cpis.entry SET line = line || ' '::bytea WHERE idx = %d;
			UPDATE cpis.tile AS t SET hashes = overlay(t.hashes PLACING sha256('\x00'::bytea || e.line) FROM 32 * (%d % 256) + 1)
			FROM cpis.entry AS e WHERE e.idx = %d AND t.level = 0 AND t.idx = %d / 256`)
		c.found, c.start = fmt.Sprintf("entries %d to %d: not as signed", i/256*256, i/256*256+255), auditlog.ErrRolledBack
	}},

	// What is not signed yet is another.
	{"a line that is not signed yet is another", func(c *tamperedLog) {
		c.Exec(`UPDATE cpis.entry SET line = line || ' '::bytea WHERE idx = $1`, c.entryIn(signed, grown))
		c.signer, c.hidden = "entries do not add up to the head", true
	}},
	{"a line that is not signed yet is gone", func(c *tamperedLog) {
		c.Exec(`DELETE FROM cpis.entry WHERE idx = $1`, c.entryIn(signed, grown))
		c.signer, c.hidden = "an entry is missing", true
	}},
	{"lines that are not signed yet are swapped", func(c *tamperedLog) {
		i := c.entryIn(signed, grown-1)
		c.Exec(fmt.Sprintf(`UPDATE cpis.entry AS e SET line = o.line, subject = o.subject FROM cpis.entry AS o WHERE (e.idx, o.idx) IN ((%[1]d, %[2]d), (%[2]d, %[1]d))`, i, i+1))
		c.signer, c.hidden = "entries do not add up to the head", true
	}},
	{"an entry stands where the next one belongs", func(c *tamperedLog) {
		c.Exec(`INSERT INTO cpis.entry (log, idx, line) SELECT log, size + $1, 'planted' FROM cpis.log_head`, c.rnd.IntN(9))
		c.signer, c.damage = "stands where the log has not come to", "it stands where the log has not come to"
	}},

	// The head is another.
	{"the root of the head", func(c *tamperedLog) {
		c.Exec(`UPDATE cpis.log_head SET root = sha256(root)`)
		c.signer, c.damage, c.start = "the head is not that of any log", "head: what stands there", audit.ErrMalformed
	}},
	{"another tree in the head", func(c *tamperedLog) {
		c.rewriteHead()
		c.signer, c.hidden = "entries do not add up to the head", true
	}},
	{"the head set back", func(c *tamperedLog) {
		c.Exec(`UPDATE cpis.log_head AS h SET size = c.size, frontier = c.frontier, root = c.root FROM cpis.checkpoint AS c WHERE c.size = $1`, []int{300, 560}[c.rnd.IntN(2)])
		c.signer, c.damage, c.start = "log is shorter than its checkpoint", "it stands where the log has not come to", auditlog.ErrRolledBack
	}},

	// The checkpoint is another.
	{"a note that is none", func(c *tamperedLog) {
		c.Exec(`UPDATE cpis.checkpoint SET note = repeat('x', $1) WHERE size = 700`, 1+c.rnd.IntN(500))
		c.signer, c.err = "checkpoint of 700 entries does not verify", audit.ErrRolledBack
	}},
	{"another tree beside a note", func(c *tamperedLog) {
		c.Exec(`UPDATE cpis.checkpoint SET frontier = overlay(frontier PLACING sha256(frontier) FROM 1) WHERE size = 700`)
		c.signer, c.err = "checkpoint of 700 entries speaks of another tree", audit.ErrRolledBack
	}},
	{"the checkpoint is gone", func(c *tamperedLog) {
		c.Exec(`DELETE FROM cpis.checkpoint WHERE size = 700`)
		c.signer, c.err = "log was rolled back behind a checkpoint", audit.ErrRolledBack
	}},
	{"all checkpoints are gone", func(c *tamperedLog) {
		c.Exec(`DELETE FROM cpis.checkpoint`)
		c.signer, c.damage = "log was rolled back behind a checkpoint", "no checkpoint"
	}},

	// The log is rewritten.
	{"a stolen database, signed again without Vault", func(c *tamperedLog) {
		thief := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(c.rnd.IntN(256))}, ed25519.SeedSize))
		c.rewrite(c.entryIn(0, signed), thief)
		c.signer, c.err, c.start = "checkpoint of 700 entries does not verify", audit.ErrBroken, auditlog.ErrRolledBack
	}},
	{"a log rewritten under its old signature", func(c *tamperedLog) {
		c.rewrite(c.entryIn(0, signed), nil)
		c.signer, c.err, c.start = "checkpoint of 700 entries speaks of another tree", audit.ErrBroken, auditlog.ErrRolledBack
	}},
	{"an old backup restored", func(c *tamperedLog) {
		c.rollBack([]int{300, 560}[c.rnd.IntN(2)])
		c.signer, c.err, c.start = "log was rolled back behind a checkpoint", audit.ErrRolledBack, auditlog.ErrRolledBack
	}},
	{"an old backup restored and continued for a while", func(c *tamperedLog) {
		c.rollBack(560)
		c.goOn(1 + c.rnd.IntN(100))
		c.signer, c.err, c.start = "log was rolled back behind a checkpoint", audit.ErrRolledBack, auditlog.ErrRolledBack
	}},
	{"an old backup restored and continued beyond, shown to another auditor", func(c *tamperedLog) {
		c.rollBack(560)
		c.goOn(signed - 560 + c.rnd.IntN(9))
		c.signer, c.err, c.start = "entries do not add up to the head", audit.ErrForked, auditlog.ErrRolledBack
	}},
}

// rewriteHead puts the head of another log of the same size in the place of the
// log's own.
func (c *tamperedLog) rewriteHead() {
	var tree audit.Tree
	for i, leaf := range c.leaves {
		if i == grown-1 {
			leaf = audit.LeafHash([]byte("another"))
		}
		tree.Append(leaf)
	}
	root := tree.Root()
	c.Exec(`UPDATE cpis.log_head SET frontier = $1, root = $2`, tree.AppendFrontier(nil), root[:])
}
