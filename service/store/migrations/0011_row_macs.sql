-- +goose Up

-- Why:   columns that decide what is answered, to whom something goes and who may
--        act are in the clear. Each row gets a MAC over them, which the service
--        makes and checks: one UPDATE by whoever has the database is noticed.
-- Locks: the tables named here, for milliseconds: no row is rewritten.
-- Takes: milliseconds. `cpis migrate` then makes the MACs of the rows that are
--        there, some ten seconds for each million, while no server runs.

-- A row that the old program writes from now on is refused: it would have no MAC.
-- NOT VALID leaves alone those that are there until they have theirs.
ALTER TABLE cpis.person         ADD COLUMN mac bytea, ADD CONSTRAINT person_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.person_version ADD COLUMN mac bytea, ADD CONSTRAINT person_version_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.person_tag     ADD COLUMN mac bytea, ADD CONSTRAINT person_tag_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.plan           ADD COLUMN mac bytea, ADD CONSTRAINT plan_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.plan_version   ADD COLUMN mac bytea, ADD CONSTRAINT plan_version_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.authority      ADD COLUMN mac bytea, ADD CONSTRAINT authority_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.organisation   ADD COLUMN mac bytea, ADD CONSTRAINT organisation_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.transfer       ADD COLUMN mac bytea, ADD CONSTRAINT transfer_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.proposal       ADD COLUMN mac bytea, ADD CONSTRAINT proposal_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.channel        ADD COLUMN mac bytea, ADD CONSTRAINT channel_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.upload         ADD COLUMN mac bytea, ADD CONSTRAINT upload_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.upload_rules   ADD COLUMN mac bytea, ADD CONSTRAINT upload_rules_mac_check CHECK (mac IS NOT NULL) NOT VALID;
ALTER TABLE cpis.idempotency    ADD COLUMN mac bytea, ADD CONSTRAINT idempotency_mac_check CHECK (mac IS NOT NULL) NOT VALID;

GRANT UPDATE (mac) ON cpis.person, cpis.plan, cpis.authority, cpis.transfer, cpis.proposal, cpis.channel, cpis.upload TO cpis_app;
