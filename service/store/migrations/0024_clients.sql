-- +goose Up

-- Why:   administrators see which client systems are used, for whom, and when last.
--        Every entry of the log names its client, but nothing finds entries by it.
--        What follows the log for reports notes the days; nothing is written for a
--        look-up.
-- Locks: none; the table is new.
-- Takes: milliseconds. What older entries say is noted when they are next compared
--        with the index, some 400 entries a second.

CREATE TABLE cpis.client_use (
    issuer       text NOT NULL,   -- who vouches for the client
    client       text NOT NULL,
    organisation text NOT NULL,   -- for which it was used
    first_day    date NOT NULL,
    last_day     date NOT NULL,
    PRIMARY KEY (issuer, client, organisation),
    CHECK (first_day <= last_day)
);

GRANT SELECT, INSERT, UPDATE (first_day, last_day) ON cpis.client_use TO cpis_app;
