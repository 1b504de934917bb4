-- +goose Up

-- Why:   "who looked, and why" is asked by child, by person, by organisation and
--        by period, and the log has no index but its own order: finding entries
--        by what they say would read all of it. The index is derived from the
--        lines alone, by a worker some seconds behind, so that no append waits
--        for it. It can be thrown away and made again.
-- Locks: the tables of logs and of reviews, for milliseconds.
-- Takes: milliseconds. Servers then index what the log holds, some 10,000
--        entries a second.

CREATE TABLE cpis.entry_index (
    log          smallint    NOT NULL,
    idx          bigint      NOT NULL,
    at           timestamptz NOT NULL,
    subject      bytea,                  -- the tag, as the line has it
    request      uuid,
    actor        text        NOT NULL,
    organisation text        NOT NULL,
    role         text        NOT NULL,
    action       text        NOT NULL,
    mode         text        NOT NULL,
    purpose      text        NOT NULL,
    outcome      text        NOT NULL,
    topic        text        NOT NULL,   -- what kind of action it is
    refused      boolean     NOT NULL,
    break_glass  boolean     NOT NULL,
    restricted   boolean     NOT NULL,
    encounter    boolean     NOT NULL,
    out_of_hours boolean     NOT NULL,
    PRIMARY KEY (log, idx)
);

CREATE INDEX entry_index_at ON cpis.entry_index (at, log, idx);
CREATE INDEX entry_index_subject ON cpis.entry_index (subject, at, log, idx) WHERE subject IS NOT NULL;
CREATE INDEX entry_index_actor ON cpis.entry_index (actor, at, log, idx);
CREATE INDEX entry_index_organisation ON cpis.entry_index (organisation, at, log, idx);
CREATE INDEX entry_index_request ON cpis.entry_index (request) WHERE request IS NOT NULL;
CREATE INDEX entry_index_topic ON cpis.entry_index (topic, at, log, idx) WHERE topic <> 'look_up' AND topic <> 'reading';
CREATE INDEX entry_index_refused ON cpis.entry_index (at, log, idx) WHERE refused;
CREATE INDEX entry_index_break_glass ON cpis.entry_index (at, log, idx) WHERE break_glass;
CREATE INDEX entry_index_restricted ON cpis.entry_index (subject) WHERE restricted;
CREATE INDEX entry_index_out_of_hours ON cpis.entry_index (at, log, idx) WHERE out_of_hours;
CREATE INDEX entry_index_no_encounter ON cpis.entry_index (at, log, idx) WHERE topic = 'look_up' AND NOT encounter;

GRANT SELECT, INSERT ON cpis.entry_index TO cpis_app;
GRANT SELECT ON cpis.entry_index TO cpis_auditor;

-- How far the index of each log has come, and how far it was compared again.
CREATE TABLE cpis.entry_index_state (
    log        smallint PRIMARY KEY REFERENCES cpis.log,
    next       bigint NOT NULL DEFAULT 0 CHECK (next >= 0),
    checked    bigint NOT NULL DEFAULT 0 CHECK (checked >= 0),
    damaged_at timestamptz               -- it was found to say something else than the log
);

GRANT SELECT, INSERT, UPDATE (next, checked, damaged_at) ON cpis.entry_index_state TO cpis_app;
GRANT SELECT ON cpis.entry_index_state TO cpis_auditor;

-- What was asked of the log, and why in words, which may name people: sealed
-- under a key of the row's own. The entry has the same request.
CREATE TABLE cpis.report (
    id           uuid PRIMARY KEY,
    request      uuid,
    organisation text        NOT NULL,
    at           timestamptz NOT NULL,
    wrapped_key  text        NOT NULL,
    sealed       bytea       NOT NULL
);

CREATE INDEX report_request ON cpis.report (request);

GRANT SELECT, INSERT, UPDATE (wrapped_key) ON cpis.report TO cpis_app;

-- Whether a look-up by break-glass was reviewed is asked by its entry.
CREATE INDEX review_entry ON cpis.review (log, entry);
