-- +goose Up

-- Why:   entries of all logs lay in the same partitions, so that whoever removed
--        the old lines of one log removed those of all. Each log has partitions
--        of its own from here on. What was removed, rightly or as evidence, has
--        a place to be said.
-- Locks: the table of entries, for as long as its rows are copied: stop the
--        servers.
-- Takes: about five seconds for each million entries, and their room on disk once
--        more until it is done.

ALTER TABLE cpis.entry RENAME TO entry_before;
ALTER TABLE cpis.entry_before RENAME CONSTRAINT entry_pkey TO entry_before_pkey;

-- The entries, byte for byte as they were hashed. Indexes are dense and in
-- order of commit, because the head is moved in the same transaction. For each
-- log there is a partition, entry_l1 and so on, which has partitions of 2^26
-- entries, entry_l1_p0000 and so on.
CREATE TABLE cpis.entry (
    log     smallint NOT NULL,
    idx     bigint NOT NULL,
    line    bytea NOT NULL,
    subject bytea,  -- tag of the person the entry is about; what the line says, or a lie
    PRIMARY KEY (log, idx),
    CHECK (idx >= 0 AND octet_length(line) > 0)
) PARTITION BY LIST (log);

-- +goose StatementBegin
DO $$
DECLARE
    l    record;
    last bigint;
BEGIN
    FOR l IN SELECT h.log, h.size FROM cpis.log_head AS h ORDER BY h.log LOOP
        EXECUTE format('CREATE TABLE cpis.entry_l%s PARTITION OF cpis.entry FOR VALUES IN (%s) PARTITION BY RANGE (idx)', l.log, l.log);
        SELECT greatest(l.size, coalesce(max(e.idx), 0)) INTO last FROM cpis.entry_before AS e WHERE e.log = l.log;
        FOR i IN 0..(last >> 26)::int LOOP
            EXECUTE format(
                'CREATE TABLE cpis.entry_l%s_p%s PARTITION OF cpis.entry_l%s FOR VALUES FROM (%s) TO (%s)',
                l.log, to_char(i, 'FM0000'), l.log, i::bigint << 26, (i + 1)::bigint << 26
            );
        END LOOP;
    END LOOP;
END
$$;
-- +goose StatementEnd

INSERT INTO cpis.entry (log, idx, line, subject)
SELECT log, idx, line, subject
FROM cpis.entry_before
ORDER BY log, idx;

DROP TABLE cpis.entry_before;

-- What was removed of a log because it was old enough: the lines before an
-- index. The entry says so too, and is signed before anything is removed.
CREATE TABLE cpis.retention (
    log      smallint    NOT NULL REFERENCES cpis.log,
    first    bigint      NOT NULL CHECK (first > 0),
    entry    bigint      NOT NULL CHECK (entry >= first),
    before   timestamptz NOT NULL, -- all that was removed had been signed by then
    reason   text        NOT NULL,
    operator text        NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (log, first)
);

-- What was found in a log's tables and is none of it: kept, because it is
-- evidence.
CREATE TABLE cpis.set_aside (
    id       uuid        PRIMARY KEY,
    log      smallint    NOT NULL REFERENCES cpis.log,
    kind     text        NOT NULL CHECK (kind IN ('entry', 'checkpoint', 'tile')),
    level    smallint    NOT NULL, -- of a tile
    idx      bigint      NOT NULL, -- of an entry or tile; size of a checkpoint
    content  bytea       NOT NULL,
    reason   text        NOT NULL,
    operator text        NOT NULL,
    at       timestamptz NOT NULL
);

GRANT SELECT, INSERT ON cpis.entry TO cpis_app;
GRANT SELECT ON cpis.entry, cpis.retention TO cpis_auditor;
GRANT SELECT ON cpis.retention TO cpis_app;
-- Only an auditor's export reads it; and, to know the schema, which one it is.
GRANT SELECT ON cpis.set_aside, cpis.schema_version TO cpis_auditor;
