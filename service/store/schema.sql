-- The schema that the migrations make, for reading. Written by
-- go test ./service/store -run SchemaIsAsDumped -update

CREATE SCHEMA cpis;

CREATE TABLE cpis.access (
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    organisation text NOT NULL,
    setting text NOT NULL,
    encounter bytea,
    sealed bytea,
    log smallint NOT NULL,
    entry bigint NOT NULL,
    mac bytea
);

CREATE TABLE cpis.access_mark (
    access_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    mac bytea
);

CREATE TABLE cpis.authority (
    gss_code text NOT NULL,
    dfe_code text NOT NULL,
    ods_code text,
    name text NOT NULL,
    kind text DEFAULT ''::text NOT NULL,
    region_gss_code text DEFAULT ''::text NOT NULL,
    office_phone text DEFAULT ''::text NOT NULL,
    office_hours text DEFAULT ''::text NOT NULL,
    duty_phone text DEFAULT ''::text NOT NULL,
    confirmed_at timestamp with time zone,
    contact_version integer DEFAULT 0 NOT NULL,
    reminded_at timestamp with time zone,
    mac bytea,
    CONSTRAINT authority_check CHECK (((gss_code <> ''::text) AND (dfe_code <> ''::text) AND (name <> ''::text)))
);

CREATE TABLE cpis.change (
    id uuid NOT NULL,
    log smallint NOT NULL,
    entry bigint NOT NULL,
    entries integer NOT NULL,
    CONSTRAINT change_entries_check CHECK ((entries > 0)),
    CONSTRAINT change_entry_check CHECK ((entry >= 0))
);

CREATE TABLE cpis.channel (
    id uuid NOT NULL,
    authority text NOT NULL,
    version integer NOT NULL,
    rank smallint NOT NULL,
    kind text NOT NULL,
    paused boolean NOT NULL,
    wrapped_key text NOT NULL,
    sealed bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    failed_at timestamp with time zone,
    rests_until timestamp with time zone,
    mac bytea,
    CONSTRAINT channel_failures_check CHECK ((failures >= 0)),
    CONSTRAINT channel_kind_check CHECK ((kind = ANY (ARRAY['webhook'::text, 'mesh'::text]))),
    CONSTRAINT channel_rank_check CHECK (((rank >= 1) AND (rank <= 9))),
    CONSTRAINT channel_version_check CHECK ((version > 0))
);

CREATE TABLE cpis.checkpoint (
    log smallint NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    frontier bytea NOT NULL,
    note text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT checkpoint_check CHECK ((octet_length(frontier) = (32 * bit_count((size)::bit(64))))),
    CONSTRAINT checkpoint_root_check CHECK ((octet_length(root) = 32)),
    CONSTRAINT checkpoint_size_check CHECK ((size >= 0))
);

CREATE TABLE cpis.client_use (
    issuer text NOT NULL,
    client text NOT NULL,
    organisation text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    CONSTRAINT client_use_check CHECK ((first_day <= last_day))
);

CREATE TABLE cpis.colleague (
    id uuid NOT NULL,
    authority text NOT NULL,
    seen_on date NOT NULL,
    wrapped_key text NOT NULL,
    sealed bytea NOT NULL
);

CREATE TABLE cpis.delivery (
    channel_id uuid NOT NULL,
    notice_id uuid NOT NULL,
    person_id uuid,
    log smallint NOT NULL,
    entry bigint NOT NULL,
    state text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    first_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone,
    failure text DEFAULT ''::text NOT NULL,
    mac bytea,
    CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'undelivered'::text])))
);

CREATE TABLE cpis.digest (
    organisation text NOT NULL,
    week date NOT NULL,
    at timestamp with time zone NOT NULL,
    note text NOT NULL
);

CREATE TABLE cpis.dispatched (
    authority text NOT NULL,
    log smallint NOT NULL,
    entry bigint NOT NULL,
    mac bytea
);

CREATE TABLE cpis.draft (
    id bytea NOT NULL,
    owner bytea NOT NULL,
    until_log_out boolean NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT draft_id_check CHECK ((octet_length(id) = 32))
);

CREATE TABLE cpis.entry (
    log smallint NOT NULL,
    idx bigint NOT NULL,
    line bytea NOT NULL,
    subject bytea,
    CONSTRAINT entry_check1 CHECK (((idx >= 0) AND (octet_length(line) > 0)))
)
PARTITION BY LIST (log);

CREATE TABLE cpis.entry_index (
    log smallint NOT NULL,
    idx bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    subject bytea,
    request uuid,
    actor text NOT NULL,
    organisation text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    mode text NOT NULL,
    purpose text NOT NULL,
    outcome text NOT NULL,
    topic text NOT NULL,
    refused boolean NOT NULL,
    break_glass boolean NOT NULL,
    restricted boolean NOT NULL,
    encounter boolean NOT NULL,
    out_of_hours boolean NOT NULL
);

CREATE TABLE cpis.entry_index_state (
    log smallint NOT NULL,
    next bigint DEFAULT 0 NOT NULL,
    checked bigint DEFAULT 0 NOT NULL,
    damaged_at timestamp with time zone,
    CONSTRAINT entry_index_state_checked_check CHECK ((checked >= 0)),
    CONSTRAINT entry_index_state_next_check CHECK ((next >= 0))
);

CREATE TABLE cpis.export (
    id uuid NOT NULL,
    organisation text NOT NULL,
    owner bytea NOT NULL,
    state text NOT NULL,
    attempt integer NOT NULL,
    entries bigint NOT NULL,
    size bigint NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    done bigint DEFAULT 0 NOT NULL,
    work bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    wrapped_key text NOT NULL,
    sealed bytea NOT NULL,
    mac bytea,
    seen bytea,
    CONSTRAINT export_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT export_entries_check CHECK ((entries >= 0)),
    CONSTRAINT export_mac_check CHECK ((mac IS NOT NULL)),
    CONSTRAINT export_size_check CHECK ((size >= 0)),
    CONSTRAINT export_state_check CHECK ((state = ANY (ARRAY['making'::text, 'ready'::text, 'failed'::text])))
);

CREATE TABLE cpis.export_part (
    export_id uuid NOT NULL,
    attempt integer NOT NULL,
    stream smallint NOT NULL,
    n integer NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT export_part_n_check CHECK ((n >= 0)),
    CONSTRAINT export_part_stream_check CHECK ((stream >= 0))
);
ALTER TABLE ONLY cpis.export_part ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE cpis.former_index_key (
    version integer NOT NULL,
    wrapped text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    retired_at timestamp with time zone NOT NULL,
    CONSTRAINT former_index_key_version_check CHECK ((version > 0)),
    CONSTRAINT former_index_key_wrapped_check CHECK ((wrapped <> ''::text))
);

