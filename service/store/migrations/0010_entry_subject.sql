-- +goose Up

-- Why:   nothing looks entries up by whom they are about, yet every append
--        wrote to a random page of this index: a tenth of what an append costs,
--        more on a long log, and it grew with the log. Reports by person will
--        have an index of their own, made outside of the append.
-- Locks: the table of entries, for milliseconds, as soon as no statement uses
--        it: what comes after waits as long as what came before.
-- Takes: milliseconds.

DROP INDEX cpis.entry_subject;
