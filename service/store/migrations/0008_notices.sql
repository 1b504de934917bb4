-- +goose Up

-- Why:   notices reach people: an inbox with what was done about each, channels
--        on which they are sent on, and marks on accesses that were of the wrong
--        patient.
-- Locks: the table of notices, for milliseconds: no row is rewritten.
-- Takes: milliseconds, and a second for each million notices to build an index.

-- Some notices are about nobody: a file that waits, numbers to confirm. What is
-- personal is sealed under the person's key.
ALTER TABLE cpis.notice
    ALTER COLUMN person_id DROP NOT NULL,
    ADD COLUMN sealed      bytea,                       -- who asked or reported, and what they said
    ADD COLUMN corrects    uuid,                        -- the notice that was wrong
    ADD COLUMN reference   text NOT NULL DEFAULT '',    -- a transfer, proposal or upload
    ADD COLUMN version     integer NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN assigned_to text NOT NULL DEFAULT '',
    ADD COLUMN undelivered boolean NOT NULL DEFAULT false;

-- Entries are dense and in order of commit, so a reader that goes on from the
-- last place it saw misses nothing.
CREATE INDEX notice_order ON cpis.notice (authority, log, entry, id);
CREATE UNIQUE INDEX notice_corrects ON cpis.notice (corrects) WHERE corrects IS NOT NULL;

GRANT UPDATE (version, acknowledged_at, assigned_to, undelivered) ON cpis.notice TO cpis_app;

-- Notices and accesses stay with whom they were made about, also where two
-- records were joined. These lead from one record to the other.
CREATE INDEX proposal_merged_from ON cpis.proposal (from_id) WHERE kind = 'merge' AND state = 'accepted';
CREATE INDEX proposal_merged_into ON cpis.proposal (person_id) WHERE kind = 'merge' AND state = 'accepted';

-- What was done with a notice. Nothing is overwritten.
CREATE TABLE cpis.notice_act (
    notice_id   uuid NOT NULL REFERENCES cpis.notice,
    version     integer NOT NULL CHECK (version > 1),   -- of the notice, that it made
    act         text NOT NULL CHECK (act IN ('acknowledge', 'assign')),
    outcome     text NOT NULL DEFAULT '',
    assigned_to text NOT NULL DEFAULT '',
    actor       text NOT NULL,
    at          timestamptz NOT NULL,
    sealed      bytea,                                  -- name, and in words, under the person's key
    PRIMARY KEY (notice_id, version)
);

GRANT SELECT, INSERT ON cpis.notice_act TO cpis_app;

-- Where notices are sent on to. The address and its secrets are sealed under a
-- key of the channel's own.
CREATE TABLE cpis.channel (
    id          uuid PRIMARY KEY,
    authority   text NOT NULL REFERENCES cpis.authority,
    version     integer NOT NULL CHECK (version > 0),
    rank        smallint NOT NULL CHECK (rank BETWEEN 1 AND 9),
    kind        text NOT NULL CHECK (kind IN ('webhook', 'mesh')),
    paused      boolean NOT NULL,
    wrapped_key text NOT NULL,
    sealed      bytea NOT NULL,
    made_at     timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    removed_at  timestamptz,
    failures    integer NOT NULL DEFAULT 0 CHECK (failures >= 0), -- rounds in a row in which nothing was delivered
    failed_at   timestamptz,                            -- the last of them
    rests_until timestamptz                             -- nothing is tried before
);

CREATE UNIQUE INDEX channel_rank ON cpis.channel (authority, rank) WHERE removed_at IS NULL;

GRANT SELECT, INSERT, UPDATE (version, rank, paused, wrapped_key, sealed, changed_at, removed_at, failures, failed_at, rests_until)
    ON cpis.channel TO cpis_app;

-- How far the notices of an authority have been given to its channels, for each
-- log.
CREATE TABLE cpis.dispatched (
    authority text NOT NULL REFERENCES cpis.authority,
    log       smallint NOT NULL REFERENCES cpis.log,
    entry     bigint NOT NULL,
    PRIMARY KEY (authority, log)
);

GRANT SELECT, INSERT, UPDATE (entry) ON cpis.dispatched TO cpis_app;

-- A notice on a channel. Of one person's the earliest that is pending goes
-- first; who delivers holds a lease.
CREATE TABLE cpis.delivery (
    channel_id uuid NOT NULL REFERENCES cpis.channel,
    notice_id  uuid NOT NULL REFERENCES cpis.notice,
    person_id  uuid,                                    -- as in the notice
    log        smallint NOT NULL,
    entry      bigint NOT NULL,                         -- likewise: the order
    state      text NOT NULL CHECK (state IN ('pending', 'delivered', 'undelivered')),
    attempts   integer NOT NULL DEFAULT 0,
    first_at   timestamptz NOT NULL,                    -- from then on it is tried for three days
    due_at     timestamptz NOT NULL,                    -- next attempt, or end of the lease
    last_at    timestamptz,
    failure    text NOT NULL DEFAULT '',                -- a word
    PRIMARY KEY (channel_id, notice_id)
);

CREATE INDEX delivery_due ON cpis.delivery (channel_id, due_at, log, entry, notice_id) WHERE state = 'pending';
CREATE INDEX delivery_first ON cpis.delivery (channel_id, first_at) WHERE state = 'pending';
CREATE INDEX delivery_undelivered ON cpis.delivery (channel_id) WHERE state = 'undelivered';
CREATE INDEX delivery_person ON cpis.delivery (channel_id, person_id, log, entry) WHERE state = 'pending';
CREATE INDEX delivery_notice ON cpis.delivery (notice_id);

GRANT SELECT, INSERT, UPDATE (state, attempts, first_at, due_at, last_at, failure) ON cpis.delivery TO cpis_app;

-- Accesses that were reported to be of the wrong patient. Nothing is deleted.
CREATE TABLE cpis.access_mark (
    access_id uuid PRIMARY KEY REFERENCES cpis.access,
    at        timestamptz NOT NULL
);

GRANT SELECT, INSERT ON cpis.access_mark TO cpis_app;
