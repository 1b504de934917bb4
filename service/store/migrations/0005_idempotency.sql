-- +goose Up

-- Why:   every write can be repeated safely: a key that was seen within a day
--        gets the answer it got then.
-- Locks: none that anybody waits for; the table is new.
-- Takes: milliseconds.

CREATE TABLE cpis.idempotency (
    organisation text NOT NULL,
    key          text NOT NULL,
    fingerprint  bytea NOT NULL,  -- keyed hash of the request's content
    response     bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (organisation, key),
    CHECK (organisation <> '' AND key <> '')
);

CREATE INDEX idempotency_created ON cpis.idempotency (created_at);

GRANT SELECT, INSERT, DELETE ON cpis.idempotency TO cpis_app;
