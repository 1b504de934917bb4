-- +goose Up

-- Why:   a report leaves the service as a file, which is made once, in the
--        background, and kept for some days for whoever asked for it. What was
--        asked, and the file, are sealed under a key of the export's own; when
--        the row goes, so do both.
-- Locks: none that anybody waits for; all tables are new.
-- Takes: milliseconds.

CREATE TABLE cpis.export (
    id           uuid PRIMARY KEY,
    organisation text        NOT NULL,                       -- of whoever asked
    owner        bytea       NOT NULL,                       -- keyed hash of whoever asked
    state        text        NOT NULL CHECK (state IN ('making', 'ready', 'failed')),
    attempt      integer     NOT NULL CHECK (attempt >= 0),  -- pieces of others are none of the file
    entries      bigint      NOT NULL CHECK (entries >= 0),
    size         bigint      NOT NULL CHECK (size >= 0),     -- of the file, once it is ready
    asked_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    done         bigint      NOT NULL DEFAULT 0,             -- how far the attempt is, of how much
    work         bigint      NOT NULL DEFAULT 0,
    lease_until  timestamptz,                                -- while a server works on it
    wrapped_key  text        NOT NULL,
    sealed       bytea       NOT NULL,
    mac          bytea       CONSTRAINT export_mac_check CHECK (mac IS NOT NULL)
);

CREATE INDEX export_owner ON cpis.export (owner, id);
CREATE INDEX export_due ON cpis.export (lease_until) WHERE state = 'making';
CREATE INDEX export_expires ON cpis.export (expires_at);

GRANT SELECT, INSERT, DELETE, UPDATE (state, attempt, entries, size, done, work, lease_until, wrapped_key, mac) ON cpis.export TO cpis_app;

-- The file in pieces, and what is needed until it is made.
CREATE TABLE cpis.export_part (
    export_id uuid     NOT NULL REFERENCES cpis.export,
    attempt   integer  NOT NULL,
    stream    smallint NOT NULL CHECK (stream >= 0),         -- 0: the file
    n         integer  NOT NULL CHECK (n >= 0),
    sealed    bytea    NOT NULL,
    PRIMARY KEY (export_id, attempt, stream, n)
);

-- What is sealed cannot be compressed: it is not tried.
ALTER TABLE cpis.export_part ALTER COLUMN sealed SET STORAGE EXTERNAL;

GRANT SELECT, INSERT, DELETE ON cpis.export_part TO cpis_app;
