-- +goose Up

-- Why:   an authority finds its own people by name, sees which of its plans ask
--        for it today, and pages through its plans by when they changed and until
--        when they are visible. Names and days are sealed, so each plan gets keyed
--        hashes of them; plans that ask today are listed by their ids. Each
--        authority has an identifier of its own for each of its people.
--        The rows of plans from before are made by the service itself.
-- Locks: plans and notices cannot be written while their indexes are built; all
--        tables are new.
-- Takes: a second for each million plans and notices.

-- That an authority holds, or held, plans about a person, and by which identifier
-- it calls that person: one that says nothing elsewhere.
CREATE TABLE cpis.holding (
    id        uuid PRIMARY KEY,
    authority text NOT NULL REFERENCES cpis.authority,
    person_id uuid NOT NULL REFERENCES cpis.person,
    mac       bytea CONSTRAINT holding_mac_check CHECK (mac IS NOT NULL),
    UNIQUE (authority, person_id)
);

GRANT SELECT, INSERT ON cpis.holding TO cpis_app;

-- What finds a plan that is no error, under each index key.
CREATE TABLE cpis.plan_index (
    plan_id       uuid    NOT NULL REFERENCES cpis.plan,
    index_version integer NOT NULL CHECK (index_version > 0),
    plan_version  integer NOT NULL,                            -- that it was made of
    names         bytea[] NOT NULL,                            -- keyed hashes of parts of names with the date and the year of birth
    comes         bytea,                                       -- of the day from which the plan asks for its authority, if that is to come
    goes          bytea,                                       -- of the day from which it does no more, likewise
    mac           bytea   CONSTRAINT plan_index_mac_check CHECK (mac IS NOT NULL),
    PRIMARY KEY (plan_id, index_version)
);

-- Without fastupdate: a list of what waits to be indexed would be read by everybody who looks for a name.
CREATE INDEX plan_index_names ON cpis.plan_index USING gin (names) WITH (fastupdate = off);
CREATE INDEX plan_index_comes ON cpis.plan_index (comes) WHERE comes IS NOT NULL;
CREATE INDEX plan_index_goes ON cpis.plan_index (goes) WHERE goes IS NOT NULL;

GRANT SELECT, INSERT, DELETE ON cpis.plan_index TO cpis_app;

-- Plans that ask for their authority today.
CREATE TABLE cpis.work_item (
    plan_id   uuid PRIMARY KEY REFERENCES cpis.plan,
    authority text NOT NULL,
    need      text NOT NULL CHECK (need IN ('overdue', 'adult')),
    mac       bytea CONSTRAINT work_item_mac_check CHECK (mac IS NOT NULL)
);

CREATE INDEX work_item_authority ON cpis.work_item (authority, need, plan_id);

GRANT SELECT, INSERT, DELETE ON cpis.work_item TO cpis_app;

-- How far the two are: one row.
CREATE TABLE cpis.work_state (
    one    boolean PRIMARY KEY CHECK (one),
    day    date,                 -- until which the calendar was read
    at     timestamptz,          -- when that was last looked at
    filled integer NOT NULL,     -- the index key under which every plan has been given what finds it
    mac    bytea   CONSTRAINT work_state_mac_check CHECK (mac IS NOT NULL)
);

GRANT SELECT, INSERT, UPDATE (day, at, filled, mac) ON cpis.work_state TO cpis_app;

CREATE INDEX plan_changed ON cpis.plan (authority, changed_at, id) WHERE NOT removed;
CREATE INDEX plan_visible ON cpis.plan (authority, coalesce(visible_until, 'infinity'), id) WHERE NOT removed;
CREATE INDEX notice_open ON cpis.notice (authority, at) WHERE acknowledged_at IS NULL;
