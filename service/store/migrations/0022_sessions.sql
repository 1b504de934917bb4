-- +goose Up

-- Why:   people log in to pages, and what they have typed outlives a session that
--        ends in the middle of it. Who it is, and what was typed, is sealed; found
--        is a session by the hash of what the browser holds, or by keyed hashes.
-- Locks: none that anybody waits for; both tables are new.
-- Takes: milliseconds.

CREATE TABLE cpis.session (
    id               bytea PRIMARY KEY CHECK (octet_length(id) = 32), -- SHA-256 of what the browser holds
    subject          bytea       NOT NULL,                            -- keyed hash of issuer and subject
    provider_session bytea       NOT NULL,                            -- keyed hash of issuer and its session; empty if it states none
    expires_at       timestamptz NOT NULL,                            -- unless the person does something before
    sealed           bytea       NOT NULL
);

CREATE INDEX session_subject ON cpis.session (subject);
CREATE INDEX session_provider ON cpis.session (provider_session);
CREATE INDEX session_expires ON cpis.session (expires_at);

GRANT SELECT, INSERT, DELETE, UPDATE (expires_at, sealed) ON cpis.session TO cpis_app;

CREATE TABLE cpis.draft (
    id            bytea PRIMARY KEY CHECK (octet_length(id) = 32), -- keyed hash of its owner and what it is a draft of
    owner         bytea       NOT NULL,                            -- keyed hash of who, and for which organisation
    until_log_out boolean     NOT NULL,
    expires_at    timestamptz NOT NULL,
    sealed        bytea       NOT NULL
);

CREATE INDEX draft_owner ON cpis.draft (owner) WHERE until_log_out;
CREATE INDEX draft_expires ON cpis.draft (expires_at);

GRANT SELECT, INSERT, DELETE, UPDATE (until_log_out, expires_at, sealed) ON cpis.draft TO cpis_app;
