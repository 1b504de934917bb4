-- +goose Up

-- Why:   notices, what was done with them, the history, reviews and deliveries say
--        who is told and who must answer, in the clear: their rows get MACs, too.
--        Merges are followed by rows that verify, whatever their state, so the
--        indexes that held only those accepted give way to others.
-- Locks: the tables named here, for milliseconds: no row is rewritten. Proposals
--        cannot be written while the indexes are built.
-- Takes: milliseconds, and a second for each million proposals. `cpis migrate` then
--        makes the MACs of the rows that are there, some ten seconds for each
--        million, while no server runs.

-- A row that the old program writes from now on is refused: it would have no MAC.
ALTER TABLE cpis.notice      ADD COLUMN mac bytea, ADD CONSTRAINT notice_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.notice_act  ADD COLUMN mac bytea, ADD CONSTRAINT notice_act_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.delivery    ADD COLUMN mac bytea, ADD CONSTRAINT delivery_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.dispatched  ADD COLUMN mac bytea, ADD CONSTRAINT dispatched_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.access      ADD COLUMN mac bytea, ADD CONSTRAINT access_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.access_mark ADD COLUMN mac bytea, ADD CONSTRAINT access_mark_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.review      ADD COLUMN mac bytea, ADD CONSTRAINT review_mac_check CHECK (mac IS NOT NULL) NOT VALID;

GRANT UPDATE (mac) ON cpis.notice, cpis.delivery, cpis.dispatched, cpis.review TO cpis_app;

DROP INDEX cpis.proposal_merged_from;
DROP INDEX cpis.proposal_merged_into;
CREATE INDEX proposal_from ON cpis.proposal (from_id) WHERE from_id IS NOT NULL;
CREATE INDEX proposal_person ON cpis.proposal (person_id);
