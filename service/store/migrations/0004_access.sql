-- +goose Up

-- Why:   what a look-up of a flagged person leaves behind beside its entry:
--        the history, the notice to the authority, and the break-glass queue.
--        They are inserted by the statement that appends the entries, with the
--        head of the log in hand, so they carry no foreign keys: checking one
--        would lock the person for every look-up of it.
-- Locks: none that anybody waits for; all tables are new.
-- Takes: milliseconds.

-- The history: unscheduled accesses to a person's flag.
CREATE TABLE cpis.access (
    id           uuid PRIMARY KEY,
    person_id    uuid NOT NULL,
    at           timestamptz NOT NULL,
    organisation text NOT NULL,
    setting      text NOT NULL,
    encounter    bytea,  -- keyed hash
    sealed       bytea,  -- who it was, under the person's key
    log          smallint NOT NULL,
    entry        bigint NOT NULL
);

CREATE INDEX access_person ON cpis.access (person_id, at DESC, id DESC);
CREATE INDEX access_encounter ON cpis.access (person_id, encounter) WHERE encounter IS NOT NULL;

-- Notices to authorities.
CREATE TABLE cpis.notice (
    id           uuid PRIMARY KEY,
    authority    text NOT NULL,
    person_id    uuid NOT NULL,
    kind         text NOT NULL CHECK (kind <> ''),
    priority     boolean NOT NULL,
    at           timestamptz NOT NULL,
    organisation text NOT NULL,
    setting      text NOT NULL,
    encounter    bytea,
    log          smallint NOT NULL,
    entry        bigint NOT NULL
);

CREATE INDEX notice_inbox ON cpis.notice (authority, at DESC, id DESC);
CREATE INDEX notice_person ON cpis.notice (person_id, at DESC);
CREATE INDEX notice_encounter ON cpis.notice (person_id, encounter) WHERE encounter IS NOT NULL;

-- Break-glass accesses, for the privacy officer of the caller's organisation.
-- The reason is sealed under a key of its own. Nobody closes their own.
CREATE TABLE cpis.review (
    id           uuid PRIMARY KEY,
    organisation text NOT NULL,
    actor        text NOT NULL,
    at           timestamptz NOT NULL,
    person_id    uuid,
    sealed       bytea NOT NULL,
    wrapped_key  text NOT NULL,
    log          smallint NOT NULL,
    entry        bigint NOT NULL,
    closed_at    timestamptz,
    closed_by    text,
    outcome      text NOT NULL DEFAULT '',
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CHECK (closed_by <> actor)
);

CREATE INDEX review_open ON cpis.review (organisation, at, id) WHERE closed_at IS NULL;

GRANT SELECT, INSERT ON cpis.access, cpis.notice TO cpis_app;
GRANT SELECT, INSERT, UPDATE (wrapped_key, closed_at, closed_by, outcome) ON cpis.review TO cpis_app;
