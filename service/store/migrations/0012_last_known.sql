-- +goose Up

-- Why:   whoever handed a plan over still has to know whom its notices are
--        about. That is found by the plans that were ever about a person.
-- Locks: the table of versions of plans against writing, while the index is
--        built.
-- Takes: about a second for each million versions.

CREATE INDEX plan_version_person ON cpis.plan_version (person_id, plan_id);
