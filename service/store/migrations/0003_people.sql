-- +goose Up

-- Why:   the people who have plans, and the plans. What is personal is sealed
--        before it comes here; a person is found by tag alone. Every change is
--        a version that stays.
-- Locks: none that anybody waits for; all tables are new.
-- Takes: milliseconds.

-- A person's current state. wrapped_key opens everything sealed about the
-- person; where it has been erased, nothing does any more, in no backup that
-- is made from then on.
CREATE TABLE cpis.person (
    id          uuid PRIMARY KEY,
    restricted  boolean NOT NULL,
    wrapped_key text NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    sealed      bytea NOT NULL,
    changed_at  timestamptz NOT NULL,
    erased_at   timestamptz,
    CHECK ((wrapped_key = '') = (erased_at IS NOT NULL))
);

-- A change is one transaction that made versions, and says which entries of
-- which log record it. It is written together with these entries, when their
-- indexes are known, so that nobody waits for the log's head while versions
-- are still being written.
CREATE TABLE cpis.change (
    id      uuid PRIMARY KEY,
    log     smallint NOT NULL REFERENCES cpis.log,
    entry   bigint NOT NULL CHECK (entry >= 0),   -- the first
    entries integer NOT NULL CHECK (entries > 0)
);

CREATE TABLE cpis.person_version (
    person_id  uuid NOT NULL REFERENCES cpis.person,
    version    integer NOT NULL CHECK (version > 0),
    restricted boolean NOT NULL,
    sealed     bytea NOT NULL,
    changed_at timestamptz NOT NULL,
    change_id  uuid NOT NULL,  -- no foreign key: the change is written last
    PRIMARY KEY (person_id, version)
);

-- The only way from an NHS number to a person: a keyed hash of it. Two for a
-- person while the index key rotates. A key that tags still need cannot go.
CREATE TABLE cpis.person_tag (
    tag           bytea NOT NULL CHECK (octet_length(tag) = 32),
    person_id     uuid NOT NULL REFERENCES cpis.person,
    index_version integer NOT NULL REFERENCES cpis.index_key,
    PRIMARY KEY (tag) INCLUDE (person_id),
    UNIQUE (person_id, index_version)
);

-- A plan's current state. The kind, the dates and the authority's own
-- reference are sealed; what a look-up must decide without opening it is not:
-- whose it is, until when it is visible, and whether it was an error.
CREATE TABLE cpis.plan (
    id            uuid PRIMARY KEY,
    person_id     uuid NOT NULL REFERENCES cpis.person,
    authority     text NOT NULL REFERENCES cpis.authority,
    version       integer NOT NULL CHECK (version > 0),
    visible_until date,  -- the last day; NULL while the plan runs
    removed       boolean NOT NULL,
    sealed        bytea NOT NULL,
    changed_at    timestamptz NOT NULL
);

CREATE INDEX plan_person ON cpis.plan (person_id);
CREATE INDEX plan_authority ON cpis.plan (authority, id);

CREATE TABLE cpis.plan_version (
    plan_id       uuid NOT NULL REFERENCES cpis.plan,
    version       integer NOT NULL CHECK (version > 0),
    visible_until date,
    removed       boolean NOT NULL,
    sealed        bytea NOT NULL,
    changed_at    timestamptz NOT NULL,
    change_id     uuid NOT NULL,  -- no foreign key: the change is written last
    PRIMARY KEY (plan_id, version)
);

GRANT SELECT, INSERT, UPDATE (restricted, wrapped_key, version, sealed, changed_at, erased_at) ON cpis.person TO cpis_app;
GRANT SELECT, INSERT ON cpis.person_version, cpis.plan_version, cpis.change TO cpis_app;
GRANT SELECT, INSERT, DELETE ON cpis.person_tag TO cpis_app;
GRANT SELECT, INSERT, UPDATE (version, visible_until, removed, sealed, changed_at) ON cpis.plan TO cpis_app;
