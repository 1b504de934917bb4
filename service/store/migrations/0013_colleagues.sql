-- +goose Up

-- Why:   two people are compared as their issuers compare them; and notices are
--        given to colleagues who exist.
-- Locks: the tables of proposals and reviews, for milliseconds: no row is
--        rewritten, and none of those that exist is checked.
-- Takes: milliseconds.

ALTER TABLE cpis.proposal
    ADD COLUMN proposed_issuer text NOT NULL DEFAULT '',  -- empty where an earlier version wrote it
    ADD COLUMN decided_issuer  text NOT NULL DEFAULT '',
    DROP CONSTRAINT proposal_check,
    ADD CONSTRAINT proposal_two CHECK (
        state <> 'accepted'
        OR lower(btrim(decided_by)) <> lower(btrim(proposed_by))
        OR proposed_issuer <> '' AND decided_issuer <> '' AND decided_issuer <> proposed_issuer) NOT VALID;

ALTER TABLE cpis.review
    DROP CONSTRAINT review_check1,
    ADD CONSTRAINT review_two CHECK (lower(btrim(closed_by)) <> lower(btrim(actor))) NOT VALID;

GRANT UPDATE (decided_issuer) ON cpis.proposal TO cpis_app;

-- Who acted for an authority lately, as far as somebody may be given a notice.
-- They are forgotten some time after they were seen last. Who it is, is sealed
-- under a key of the row's own.
CREATE TABLE cpis.colleague (
    id          uuid PRIMARY KEY,                       -- a keyed hash of authority, issuer and user id
    authority   text NOT NULL REFERENCES cpis.authority,
    seen_on     date NOT NULL,
    wrapped_key text NOT NULL,
    sealed      bytea NOT NULL
);

CREATE INDEX colleague_authority ON cpis.colleague (authority, seen_on DESC);

GRANT SELECT, INSERT, UPDATE (seen_on, wrapped_key, sealed), DELETE ON cpis.colleague TO cpis_app;