CREATE TABLE cpis.holding (
    id uuid NOT NULL,
    authority text NOT NULL,
    person_id uuid NOT NULL,
    mac bytea,
    CONSTRAINT holding_mac_check CHECK ((mac IS NOT NULL))
);

CREATE TABLE cpis.idempotency (
    organisation text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    response bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    mac bytea,
    CONSTRAINT idempotency_check CHECK (((organisation <> ''::text) AND (key <> ''::text)))
);

CREATE TABLE cpis.index_key (
    version integer NOT NULL,
    wrapped text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT index_key_version_check CHECK ((version > 0)),
    CONSTRAINT index_key_wrapped_check CHECK ((wrapped <> ''::text))
);

CREATE TABLE cpis.instance (
    log smallint NOT NULL,
    claim integer NOT NULL,
    name text NOT NULL,
    system text NOT NULL,
    database bigint NOT NULL,
    addresses text[] NOT NULL,
    reason text NOT NULL,
    operator text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT instance_claim_check CHECK ((claim > 0))
);

CREATE TABLE cpis.log (
    id smallint NOT NULL,
    origin text NOT NULL,
    CONSTRAINT log_id_check CHECK ((id > 0)),
    CONSTRAINT log_origin_check CHECK ((origin <> ''::text))
);

CREATE TABLE cpis.log_head (
    log smallint NOT NULL,
    size bigint NOT NULL,
    frontier bytea NOT NULL,
    root bytea NOT NULL,
    CONSTRAINT log_head_check CHECK ((octet_length(frontier) = (32 * bit_count((size)::bit(64))))),
    CONSTRAINT log_head_root_check CHECK ((octet_length(root) = 32)),
    CONSTRAINT log_head_size_check CHECK ((size >= 0))
)
WITH (fillfactor='10');
ALTER TABLE ONLY cpis.log_head ALTER COLUMN frontier SET STORAGE PLAIN;
ALTER TABLE ONLY cpis.log_head ALTER COLUMN root SET STORAGE PLAIN;

CREATE TABLE cpis.notice (
    id uuid NOT NULL,
    authority text NOT NULL,
    person_id uuid,
    kind text NOT NULL,
    priority boolean NOT NULL,
    at timestamp with time zone NOT NULL,
    organisation text NOT NULL,
    setting text NOT NULL,
    encounter bytea,
    log smallint NOT NULL,
    entry bigint NOT NULL,
    sealed bytea,
    corrects uuid,
    reference text DEFAULT ''::text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    acknowledged_at timestamp with time zone,
    assigned_to text DEFAULT ''::text NOT NULL,
    undelivered boolean DEFAULT false NOT NULL,
    mac bytea,
    CONSTRAINT notice_kind_check CHECK ((kind <> ''::text)),
    CONSTRAINT notice_version_check CHECK ((version > 0))
);

CREATE TABLE cpis.notice_act (
    notice_id uuid NOT NULL,
    version integer NOT NULL,
    act text NOT NULL,
    outcome text DEFAULT ''::text NOT NULL,
    assigned_to text DEFAULT ''::text NOT NULL,
    actor text NOT NULL,
    at timestamp with time zone NOT NULL,
    sealed bytea,
    mac bytea,
    CONSTRAINT notice_act_act_check CHECK ((act = ANY (ARRAY['acknowledge'::text, 'assign'::text]))),
    CONSTRAINT notice_act_version_check CHECK ((version > 1))
);

CREATE TABLE cpis.organisation (
    code text NOT NULL,
    name text NOT NULL,
    class text NOT NULL,
    postcode text DEFAULT ''::text NOT NULL,
    source text NOT NULL,
    mac bytea,
    CONSTRAINT organisation_check CHECK (((code <> ''::text) AND (name <> ''::text))),
    CONSTRAINT organisation_class_check CHECK ((class = ANY (ARRAY['acute_trust'::text, 'general_practice'::text, 'urgent_care'::text, 'ambulance'::text, 'nhs_111'::text, 'dental'::text, 'community'::text, 'mental_health'::text, 'sexual_health'::text, 'local_authority'::text, 'oversight'::text, 'operator'::text]))),
    CONSTRAINT organisation_source_check CHECK ((source = ANY (ARRAY['reference'::text, 'command'::text])))
);

CREATE TABLE cpis.person (
    id uuid NOT NULL,
    restricted boolean NOT NULL,
    wrapped_key text NOT NULL,
    version integer NOT NULL,
    sealed bytea NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    erased_at timestamp with time zone,
    mac bytea,
    CONSTRAINT person_check CHECK (((wrapped_key = ''::text) = (erased_at IS NOT NULL))),
    CONSTRAINT person_version_check CHECK ((version > 0))
);

CREATE TABLE cpis.person_tag (
    tag bytea NOT NULL,
    person_id uuid NOT NULL,
    index_version integer NOT NULL,
    mac bytea,
    CONSTRAINT person_tag_tag_check CHECK ((octet_length(tag) = 32))
);

CREATE TABLE cpis.person_version (
    person_id uuid NOT NULL,
    version integer NOT NULL,
    restricted boolean NOT NULL,
    sealed bytea NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    change_id uuid NOT NULL,
    mac bytea,
    CONSTRAINT person_version_version_check CHECK ((version > 0))
);

CREATE TABLE cpis.plan (
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    authority text NOT NULL,
    version integer NOT NULL,
    visible_until date,
    removed boolean NOT NULL,
    sealed bytea NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    transfer_to text,
    mac bytea,
    CONSTRAINT plan_version_check CHECK ((version > 0))
);

CREATE TABLE cpis.plan_index (
    plan_id uuid NOT NULL,
    index_version integer NOT NULL,
    plan_version integer NOT NULL,
    names bytea[] NOT NULL,
    comes bytea,
    goes bytea,
    mac bytea,
    CONSTRAINT plan_index_index_version_check CHECK ((index_version > 0)),
    CONSTRAINT plan_index_mac_check CHECK ((mac IS NOT NULL))
);

CREATE TABLE cpis.plan_version (
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    visible_until date,
    removed boolean NOT NULL,
    sealed bytea NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    change_id uuid NOT NULL,
    person_id uuid NOT NULL,
    authority text NOT NULL,
    transfer_to text,
    mac bytea,
    CONSTRAINT plan_version_version_check CHECK ((version > 0))
);

