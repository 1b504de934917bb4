-- +goose Up

-- Why:   plans move: to another authority (transfer), and to another person
--        (two records that were of one). What needs another authority or a
--        second person waits here. A person may be found by more than one NHS
--        number, because superseded ones stay in use for years.
-- Locks: the tables of plans for as long as it takes to fill two columns of the
--        versions.
-- Takes: about a second for each million versions.

ALTER TABLE cpis.plan
    ADD COLUMN transfer_to text REFERENCES cpis.authority;  -- while a transfer is open

-- A version says whose the plan was and about whom: its details are sealed
-- under that person's key.
ALTER TABLE cpis.plan_version
    ADD COLUMN person_id uuid,
    ADD COLUMN authority text,
    ADD COLUMN transfer_to text;

UPDATE cpis.plan_version AS v
SET person_id = l.person_id, authority = l.authority
FROM cpis.plan AS l
WHERE l.id = v.plan_id;

ALTER TABLE cpis.plan_version
    ALTER COLUMN person_id SET NOT NULL,
    ALTER COLUMN authority SET NOT NULL;

GRANT UPDATE (person_id, authority, transfer_to) ON cpis.plan TO cpis_app;

-- One person, several numbers: each has a tag under each index key.
ALTER TABLE cpis.person_tag DROP CONSTRAINT person_tag_person_id_index_version_key;
CREATE INDEX person_tag_person ON cpis.person_tag (person_id, index_version);

-- Plans offered to another authority. What was said is sealed under the
-- person's key.
CREATE TABLE cpis.transfer (
    id          uuid PRIMARY KEY,
    plan_id     uuid NOT NULL REFERENCES cpis.plan,
    person_id   uuid NOT NULL REFERENCES cpis.person,
    sender      text NOT NULL REFERENCES cpis.authority,
    receiver    text NOT NULL REFERENCES cpis.authority,
    state       text NOT NULL CHECK (state IN ('open', 'accepted', 'declined', 'withdrawn')),
    proposed_at timestamptz NOT NULL,
    proposed    bytea NOT NULL,  -- by whom, and why
    decided_at  timestamptz,
    decided     bytea,
    CHECK (sender <> receiver),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (decided IS NULL))
);

CREATE UNIQUE INDEX transfer_open ON cpis.transfer (plan_id) WHERE state = 'open';
CREATE INDEX transfer_sender ON cpis.transfer (sender, id);
CREATE INDEX transfer_receiver ON cpis.transfer (receiver, id);

-- Changes that need a second person of the same authority.
CREATE TABLE cpis.proposal (
    id          uuid PRIMARY KEY,
    authority   text NOT NULL REFERENCES cpis.authority,
    kind        text NOT NULL CHECK (kind IN ('restrict', 'lift_restriction', 'merge', 'unmerge')),
    state       text NOT NULL CHECK (state IN ('open', 'accepted', 'declined', 'withdrawn')),
    person_id   uuid NOT NULL REFERENCES cpis.person,  -- of a merge: who stays
    from_id     uuid REFERENCES cpis.person,           -- of a merge: whose plans move
    merge_id    uuid REFERENCES cpis.proposal,         -- of undoing one
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    proposed    bytea NOT NULL,  -- by whom, and why; sealed under the key of person_id
    decided_by  text,
    decided_at  timestamptz,
    decided     bytea,           -- likewise, and what was moved
    CHECK (state <> 'accepted' OR decided_by <> proposed_by),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    CHECK ((decided_at IS NULL) = (decided IS NULL)),
    CHECK ((kind IN ('merge', 'unmerge')) = (from_id IS NOT NULL)),
    CHECK ((kind = 'unmerge') = (merge_id IS NOT NULL))
);

CREATE UNIQUE INDEX proposal_open ON cpis.proposal (authority, person_id, kind) WHERE state = 'open';
CREATE INDEX proposal_authority ON cpis.proposal (authority, id);
-- A merge is undone once.
CREATE UNIQUE INDEX proposal_undone ON cpis.proposal (merge_id) WHERE state = 'accepted';

GRANT SELECT, INSERT, UPDATE (state, decided_at, decided) ON cpis.transfer TO cpis_app;
GRANT SELECT, INSERT, UPDATE (state, decided_by, decided_at, decided) ON cpis.proposal TO cpis_app;
