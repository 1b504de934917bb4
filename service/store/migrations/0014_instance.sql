-- +goose Up

-- Why:   a copy of the database (a restored backup, a snapshot, staging loaded
--        from production) must not go on writing the log that it was copied
--        with. Here stands for which database each log was claimed, so that a
--        server can tell that it is on another.
-- Locks: the table of logs, for milliseconds.
-- Takes: milliseconds.

CREATE TABLE cpis.instance (
    log       smallint    NOT NULL REFERENCES cpis.log,
    claim     integer     NOT NULL CHECK (claim > 0),
    name      text        NOT NULL, -- what servers and commands call the installation
    system    text        NOT NULL, -- identifier of the cluster; standbys share it
    database  bigint      NOT NULL, -- oid of the database in the cluster
    addresses text[]      NOT NULL, -- under which it is reached
    reason    text        NOT NULL,
    operator  text        NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (log, claim)
);

GRANT SELECT ON cpis.instance TO cpis_app, cpis_auditor;
