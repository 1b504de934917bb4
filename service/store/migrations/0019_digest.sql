-- +goose Up

-- Why:   each organisation is told once a week what it did, as a text that is
--        signed: kept, so that it is made once and can be read again.
-- Locks: none.
-- Takes: milliseconds.

CREATE TABLE cpis.digest (
    organisation text        NOT NULL,
    week         date        NOT NULL,   -- its Monday
    at           timestamptz NOT NULL,
    note         text        NOT NULL,   -- signed; names nobody
    PRIMARY KEY (organisation, week)
);

GRANT SELECT, INSERT ON cpis.digest TO cpis_app;