CREATE TABLE cpis.proposal (
    id uuid NOT NULL,
    authority text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    person_id uuid NOT NULL,
    from_id uuid,
    merge_id uuid,
    proposed_by text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    proposed bytea NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    decided bytea,
    mac bytea,
    proposed_issuer text DEFAULT ''::text NOT NULL,
    decided_issuer text DEFAULT ''::text NOT NULL,
    CONSTRAINT proposal_check1 CHECK (((state = 'open'::text) = (decided_at IS NULL))),
    CONSTRAINT proposal_check2 CHECK (((decided_at IS NULL) = (decided_by IS NULL))),
    CONSTRAINT proposal_check3 CHECK (((decided_at IS NULL) = (decided IS NULL))),
    CONSTRAINT proposal_check4 CHECK (((kind = ANY (ARRAY['merge'::text, 'unmerge'::text])) = (from_id IS NOT NULL))),
    CONSTRAINT proposal_check5 CHECK (((kind = 'unmerge'::text) = (merge_id IS NOT NULL))),
    CONSTRAINT proposal_kind_check CHECK ((kind = ANY (ARRAY['restrict'::text, 'lift_restriction'::text, 'merge'::text, 'unmerge'::text]))),
    CONSTRAINT proposal_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'declined'::text, 'withdrawn'::text])))
);

CREATE TABLE cpis.release (
    id uuid NOT NULL,
    organisation text NOT NULL,
    subject bytea NOT NULL,
    state text NOT NULL,
    proposed_by text NOT NULL,
    proposed_issuer text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    proposed bytea NOT NULL,
    decided_by text,
    decided_issuer text DEFAULT ''::text NOT NULL,
    decided_at timestamp with time zone,
    decided bytea,
    wrapped_key text NOT NULL,
    mac bytea,
    stood text[] DEFAULT '{}'::text[] NOT NULL,
    ended_by text,
    ended_issuer text DEFAULT ''::text NOT NULL,
    ended_at timestamp with time zone,
    ended bytea,
    CONSTRAINT release_check CHECK (((state = 'open'::text) = (decided_at IS NULL))),
    CONSTRAINT release_check1 CHECK (((decided_at IS NULL) = (decided_by IS NULL))),
    CONSTRAINT release_check2 CHECK (((decided_at IS NULL) = (decided IS NULL))),
    CONSTRAINT release_ended_check CHECK ((((ended_at IS NULL) = (ended_by IS NULL)) AND ((ended_at IS NULL) = (ended IS NULL)) AND ((ended_at IS NULL) OR (state = 'withdrawn'::text)))),
    CONSTRAINT release_mac_check CHECK ((mac IS NOT NULL)),
    CONSTRAINT release_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'declined'::text, 'withdrawn'::text]))),
    CONSTRAINT release_two CHECK (((state <> 'accepted'::text) OR (lower(btrim(decided_by)) <> lower(btrim(proposed_by))) OR (decided_issuer <> proposed_issuer)))
);

CREATE TABLE cpis.report (
    id uuid NOT NULL,
    request uuid,
    organisation text NOT NULL,
    at timestamp with time zone NOT NULL,
    wrapped_key text NOT NULL,
    sealed bytea NOT NULL
);

CREATE TABLE cpis.retention (
    log smallint NOT NULL,
    first bigint NOT NULL,
    entry bigint NOT NULL,
    before timestamp with time zone NOT NULL,
    reason text NOT NULL,
    operator text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT retention_check CHECK ((entry >= first)),
    CONSTRAINT retention_first_check CHECK ((first > 0))
);

CREATE TABLE cpis.review (
    id uuid NOT NULL,
    organisation text NOT NULL,
    actor text NOT NULL,
    at timestamp with time zone NOT NULL,
    person_id uuid,
    sealed bytea NOT NULL,
    wrapped_key text NOT NULL,
    log smallint NOT NULL,
    entry bigint NOT NULL,
    closed_at timestamp with time zone,
    closed_by text,
    outcome text DEFAULT ''::text NOT NULL,
    mac bytea,
    closing bytea,
    kind text DEFAULT 'break_glass'::text NOT NULL,
    first_at timestamp with time zone,
    first_by text,
    first_words bytea,
    CONSTRAINT review_check CHECK (((closed_at IS NULL) = (closed_by IS NULL))),
    CONSTRAINT review_first_check CHECK (((first_at IS NULL) = (first_by IS NULL))),
    CONSTRAINT review_first_two CHECK ((lower(btrim(first_by)) <> lower(btrim(actor)))),
    CONSTRAINT review_second CHECK ((lower(btrim(first_by)) <> lower(btrim(closed_by))))
);

CREATE TABLE cpis.review_place (
    log smallint NOT NULL,
    next bigint NOT NULL,
    CONSTRAINT review_place_next_check CHECK ((next >= 0))
);

CREATE TABLE cpis.review_sample (
    log smallint NOT NULL,
    organisation text NOT NULL,
    week date NOT NULL
);

CREATE TABLE cpis.session (
    id bytea NOT NULL,
    subject bytea NOT NULL,
    provider_session bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT session_id_check CHECK ((octet_length(id) = 32))
);

CREATE TABLE cpis.set_aside (
    id uuid NOT NULL,
    log smallint NOT NULL,
    kind text NOT NULL,
    level smallint NOT NULL,
    idx bigint NOT NULL,
    content bytea NOT NULL,
    reason text NOT NULL,
    operator text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT set_aside_kind_check CHECK ((kind = ANY (ARRAY['entry'::text, 'checkpoint'::text, 'tile'::text])))
);

CREATE TABLE cpis.tile (
    log smallint NOT NULL,
    level smallint NOT NULL,
    idx bigint NOT NULL,
    hashes bytea NOT NULL,
    CONSTRAINT tile_hashes_check CHECK ((octet_length(hashes) = 8192)),
    CONSTRAINT tile_idx_check CHECK ((idx >= 0)),
    CONSTRAINT tile_level_check CHECK (((level >= 0) AND (level <= 63)))
);
ALTER TABLE ONLY cpis.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE cpis.transfer (
    id uuid NOT NULL,
    plan_id uuid NOT NULL,
    person_id uuid NOT NULL,
    sender text NOT NULL,
    receiver text NOT NULL,
    state text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    proposed bytea NOT NULL,
    decided_at timestamp with time zone,
    decided bytea,
    mac bytea,
    CONSTRAINT transfer_check CHECK ((sender <> receiver)),
    CONSTRAINT transfer_check1 CHECK (((state = 'open'::text) = (decided_at IS NULL))),
    CONSTRAINT transfer_check2 CHECK (((decided_at IS NULL) = (decided IS NULL))),
    CONSTRAINT transfer_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'declined'::text, 'withdrawn'::text])))
);

