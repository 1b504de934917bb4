-- +goose Up

-- Why:   files of plans wait for approval. What was sent, and what the check
--        says about each row, is sealed under a key of the upload's own; when
--        the key is forgotten, so are both.
-- Locks: none that anybody waits for; all tables are new.
-- Takes: milliseconds.

CREATE TABLE cpis.upload (
    id          uuid PRIMARY KEY,
    authority   text NOT NULL REFERENCES cpis.authority,
    version     integer NOT NULL CHECK (version > 0),
    state       text NOT NULL CHECK (state IN (
        'receiving', 'received', 'checked', 'waiting', 'applying', 'applied', 'rejected', 'cancelled'
    )),
    format      text NOT NULL CHECK (format IN ('csv', 'ssd')),
    extent      text NOT NULL CHECK (extent IN ('delta', 'whole')),
    sequence    bigint NOT NULL CHECK (sequence >= 0),  -- 0: none
    digest      bytea NOT NULL DEFAULT '',              -- keyed hash of the file, once it is received
    size        bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
    wrapped_key text NOT NULL,                          -- empty once forgotten
    sealed      bytea NOT NULL,                         -- who sent and decided, what is wrong, what it would do
    counts      jsonb NOT NULL DEFAULT '{}',            -- numbers only
    sent_at     timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    lease_until timestamptz                             -- while a server works on it
);

CREATE INDEX upload_authority ON cpis.upload (authority, id);
CREATE INDEX upload_busy ON cpis.upload (lease_until) WHERE state IN ('receiving', 'received', 'applying');
CREATE INDEX upload_kept ON cpis.upload (changed_at) WHERE wrapped_key <> '';
-- A running number is applied once.
CREATE UNIQUE INDEX upload_sequence ON cpis.upload (authority, sequence) WHERE sequence > 0 AND state IN ('applying', 'applied');

-- The file as it was sent, in pieces.
CREATE TABLE cpis.upload_part (
    upload_id uuid NOT NULL REFERENCES cpis.upload,
    n         integer NOT NULL CHECK (n >= 0),
    sealed    bytea NOT NULL,
    PRIMARY KEY (upload_id, n)
);

-- What one run of the check, or applying it, says about the rows, some hundred
-- together. Which run counts, the upload says.
CREATE TABLE cpis.upload_rows (
    upload_id uuid NOT NULL REFERENCES cpis.upload,
    run       uuid NOT NULL,
    n         integer NOT NULL CHECK (n >= 0),
    sealed    bytea NOT NULL,
    PRIMARY KEY (upload_id, run, n)
);

-- When files of systems are approved by themselves. Versions stay.
CREATE TABLE cpis.upload_rules (
    authority            text NOT NULL REFERENCES cpis.authority,
    version              integer NOT NULL CHECK (version > 0),
    approve_systems      boolean NOT NULL,
    max_new              integer NOT NULL CHECK (max_new >= 0),
    max_changed          integer NOT NULL CHECK (max_changed >= 0),
    max_ending           integer NOT NULL CHECK (max_ending >= 0),
    max_rejected_percent integer NOT NULL CHECK (max_rejected_percent BETWEEN 0 AND 100),
    brake_percent        integer NOT NULL CHECK (brake_percent BETWEEN 0 AND 100),
    made_by              text NOT NULL,
    made_at              timestamptz NOT NULL,
    PRIMARY KEY (authority, version)
);

-- Files that did not arrive whole are deleted; all others stay, when what they
-- hold is forgotten.
GRANT SELECT, INSERT, DELETE, UPDATE (version, state, digest, size, wrapped_key, sealed, counts, changed_at, lease_until)
    ON cpis.upload TO cpis_app;
GRANT SELECT, INSERT, DELETE ON cpis.upload_part, cpis.upload_rows TO cpis_app;
GRANT SELECT, INSERT ON cpis.upload_rules TO cpis_app;
