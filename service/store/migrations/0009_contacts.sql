-- +goose Up

-- Why:   two people of an authority may correct its numbers at the same time,
--        and whoever does not confirm them is reminded, once a month.
-- Locks: the table of authorities, for milliseconds.
-- Takes: milliseconds.

ALTER TABLE cpis.authority
    ADD COLUMN contact_version integer NOT NULL DEFAULT 0,
    ADD COLUMN reminded_at     timestamptz;

GRANT UPDATE (contact_version, reminded_at) ON cpis.authority TO cpis_app;