CREATE TABLE cpis.upload (
    id uuid NOT NULL,
    authority text NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    format text NOT NULL,
    extent text NOT NULL,
    sequence bigint NOT NULL,
    digest bytea DEFAULT '\x'::bytea NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    wrapped_key text NOT NULL,
    sealed bytea NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    lease_until timestamp with time zone,
    mac bytea,
    CONSTRAINT upload_extent_check CHECK ((extent = ANY (ARRAY['delta'::text, 'whole'::text]))),
    CONSTRAINT upload_format_check CHECK ((format = ANY (ARRAY['csv'::text, 'ssd'::text]))),
    CONSTRAINT upload_sequence_check CHECK ((sequence >= 0)),
    CONSTRAINT upload_size_check CHECK ((size >= 0)),
    CONSTRAINT upload_state_check CHECK ((state = ANY (ARRAY['receiving'::text, 'received'::text, 'checked'::text, 'waiting'::text, 'applying'::text, 'applied'::text, 'rejected'::text, 'cancelled'::text]))),
    CONSTRAINT upload_version_check CHECK ((version > 0))
);

CREATE TABLE cpis.upload_part (
    upload_id uuid NOT NULL,
    n integer NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT upload_part_n_check CHECK ((n >= 0))
);

CREATE TABLE cpis.upload_rows (
    upload_id uuid NOT NULL,
    run uuid NOT NULL,
    n integer NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT upload_rows_n_check CHECK ((n >= 0))
);

CREATE TABLE cpis.upload_rules (
    authority text NOT NULL,
    version integer NOT NULL,
    approve_systems boolean NOT NULL,
    max_new integer NOT NULL,
    max_changed integer NOT NULL,
    max_ending integer NOT NULL,
    max_rejected_percent integer NOT NULL,
    brake_percent integer NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    mac bytea,
    CONSTRAINT upload_rules_brake_percent_check CHECK (((brake_percent >= 0) AND (brake_percent <= 100))),
    CONSTRAINT upload_rules_max_changed_check CHECK ((max_changed >= 0)),
    CONSTRAINT upload_rules_max_ending_check CHECK ((max_ending >= 0)),
    CONSTRAINT upload_rules_max_new_check CHECK ((max_new >= 0)),
    CONSTRAINT upload_rules_max_rejected_percent_check CHECK (((max_rejected_percent >= 0) AND (max_rejected_percent <= 100))),
    CONSTRAINT upload_rules_version_check CHECK ((version > 0))
);

CREATE TABLE cpis.work_item (
    plan_id uuid NOT NULL,
    authority text NOT NULL,
    need text NOT NULL,
    mac bytea,
    CONSTRAINT work_item_mac_check CHECK ((mac IS NOT NULL)),
    CONSTRAINT work_item_need_check CHECK ((need = ANY (ARRAY['overdue'::text, 'adult'::text])))
);

CREATE TABLE cpis.work_state (
    one boolean NOT NULL,
    day date,
    at timestamp with time zone,
    filled integer NOT NULL,
    mac bytea,
    CONSTRAINT work_state_mac_check CHECK ((mac IS NOT NULL)),
    CONSTRAINT work_state_one_check CHECK (one)
);

ALTER TABLE cpis.access
    ADD CONSTRAINT access_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE cpis.access_mark
    ADD CONSTRAINT access_mark_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.access_mark
    ADD CONSTRAINT access_mark_pkey PRIMARY KEY (access_id);

ALTER TABLE ONLY cpis.access
    ADD CONSTRAINT access_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.authority
    ADD CONSTRAINT authority_dfe_code_key UNIQUE (dfe_code);

ALTER TABLE cpis.authority
    ADD CONSTRAINT authority_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.authority
    ADD CONSTRAINT authority_pkey PRIMARY KEY (gss_code);

ALTER TABLE ONLY cpis.change
    ADD CONSTRAINT change_pkey PRIMARY KEY (id);

ALTER TABLE cpis.channel
    ADD CONSTRAINT channel_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.channel
    ADD CONSTRAINT channel_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.checkpoint
    ADD CONSTRAINT checkpoint_pkey PRIMARY KEY (log, size);

ALTER TABLE ONLY cpis.client_use
    ADD CONSTRAINT client_use_pkey PRIMARY KEY (issuer, client, organisation);

ALTER TABLE ONLY cpis.colleague
    ADD CONSTRAINT colleague_pkey PRIMARY KEY (id);

ALTER TABLE cpis.delivery
    ADD CONSTRAINT delivery_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (channel_id, notice_id);

ALTER TABLE ONLY cpis.digest
    ADD CONSTRAINT digest_pkey PRIMARY KEY (organisation, week);

ALTER TABLE cpis.dispatched
    ADD CONSTRAINT dispatched_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.dispatched
    ADD CONSTRAINT dispatched_pkey PRIMARY KEY (authority, log);

ALTER TABLE ONLY cpis.draft
    ADD CONSTRAINT draft_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.entry_index
    ADD CONSTRAINT entry_index_pkey PRIMARY KEY (log, idx);

ALTER TABLE ONLY cpis.entry_index_state
    ADD CONSTRAINT entry_index_state_pkey PRIMARY KEY (log);

ALTER TABLE ONLY cpis.entry
    ADD CONSTRAINT entry_pkey PRIMARY KEY (log, idx);

ALTER TABLE ONLY cpis.export_part
    ADD CONSTRAINT export_part_pkey PRIMARY KEY (export_id, attempt, stream, n);

ALTER TABLE ONLY cpis.export
    ADD CONSTRAINT export_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.former_index_key
    ADD CONSTRAINT former_index_key_pkey PRIMARY KEY (version);

ALTER TABLE ONLY cpis.holding
    ADD CONSTRAINT holding_authority_person_id_key UNIQUE (authority, person_id);

ALTER TABLE ONLY cpis.holding
    ADD CONSTRAINT holding_pkey PRIMARY KEY (id);

ALTER TABLE cpis.idempotency
    ADD CONSTRAINT idempotency_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (organisation, key);

ALTER TABLE ONLY cpis.index_key
    ADD CONSTRAINT index_key_pkey PRIMARY KEY (version);

ALTER TABLE ONLY cpis.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (log, claim);

ALTER TABLE ONLY cpis.log_head
    ADD CONSTRAINT log_head_pkey PRIMARY KEY (log);

ALTER TABLE ONLY cpis.log
    ADD CONSTRAINT log_origin_key UNIQUE (origin);

ALTER TABLE ONLY cpis.log
    ADD CONSTRAINT log_pkey PRIMARY KEY (id);

