-- +goose Up

-- Why:   reviews of break-glass are closed through the service, with words that
--        are sealed. What is known of who looked at a restricted child is told
--        to nobody outside before two privacy officers released it. Index keys
--        are kept when they retire, because entries that were made under them
--        stay in the log, and reports must find them.
-- Locks: reviews, for milliseconds.
-- Takes: milliseconds.

ALTER TABLE cpis.review ADD COLUMN closing bytea; -- what was found, in words: sealed under the row's key

GRANT UPDATE (closing) ON cpis.review TO cpis_app;

-- A key from before this migration is gone: what was looked up under it is found
-- by its subject alone.
CREATE TABLE cpis.former_index_key (
    version    integer PRIMARY KEY CHECK (version > 0),
    wrapped    text        NOT NULL CHECK (wrapped <> ''),
    created_at timestamptz NOT NULL,
    retired_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE (wrapped) ON cpis.former_index_key TO cpis_app;

-- What two privacy officers of an organisation let be told of a restricted child.
CREATE TABLE cpis.release (
    id              uuid PRIMARY KEY,
    organisation    text        NOT NULL,
    subject         bytea       NOT NULL,   -- the child's tag when it was proposed
    state           text        NOT NULL CHECK (state IN ('open', 'accepted', 'declined', 'withdrawn')),
    proposed_by     text        NOT NULL,
    proposed_issuer text        NOT NULL,
    proposed_at     timestamptz NOT NULL,
    proposed        bytea       NOT NULL,   -- who the child is, and why: sealed under the row's key
    decided_by      text,
    decided_issuer  text        NOT NULL DEFAULT '',
    decided_at      timestamptz,
    decided         bytea,                  -- why: sealed likewise
    wrapped_key     text        NOT NULL,
    mac             bytea       CHECK (mac IS NOT NULL),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    CHECK ((decided_at IS NULL) = (decided IS NULL)),
    -- Nobody releases alone, whatever the program does.
    CONSTRAINT release_two CHECK (
        state <> 'accepted' OR lower(btrim(decided_by)) <> lower(btrim(proposed_by)) OR decided_issuer <> proposed_issuer)
);

CREATE INDEX release_organisation ON cpis.release (organisation, id);
CREATE INDEX release_subject ON cpis.release (subject);

GRANT SELECT, INSERT, UPDATE (state, decided_by, decided_issuer, decided_at, decided, wrapped_key, mac) ON cpis.release TO cpis_app;
