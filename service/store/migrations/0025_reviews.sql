-- +goose Up

-- Why:   reviews are of more than break-glass: of look-ups of restricted people, and
--        of a sample of all look-ups. Misuse needs a second look by another person.
-- Locks: reviews, for milliseconds: no row is rewritten, and one from before has the
--        MAC that it had.
-- Takes: milliseconds, and a second for each million reviews.

ALTER TABLE cpis.review
    ADD COLUMN kind text NOT NULL DEFAULT 'break_glass',
    ADD COLUMN first_at timestamptz,    -- when misuse was found, which somebody else must confirm
    ADD COLUMN first_by text,
    ADD COLUMN first_words bytea,       -- what was found then, sealed
    ADD CONSTRAINT review_first_check CHECK ((first_at IS NULL) = (first_by IS NULL)),
    ADD CONSTRAINT review_first_two CHECK (lower(btrim(first_by)) <> lower(btrim(actor))),
    ADD CONSTRAINT review_second CHECK (lower(btrim(first_by)) <> lower(btrim(closed_by)));

GRANT UPDATE (first_at, first_by, first_words) ON cpis.review TO cpis_app;

-- What the service puts into the queue by itself comes once.
CREATE UNIQUE INDEX review_once ON cpis.review (log, entry, kind) WHERE kind <> 'break_glass';
CREATE INDEX review_done ON cpis.review (organisation, at, id) WHERE closed_at IS NOT NULL;

-- How far each log was read for reviews: from what is indexed now on.
CREATE TABLE cpis.review_place (
    log  smallint PRIMARY KEY REFERENCES cpis.log,
    next bigint   NOT NULL CHECK (next >= 0)
);

INSERT INTO cpis.review_place (log, next)
SELECT log, next
FROM cpis.entry_index_state;

GRANT SELECT, INSERT, UPDATE (next) ON cpis.review_place TO cpis_app;

-- Of which weeks of an organisation a sample was drawn.
CREATE TABLE cpis.review_sample (
    log          smallint NOT NULL REFERENCES cpis.log,
    organisation text     NOT NULL,
    week         date     NOT NULL,     -- its Monday
    PRIMARY KEY (log, organisation, week)
);

GRANT SELECT, INSERT ON cpis.review_sample TO cpis_app;