ALTER TABLE cpis.notice_act
    ADD CONSTRAINT notice_act_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.notice_act
    ADD CONSTRAINT notice_act_pkey PRIMARY KEY (notice_id, version);

ALTER TABLE cpis.notice
    ADD CONSTRAINT notice_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (id);

ALTER TABLE cpis.organisation
    ADD CONSTRAINT organisation_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.organisation
    ADD CONSTRAINT organisation_pkey PRIMARY KEY (code);

ALTER TABLE cpis.person
    ADD CONSTRAINT person_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);

ALTER TABLE cpis.person_tag
    ADD CONSTRAINT person_tag_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.person_tag
    ADD CONSTRAINT person_tag_pkey PRIMARY KEY (tag) INCLUDE (person_id);

ALTER TABLE cpis.person_version
    ADD CONSTRAINT person_version_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.person_version
    ADD CONSTRAINT person_version_pkey PRIMARY KEY (person_id, version);

ALTER TABLE ONLY cpis.plan_index
    ADD CONSTRAINT plan_index_pkey PRIMARY KEY (plan_id, index_version);

ALTER TABLE cpis.plan
    ADD CONSTRAINT plan_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (id);

ALTER TABLE cpis.plan_version
    ADD CONSTRAINT plan_version_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.plan_version
    ADD CONSTRAINT plan_version_pkey PRIMARY KEY (plan_id, version);

ALTER TABLE cpis.proposal
    ADD CONSTRAINT proposal_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.proposal
    ADD CONSTRAINT proposal_pkey PRIMARY KEY (id);

ALTER TABLE cpis.proposal
    ADD CONSTRAINT proposal_two CHECK (((state <> 'accepted'::text) OR (lower(btrim(decided_by)) <> lower(btrim(proposed_by))) OR ((proposed_issuer <> ''::text) AND (decided_issuer <> ''::text) AND (decided_issuer <> proposed_issuer)))) NOT VALID;

ALTER TABLE ONLY cpis.release
    ADD CONSTRAINT release_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.report
    ADD CONSTRAINT report_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.retention
    ADD CONSTRAINT retention_pkey PRIMARY KEY (log, first);

ALTER TABLE cpis.review
    ADD CONSTRAINT review_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.review
    ADD CONSTRAINT review_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.review_place
    ADD CONSTRAINT review_place_pkey PRIMARY KEY (log);

ALTER TABLE ONLY cpis.review_sample
    ADD CONSTRAINT review_sample_pkey PRIMARY KEY (log, organisation, week);

ALTER TABLE cpis.review
    ADD CONSTRAINT review_two CHECK ((lower(btrim(closed_by)) <> lower(btrim(actor)))) NOT VALID;

ALTER TABLE ONLY cpis.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.set_aside
    ADD CONSTRAINT set_aside_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.tile
    ADD CONSTRAINT tile_pkey PRIMARY KEY (log, level, idx);

ALTER TABLE cpis.transfer
    ADD CONSTRAINT transfer_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (id);

ALTER TABLE cpis.upload
    ADD CONSTRAINT upload_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.upload_part
    ADD CONSTRAINT upload_part_pkey PRIMARY KEY (upload_id, n);

ALTER TABLE ONLY cpis.upload
    ADD CONSTRAINT upload_pkey PRIMARY KEY (id);

ALTER TABLE ONLY cpis.upload_rows
    ADD CONSTRAINT upload_rows_pkey PRIMARY KEY (upload_id, run, n);

ALTER TABLE cpis.upload_rules
    ADD CONSTRAINT upload_rules_mac_check CHECK ((mac IS NOT NULL)) NOT VALID;

ALTER TABLE ONLY cpis.upload_rules
    ADD CONSTRAINT upload_rules_pkey PRIMARY KEY (authority, version);

ALTER TABLE ONLY cpis.work_item
    ADD CONSTRAINT work_item_pkey PRIMARY KEY (plan_id);

ALTER TABLE ONLY cpis.work_state
    ADD CONSTRAINT work_state_pkey PRIMARY KEY (one);

CREATE INDEX access_encounter ON cpis.access USING btree (person_id, encounter) WHERE (encounter IS NOT NULL);

CREATE INDEX access_person ON cpis.access USING btree (person_id, at DESC, id DESC);

CREATE UNIQUE INDEX channel_rank ON cpis.channel USING btree (authority, rank) WHERE (removed_at IS NULL);

CREATE INDEX colleague_authority ON cpis.colleague USING btree (authority, seen_on DESC);

CREATE INDEX delivery_due ON cpis.delivery USING btree (channel_id, due_at, log, entry, notice_id) WHERE (state = 'pending'::text);

CREATE INDEX delivery_first ON cpis.delivery USING btree (channel_id, first_at) WHERE (state = 'pending'::text);

CREATE INDEX delivery_notice ON cpis.delivery USING btree (notice_id);

CREATE INDEX delivery_person ON cpis.delivery USING btree (channel_id, person_id, log, entry) WHERE (state = 'pending'::text);

CREATE INDEX delivery_undelivered ON cpis.delivery USING btree (channel_id) WHERE (state = 'undelivered'::text);

CREATE INDEX draft_expires ON cpis.draft USING btree (expires_at);

CREATE INDEX draft_owner ON cpis.draft USING btree (owner) WHERE until_log_out;

CREATE INDEX entry_index_actor ON cpis.entry_index USING btree (actor, at, log, idx);

CREATE INDEX entry_index_at ON cpis.entry_index USING btree (at, log, idx);

CREATE INDEX entry_index_break_glass ON cpis.entry_index USING btree (at, log, idx) WHERE break_glass;

CREATE INDEX entry_index_no_encounter ON cpis.entry_index USING btree (at, log, idx) WHERE ((topic = 'look_up'::text) AND (NOT encounter));

CREATE INDEX entry_index_organisation ON cpis.entry_index USING btree (organisation, at, log, idx);

CREATE INDEX entry_index_out_of_hours ON cpis.entry_index USING btree (at, log, idx) WHERE out_of_hours;

CREATE INDEX entry_index_refused ON cpis.entry_index USING btree (at, log, idx) WHERE refused;

CREATE INDEX entry_index_request ON cpis.entry_index USING btree (request) WHERE (request IS NOT NULL);

CREATE INDEX entry_index_restricted ON cpis.entry_index USING btree (subject) WHERE restricted;

CREATE INDEX entry_index_subject ON cpis.entry_index USING btree (subject, at, log, idx) WHERE (subject IS NOT NULL);

