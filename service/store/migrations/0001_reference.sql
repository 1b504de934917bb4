-- +goose Up

-- Why:   who the organisations and authorities are, and the wrapped keys of
--        the blind index. Everything else refers to these.
-- Locks: none that anybody waits for; all tables are new.
-- Takes: milliseconds.

GRANT USAGE ON SCHEMA cpis TO cpis_app, cpis_auditor;

-- Which migrations have run: the service refuses a schema it does not know.
GRANT SELECT ON cpis.schema_version TO cpis_app;

-- The organisations whose people and systems may call. Reference data is
-- loaded again and again; what a command added stays as it is.
CREATE TABLE cpis.organisation (
    code     text PRIMARY KEY,  -- ODS code
    name     text NOT NULL,
    class    text NOT NULL,     -- all that policy knows about an organisation
    postcode text NOT NULL DEFAULT '',
    source   text NOT NULL,
    CHECK (code <> '' AND name <> ''),
    CHECK (class IN (
        'acute_trust', 'general_practice', 'urgent_care', 'ambulance', 'nhs_111',
        'dental', 'community', 'mental_health', 'sexual_health', 'local_authority',
        'oversight', 'operator'
    )),
    CHECK (source IN ('reference', 'command'))
);

-- Local authorities with children's services. Their telephone numbers are
-- shown with every flag and are theirs to keep right: loading reference data
-- never touches them. Empty where not known.
CREATE TABLE cpis.authority (
    gss_code        text PRIMARY KEY,
    dfe_code        text NOT NULL UNIQUE,
    ods_code        text,
    name            text NOT NULL,
    kind            text NOT NULL DEFAULT '',
    region_gss_code text NOT NULL DEFAULT '',
    office_phone    text NOT NULL DEFAULT '',
    office_hours    text NOT NULL DEFAULT '',
    duty_phone      text NOT NULL DEFAULT '',  -- emergency duty team
    confirmed_at    timestamptz,               -- when the authority last said that they are right
    CHECK (gss_code <> '' AND dfe_code <> '' AND name <> '')
);

-- The wrapped keys of the blind index: one, or two while it rotates.
CREATE TABLE cpis.index_key (
    version    integer PRIMARY KEY CHECK (version > 0),
    wrapped    text NOT NULL CHECK (wrapped <> ''),
    created_at timestamptz NOT NULL
);

GRANT SELECT ON cpis.organisation TO cpis_app;
GRANT SELECT, UPDATE (office_phone, office_hours, duty_phone, confirmed_at) ON cpis.authority TO cpis_app;
GRANT SELECT, INSERT, UPDATE (wrapped), DELETE ON cpis.index_key TO cpis_app;
