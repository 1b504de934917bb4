-- +goose Up

-- Why:   the audit log: entries, the head that an append moves, tiles of
--        hashes and signed checkpoints. The service may add and read, never
--        change or remove; that is granted, not triggered, so that it holds on
--        every PostgreSQL there is.
-- Locks: none that anybody waits for; all tables are new.
-- Takes: milliseconds.

-- An installation may run several logs. Each has an origin, the name that its
-- checkpoints are signed for.
CREATE TABLE cpis.log (
    id     smallint PRIMARY KEY CHECK (id > 0),
    origin text NOT NULL UNIQUE CHECK (origin <> '')
);

-- The state of each log's Merkle tree: its size, the roots of the perfect
-- subtrees it is made of (one for each bit set in the size) and its root hash.
-- Every append updates this one row. A nearly empty page keeps its versions on
-- one page, where they are cleaned up on the way; hashes do not compress.
CREATE TABLE cpis.log_head (
    log      smallint PRIMARY KEY REFERENCES cpis.log,
    size     bigint NOT NULL CHECK (size >= 0),
    frontier bytea NOT NULL,
    root     bytea NOT NULL CHECK (octet_length(root) = 32),
    CHECK (octet_length(frontier) = 32 * bit_count(size::bit(64)))
) WITH (fillfactor = 10);

ALTER TABLE cpis.log_head
    ALTER COLUMN frontier SET STORAGE PLAIN,
    ALTER COLUMN root SET STORAGE PLAIN;

-- The entries, byte for byte as they were hashed. Indexes are dense and in
-- order of commit, because the head is moved in the same transaction.
CREATE TABLE cpis.entry (
    log     smallint NOT NULL,
    idx     bigint NOT NULL,
    line    bytea NOT NULL,
    subject bytea,  -- tag of the person the entry is about, for access reports
    PRIMARY KEY (log, idx),
    CHECK (idx >= 0 AND octet_length(line) > 0)
) PARTITION BY RANGE (idx);

CREATE INDEX entry_subject ON cpis.entry (subject) WHERE subject IS NOT NULL;

-- Partitions of 2^26 entries (about 30 GB). These last for a thousand million
-- entries; more are made ahead of need whenever migrations run.
-- +goose StatementBegin
DO $$
BEGIN
    FOR i IN 0..15 LOOP
        EXECUTE format(
            'CREATE TABLE cpis.entry_p%s PARTITION OF cpis.entry FOR VALUES FROM (%s) TO (%s)',
            to_char(i, 'FM0000'), i::bigint << 26, (i + 1)::bigint << 26
        );
    END LOOP;
END
$$;
-- +goose StatementEnd

-- Full tiles of 256 hashes. They are derived from the entries and can be made
-- again; they serve proofs, and outlive lines that retention has removed.
CREATE TABLE cpis.tile (
    log    smallint NOT NULL REFERENCES cpis.log,
    level  smallint NOT NULL CHECK (level BETWEEN 0 AND 63),
    idx    bigint NOT NULL CHECK (idx >= 0),
    hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192),
    PRIMARY KEY (log, level, idx)
);

ALTER TABLE cpis.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Signed statements of a log's size and root, as published. The frontier lets
-- the next one be proved to continue from it.
CREATE TABLE cpis.checkpoint (
    log      smallint NOT NULL REFERENCES cpis.log,
    size     bigint NOT NULL CHECK (size >= 0),
    root     bytea NOT NULL CHECK (octet_length(root) = 32),
    frontier bytea NOT NULL,
    note     text NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (log, size),
    CHECK (octet_length(frontier) = 32 * bit_count(size::bit(64)))
);

GRANT SELECT ON cpis.log TO cpis_app, cpis_auditor;
GRANT SELECT, UPDATE (size, frontier, root) ON cpis.log_head TO cpis_app;
GRANT SELECT, INSERT ON cpis.entry, cpis.tile, cpis.checkpoint TO cpis_app;
GRANT SELECT ON cpis.log_head, cpis.entry, cpis.tile, cpis.checkpoint TO cpis_auditor;
