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
    digest      bytea,                                  -- keyed hash of the file
    size        bigint NOT NULL DEFAULT 0,
    wrapped_key text NOT NULL,                          -- empty once forgotten
    sealed      bytea NOT NULL,                         -- who sent and decided, and what is wrong
    counts      jsonb NOT NULL DEFAULT '{}',            -- numbers only
    preview     bytea,                                  -- keyed hash of all that it would do
    sent_at     timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    lease_until timestamptz                             -- while a server works on it
);

CREATE INDEX upload_authority ON cpis.upload (authority, id);
CREATE INDEX upload_busy ON cpis.upload (lease_until) WHERE state IN ('receiving', 'received', 'applying');
CREATE UNIQUE INDEX upload_sequence ON cpis.upload (authority, sequence) WHERE sequence > 0 AND state IN ('applying', 'applied');

-- The file as it was sent, in pieces.
CREATE TABLE cpis.upload_part (
    upload_id uuid NOT NULL REFERENCES cpis.upload,
    n         integer NOT NULL CHECK (n >= 0),
    sealed    bytea NOT NULL,
    PRIMARY KEY (upload_id, n)
);

-- What the check says about the rows, some hundred together.
CREATE TABLE cpis.upload_rows (
    upload_id uuid NOT NULL REFERENCES cpis.upload,
    n         integer NOT NULL CHECK (n >= 0),
    sealed    bytea NOT NULL,
    PRIMARY KEY (upload_id, n)
);

-- When files of systems are approved by themselves. Versions stay.
CREATE TABLE cpis.upload_rules (
    authority            text NOT NULL REFERENCES cpis.authority,
    version              integer NOT NULL CHECK (version > 0),
    approve_systems      boolean NOT NULL,
    max_new              integer NOT NULL,
    max_changed          integer NOT NULL,
    max_ending           integer NOT NULL,
    max_rejected_percent integer NOT NULL,
    brake_percent        integer NOT NULL,
    made_by              text NOT NULL,
    made_at              timestamptz NOT NULL,
    PRIMARY KEY (authority, version)
);

GRANT SELECT, INSERT, UPDATE (version, state, digest, size, wrapped_key, sealed, counts, preview, changed_at, lease_until)
    ON cpis.upload TO cpis_app;
GRANT SELECT, INSERT, DELETE ON cpis.upload_part, cpis.upload_rows TO cpis_app;
GRANT SELECT, INSERT ON cpis.upload_rules TO cpis_app;