CREATE INDEX entry_index_topic ON cpis.entry_index USING btree (topic, at, log, idx) WHERE ((topic <> 'look_up'::text) AND (topic <> 'reading'::text));

CREATE INDEX export_due ON cpis.export USING btree (lease_until) WHERE (state = 'making'::text);

CREATE INDEX export_expires ON cpis.export USING btree (expires_at);

CREATE INDEX export_organisation ON cpis.export USING btree (organisation);

CREATE INDEX export_owner ON cpis.export USING btree (owner, id);

CREATE INDEX idempotency_created ON cpis.idempotency USING btree (created_at);

CREATE UNIQUE INDEX notice_corrects ON cpis.notice USING btree (corrects) WHERE (corrects IS NOT NULL);

CREATE INDEX notice_encounter ON cpis.notice USING btree (person_id, encounter) WHERE (encounter IS NOT NULL);

CREATE INDEX notice_inbox ON cpis.notice USING btree (authority, at DESC, id DESC);

CREATE INDEX notice_open ON cpis.notice USING btree (authority, at) WHERE (acknowledged_at IS NULL);

CREATE INDEX notice_order ON cpis.notice USING btree (authority, log, entry, id);

CREATE INDEX notice_person ON cpis.notice USING btree (person_id, at DESC);

CREATE INDEX person_tag_person ON cpis.person_tag USING btree (person_id, index_version);

CREATE INDEX person_version_restricted ON cpis.person_version USING btree (changed_at) WHERE restricted;

CREATE INDEX plan_authority ON cpis.plan USING btree (authority, id);

CREATE INDEX plan_changed ON cpis.plan USING btree (authority, changed_at, id) WHERE (NOT removed);

CREATE INDEX plan_index_comes ON cpis.plan_index USING btree (comes) WHERE (comes IS NOT NULL);

CREATE INDEX plan_index_goes ON cpis.plan_index USING btree (goes) WHERE (goes IS NOT NULL);

CREATE INDEX plan_index_names ON cpis.plan_index USING gin (names) WITH (fastupdate=off);

CREATE INDEX plan_person ON cpis.plan USING btree (person_id);

CREATE INDEX plan_version_person ON cpis.plan_version USING btree (person_id, plan_id);

CREATE INDEX plan_visible ON cpis.plan USING btree (authority, COALESCE(visible_until, 'infinity'::date), id) WHERE (NOT removed);

CREATE INDEX proposal_authority ON cpis.proposal USING btree (authority, id);

CREATE INDEX proposal_from ON cpis.proposal USING btree (from_id) WHERE (from_id IS NOT NULL);

CREATE UNIQUE INDEX proposal_open ON cpis.proposal USING btree (authority, person_id, kind) WHERE (state = 'open'::text);

CREATE INDEX proposal_person ON cpis.proposal USING btree (person_id);

CREATE UNIQUE INDEX proposal_undone ON cpis.proposal USING btree (merge_id) WHERE (state = 'accepted'::text);

CREATE INDEX release_organisation ON cpis.release USING btree (organisation, id);

CREATE INDEX release_subject ON cpis.release USING btree (subject);

CREATE INDEX report_request ON cpis.report USING btree (request);

CREATE INDEX review_done ON cpis.review USING btree (organisation, at, id) WHERE (closed_at IS NOT NULL);

CREATE INDEX review_entry ON cpis.review USING btree (log, entry);

CREATE UNIQUE INDEX review_once ON cpis.review USING btree (log, entry, kind) WHERE (kind <> 'break_glass'::text);

CREATE INDEX review_open ON cpis.review USING btree (organisation, at, id) WHERE (closed_at IS NULL);

CREATE INDEX session_expires ON cpis.session USING btree (expires_at);

CREATE INDEX session_provider ON cpis.session USING btree (provider_session);

CREATE INDEX session_subject ON cpis.session USING btree (subject);

CREATE UNIQUE INDEX transfer_open ON cpis.transfer USING btree (plan_id) WHERE (state = 'open'::text);

CREATE INDEX transfer_receiver ON cpis.transfer USING btree (receiver, id);

CREATE INDEX transfer_sender ON cpis.transfer USING btree (sender, id);

CREATE INDEX upload_authority ON cpis.upload USING btree (authority, id);

CREATE INDEX upload_busy ON cpis.upload USING btree (lease_until) WHERE (state = ANY (ARRAY['receiving'::text, 'received'::text, 'applying'::text]));

CREATE INDEX upload_kept ON cpis.upload USING btree (changed_at) WHERE (wrapped_key <> ''::text);

CREATE UNIQUE INDEX upload_sequence ON cpis.upload USING btree (authority, sequence) WHERE ((sequence > 0) AND (state = ANY (ARRAY['applying'::text, 'applied'::text])));

CREATE INDEX work_item_authority ON cpis.work_item USING btree (authority, need, plan_id);

ALTER TABLE ONLY cpis.access_mark
    ADD CONSTRAINT access_mark_access_id_fkey FOREIGN KEY (access_id) REFERENCES cpis.access(id);

ALTER TABLE ONLY cpis.change
    ADD CONSTRAINT change_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.channel
    ADD CONSTRAINT channel_authority_fkey FOREIGN KEY (authority) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.checkpoint
    ADD CONSTRAINT checkpoint_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.colleague
    ADD CONSTRAINT colleague_authority_fkey FOREIGN KEY (authority) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.delivery
    ADD CONSTRAINT delivery_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES cpis.channel(id);

ALTER TABLE ONLY cpis.delivery
    ADD CONSTRAINT delivery_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES cpis.notice(id);

ALTER TABLE ONLY cpis.dispatched
    ADD CONSTRAINT dispatched_authority_fkey FOREIGN KEY (authority) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.dispatched
    ADD CONSTRAINT dispatched_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.entry_index_state
    ADD CONSTRAINT entry_index_state_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.export_part
    ADD CONSTRAINT export_part_export_id_fkey FOREIGN KEY (export_id) REFERENCES cpis.export(id);

ALTER TABLE ONLY cpis.holding
    ADD CONSTRAINT holding_authority_fkey FOREIGN KEY (authority) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.holding
    ADD CONSTRAINT holding_person_id_fkey FOREIGN KEY (person_id) REFERENCES cpis.person(id);

ALTER TABLE ONLY cpis.instance
    ADD CONSTRAINT instance_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.log_head
    ADD CONSTRAINT log_head_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.notice_act
    ADD CONSTRAINT notice_act_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES cpis.notice(id);

ALTER TABLE ONLY cpis.person_tag
    ADD CONSTRAINT person_tag_index_version_fkey FOREIGN KEY (index_version) REFERENCES cpis.index_key(version);

