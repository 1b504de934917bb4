-- The three roles of the database. Run once for each cluster, by somebody who
-- may create roles; running it again changes nothing that is right.
--
--   cpis_owner    owns the schema and migrates it; the service never uses it
--   cpis_app      the service: what it may do is granted table by table
--   cpis_auditor  reads the log and its checkpoints, and nothing about people
--
-- They are made without a password and cannot sign in over the network until
-- they have one (\password) or pg_hba.conf lets them in another way (cert,
-- gss). No attribute is given that is not needed: none of them creates roles
-- or databases, replicates, or bypasses anything.

DO $$
DECLARE
    r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['cpis_owner', 'cpis_app', 'cpis_auditor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = r) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', r);
        END IF;
        EXECUTE format('ALTER ROLE %I SET search_path = cpis', r);
    END LOOP;
END
$$;

-- A session that hangs must not hold up every append for ever: appends wait in
-- line for one row, the head of the log. The limits are far above what any
-- statement of the service needs.
ALTER ROLE cpis_app SET statement_timeout = '60s';
ALTER ROLE cpis_app SET lock_timeout = '15s';
ALTER ROLE cpis_app SET idle_in_transaction_session_timeout = '60s';

-- Reports of an auditor read for a long time, but never change anything.
ALTER ROLE cpis_auditor SET default_transaction_read_only = on;
ALTER ROLE cpis_auditor SET idle_in_transaction_session_timeout = '10min';
