-- +goose Up

-- Why:   a release that was accepted can be taken back, and counts for nothing but
--        the restrictions that stood when it was accepted. Before the file of a
--        report is downloaded, it is looked at who was restricted since it was
--        made. Files are forgotten at once, and removed step by step.
-- Locks: release and export, for milliseconds: no row is rewritten. Versions of
--        people cannot be written while their index is built.
-- Takes: milliseconds, and a second for each million versions of people.

ALTER TABLE cpis.release
    ADD COLUMN stood        text[]      NOT NULL DEFAULT '{}', -- the restrictions that stood when it was accepted
    ADD COLUMN ended_by     text,                              -- who took it back after that
    ADD COLUMN ended_issuer text        NOT NULL DEFAULT '',
    ADD COLUMN ended_at     timestamptz,
    ADD COLUMN ended        bytea,                             -- why: sealed like the rest
    ADD CONSTRAINT release_ended_check CHECK (
        (ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (ended IS NULL) AND (ended_at IS NULL OR state = 'withdrawn'));

GRANT UPDATE (stood, ended_by, ended_issuer, ended_at, ended) ON cpis.release TO cpis_app;

-- Who became restricted lately.
CREATE INDEX person_version_restricted ON cpis.person_version (changed_at) WHERE restricted;

ALTER TABLE cpis.export ADD COLUMN seen bytea; -- how far the logs were when the attempt began, sealed

GRANT UPDATE (seen) ON cpis.export TO cpis_app;

-- How much room all files of an organisation take.
CREATE INDEX export_organisation ON cpis.export (organisation);