ALTER TABLE ONLY cpis.person_tag
    ADD CONSTRAINT person_tag_person_id_fkey FOREIGN KEY (person_id) REFERENCES cpis.person(id);

ALTER TABLE ONLY cpis.person_version
    ADD CONSTRAINT person_version_person_id_fkey FOREIGN KEY (person_id) REFERENCES cpis.person(id);

ALTER TABLE ONLY cpis.plan
    ADD CONSTRAINT plan_authority_fkey FOREIGN KEY (authority) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.plan_index
    ADD CONSTRAINT plan_index_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES cpis.plan(id);

ALTER TABLE ONLY cpis.plan
    ADD CONSTRAINT plan_person_id_fkey FOREIGN KEY (person_id) REFERENCES cpis.person(id);

ALTER TABLE ONLY cpis.plan
    ADD CONSTRAINT plan_transfer_to_fkey FOREIGN KEY (transfer_to) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.plan_version
    ADD CONSTRAINT plan_version_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES cpis.plan(id);

ALTER TABLE ONLY cpis.proposal
    ADD CONSTRAINT proposal_authority_fkey FOREIGN KEY (authority) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.proposal
    ADD CONSTRAINT proposal_from_id_fkey FOREIGN KEY (from_id) REFERENCES cpis.person(id);

ALTER TABLE ONLY cpis.proposal
    ADD CONSTRAINT proposal_merge_id_fkey FOREIGN KEY (merge_id) REFERENCES cpis.proposal(id);

ALTER TABLE ONLY cpis.proposal
    ADD CONSTRAINT proposal_person_id_fkey FOREIGN KEY (person_id) REFERENCES cpis.person(id);

ALTER TABLE ONLY cpis.retention
    ADD CONSTRAINT retention_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.review_place
    ADD CONSTRAINT review_place_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.review_sample
    ADD CONSTRAINT review_sample_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.set_aside
    ADD CONSTRAINT set_aside_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.tile
    ADD CONSTRAINT tile_log_fkey FOREIGN KEY (log) REFERENCES cpis.log(id);

ALTER TABLE ONLY cpis.transfer
    ADD CONSTRAINT transfer_person_id_fkey FOREIGN KEY (person_id) REFERENCES cpis.person(id);

ALTER TABLE ONLY cpis.transfer
    ADD CONSTRAINT transfer_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES cpis.plan(id);

ALTER TABLE ONLY cpis.transfer
    ADD CONSTRAINT transfer_receiver_fkey FOREIGN KEY (receiver) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.transfer
    ADD CONSTRAINT transfer_sender_fkey FOREIGN KEY (sender) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.upload
    ADD CONSTRAINT upload_authority_fkey FOREIGN KEY (authority) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.upload_part
    ADD CONSTRAINT upload_part_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES cpis.upload(id);

ALTER TABLE ONLY cpis.upload_rows
    ADD CONSTRAINT upload_rows_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES cpis.upload(id);

ALTER TABLE ONLY cpis.upload_rules
    ADD CONSTRAINT upload_rules_authority_fkey FOREIGN KEY (authority) REFERENCES cpis.authority(gss_code);

ALTER TABLE ONLY cpis.work_item
    ADD CONSTRAINT work_item_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES cpis.plan(id);

GRANT USAGE ON SCHEMA cpis TO cpis_app;
GRANT USAGE ON SCHEMA cpis TO cpis_auditor;

GRANT SELECT,INSERT ON TABLE cpis.access TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.access_mark TO cpis_app;

GRANT SELECT ON TABLE cpis.authority TO cpis_app;

GRANT UPDATE(office_phone) ON TABLE cpis.authority TO cpis_app;

GRANT UPDATE(office_hours) ON TABLE cpis.authority TO cpis_app;

GRANT UPDATE(duty_phone) ON TABLE cpis.authority TO cpis_app;

GRANT UPDATE(confirmed_at) ON TABLE cpis.authority TO cpis_app;

GRANT UPDATE(contact_version) ON TABLE cpis.authority TO cpis_app;

GRANT UPDATE(reminded_at) ON TABLE cpis.authority TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.authority TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.change TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(version) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(rank) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(paused) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(wrapped_key) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(sealed) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(changed_at) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(removed_at) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(failures) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(failed_at) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(rests_until) ON TABLE cpis.channel TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.channel TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.checkpoint TO cpis_app;
GRANT SELECT ON TABLE cpis.checkpoint TO cpis_auditor;

GRANT SELECT,INSERT ON TABLE cpis.client_use TO cpis_app;

GRANT UPDATE(first_day) ON TABLE cpis.client_use TO cpis_app;

GRANT UPDATE(last_day) ON TABLE cpis.client_use TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.colleague TO cpis_app;

GRANT UPDATE(seen_on) ON TABLE cpis.colleague TO cpis_app;

GRANT UPDATE(wrapped_key) ON TABLE cpis.colleague TO cpis_app;

GRANT UPDATE(sealed) ON TABLE cpis.colleague TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.delivery TO cpis_app;

GRANT UPDATE(state) ON TABLE cpis.delivery TO cpis_app;

GRANT UPDATE(attempts) ON TABLE cpis.delivery TO cpis_app;

GRANT UPDATE(first_at) ON TABLE cpis.delivery TO cpis_app;

GRANT UPDATE(due_at) ON TABLE cpis.delivery TO cpis_app;

GRANT UPDATE(last_at) ON TABLE cpis.delivery TO cpis_app;

GRANT UPDATE(failure) ON TABLE cpis.delivery TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.delivery TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.digest TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.dispatched TO cpis_app;

GRANT UPDATE(entry) ON TABLE cpis.dispatched TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.dispatched TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.draft TO cpis_app;

GRANT UPDATE(until_log_out) ON TABLE cpis.draft TO cpis_app;

GRANT UPDATE(expires_at) ON TABLE cpis.draft TO cpis_app;

GRANT UPDATE(sealed) ON TABLE cpis.draft TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.entry TO cpis_app;
GRANT SELECT ON TABLE cpis.entry TO cpis_auditor;

GRANT SELECT,INSERT ON TABLE cpis.entry_index TO cpis_app;
GRANT SELECT ON TABLE cpis.entry_index TO cpis_auditor;

GRANT SELECT,INSERT ON TABLE cpis.entry_index_state TO cpis_app;
GRANT SELECT ON TABLE cpis.entry_index_state TO cpis_auditor;

GRANT UPDATE(next) ON TABLE cpis.entry_index_state TO cpis_app;

GRANT UPDATE(checked) ON TABLE cpis.entry_index_state TO cpis_app;

GRANT UPDATE(damaged_at) ON TABLE cpis.entry_index_state TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(state) ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(attempt) ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(entries) ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(size) ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(done) ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(work) ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(lease_until) ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(wrapped_key) ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.export TO cpis_app;

GRANT UPDATE(seen) ON TABLE cpis.export TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.export_part TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.former_index_key TO cpis_app;

GRANT UPDATE(wrapped) ON TABLE cpis.former_index_key TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.holding TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.idempotency TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.index_key TO cpis_app;

GRANT UPDATE(wrapped) ON TABLE cpis.index_key TO cpis_app;

GRANT SELECT ON TABLE cpis.instance TO cpis_app;
GRANT SELECT ON TABLE cpis.instance TO cpis_auditor;

GRANT SELECT ON TABLE cpis.log TO cpis_app;
GRANT SELECT ON TABLE cpis.log TO cpis_auditor;

GRANT SELECT ON TABLE cpis.log_head TO cpis_app;
GRANT SELECT ON TABLE cpis.log_head TO cpis_auditor;

GRANT UPDATE(size) ON TABLE cpis.log_head TO cpis_app;

GRANT UPDATE(frontier) ON TABLE cpis.log_head TO cpis_app;

GRANT UPDATE(root) ON TABLE cpis.log_head TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.notice TO cpis_app;

GRANT UPDATE(version) ON TABLE cpis.notice TO cpis_app;

GRANT UPDATE(acknowledged_at) ON TABLE cpis.notice TO cpis_app;

GRANT UPDATE(assigned_to) ON TABLE cpis.notice TO cpis_app;

GRANT UPDATE(undelivered) ON TABLE cpis.notice TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.notice TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.notice_act TO cpis_app;

GRANT SELECT ON TABLE cpis.organisation TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.person TO cpis_app;

GRANT UPDATE(restricted) ON TABLE cpis.person TO cpis_app;

GRANT UPDATE(wrapped_key) ON TABLE cpis.person TO cpis_app;

GRANT UPDATE(version) ON TABLE cpis.person TO cpis_app;

GRANT UPDATE(sealed) ON TABLE cpis.person TO cpis_app;

GRANT UPDATE(changed_at) ON TABLE cpis.person TO cpis_app;

GRANT UPDATE(erased_at) ON TABLE cpis.person TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.person TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.person_tag TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.person_version TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.plan TO cpis_app;

GRANT UPDATE(person_id) ON TABLE cpis.plan TO cpis_app;

GRANT UPDATE(authority) ON TABLE cpis.plan TO cpis_app;

GRANT UPDATE(version) ON TABLE cpis.plan TO cpis_app;

GRANT UPDATE(visible_until) ON TABLE cpis.plan TO cpis_app;

GRANT UPDATE(removed) ON TABLE cpis.plan TO cpis_app;

GRANT UPDATE(sealed) ON TABLE cpis.plan TO cpis_app;

GRANT UPDATE(changed_at) ON TABLE cpis.plan TO cpis_app;

GRANT UPDATE(transfer_to) ON TABLE cpis.plan TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.plan TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.plan_index TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.plan_version TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.proposal TO cpis_app;

GRANT UPDATE(state) ON TABLE cpis.proposal TO cpis_app;

GRANT UPDATE(decided_by) ON TABLE cpis.proposal TO cpis_app;

GRANT UPDATE(decided_at) ON TABLE cpis.proposal TO cpis_app;

GRANT UPDATE(decided) ON TABLE cpis.proposal TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.proposal TO cpis_app;

GRANT UPDATE(decided_issuer) ON TABLE cpis.proposal TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(state) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(decided_by) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(decided_issuer) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(decided_at) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(decided) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(wrapped_key) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(stood) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(ended_by) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(ended_issuer) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(ended_at) ON TABLE cpis.release TO cpis_app;

GRANT UPDATE(ended) ON TABLE cpis.release TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.report TO cpis_app;

GRANT UPDATE(wrapped_key) ON TABLE cpis.report TO cpis_app;

GRANT SELECT ON TABLE cpis.retention TO cpis_auditor;
GRANT SELECT ON TABLE cpis.retention TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.review TO cpis_app;

GRANT UPDATE(wrapped_key) ON TABLE cpis.review TO cpis_app;

GRANT UPDATE(closed_at) ON TABLE cpis.review TO cpis_app;

GRANT UPDATE(closed_by) ON TABLE cpis.review TO cpis_app;

GRANT UPDATE(outcome) ON TABLE cpis.review TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.review TO cpis_app;

GRANT UPDATE(closing) ON TABLE cpis.review TO cpis_app;

GRANT UPDATE(first_at) ON TABLE cpis.review TO cpis_app;

GRANT UPDATE(first_by) ON TABLE cpis.review TO cpis_app;

GRANT UPDATE(first_words) ON TABLE cpis.review TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.review_place TO cpis_app;

GRANT UPDATE(next) ON TABLE cpis.review_place TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.review_sample TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.session TO cpis_app;

GRANT UPDATE(expires_at) ON TABLE cpis.session TO cpis_app;

GRANT UPDATE(sealed) ON TABLE cpis.session TO cpis_app;

GRANT SELECT ON TABLE cpis.set_aside TO cpis_auditor;

GRANT SELECT,INSERT ON TABLE cpis.tile TO cpis_app;
GRANT SELECT ON TABLE cpis.tile TO cpis_auditor;

GRANT SELECT,INSERT ON TABLE cpis.transfer TO cpis_app;

GRANT UPDATE(state) ON TABLE cpis.transfer TO cpis_app;

GRANT UPDATE(decided_at) ON TABLE cpis.transfer TO cpis_app;

GRANT UPDATE(decided) ON TABLE cpis.transfer TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.transfer TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(version) ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(state) ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(digest) ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(size) ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(wrapped_key) ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(sealed) ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(counts) ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(changed_at) ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(lease_until) ON TABLE cpis.upload TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.upload TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.upload_part TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.upload_rows TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.upload_rules TO cpis_app;

GRANT SELECT,INSERT,DELETE ON TABLE cpis.work_item TO cpis_app;

GRANT SELECT,INSERT ON TABLE cpis.work_state TO cpis_app;

GRANT UPDATE(day) ON TABLE cpis.work_state TO cpis_app;

GRANT UPDATE(at) ON TABLE cpis.work_state TO cpis_app;

GRANT UPDATE(filled) ON TABLE cpis.work_state TO cpis_app;

GRANT UPDATE(mac) ON TABLE cpis.work_state TO cpis_app;

