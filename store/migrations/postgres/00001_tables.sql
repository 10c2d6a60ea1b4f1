-- +goose Up
CREATE TABLE punctual_schedule (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text        NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    deleted_at   timestamptz,
    owner_kind   text        NOT NULL,
    owner_name   text        NOT NULL DEFAULT '',
    description  text        NOT NULL DEFAULT '',
    tags         text        NOT NULL DEFAULT '[]',
    job          text        NOT NULL,
    policies     text        NOT NULL,
    queue        text        NOT NULL,
    limit_group  text        NOT NULL DEFAULT '',
    format       integer     NOT NULL,
    error        text        NOT NULL DEFAULT '',
    error_at     timestamptz,
    history_from timestamptz NOT NULL,
    version      bigint      NOT NULL DEFAULT 1
);
CREATE INDEX punctual_schedule_limit ON punctual_schedule (limit_group) WHERE limit_group <> '';

-- One narrow row a schedule with all that moves. It is updated with every
-- occurrence, so it leaves room for updates in place and is vacuumed early.
CREATE TABLE punctual_due (
    schedule_id   bigint      PRIMARY KEY REFERENCES punctual_schedule (id),
    cursor_at     timestamptz NOT NULL,
    cursor_local  text        NOT NULL DEFAULT '',
    met_at        timestamptz,
    next_due_at   timestamptz,
    waiting_for   text        NOT NULL DEFAULT '',
    waiting_due_at timestamptz,
    wait_until    timestamptz,
    in_line       integer     NOT NULL DEFAULT 0,
    covered_count integer     NOT NULL DEFAULT 0,
    covered_since timestamptz,
    skip_at       timestamptz,
    last_job_id   bigint      NOT NULL DEFAULT 0,
    tzdata        text        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX punctual_due_next ON punctual_due (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX punctual_due_waiting ON punctual_due (waiting_due_at) WHERE waiting_for <> '';

CREATE TABLE punctual_definition (
    schedule_id bigint      NOT NULL REFERENCES punctual_schedule (id),
    from_at     timestamptz NOT NULL,
    expressions text        NOT NULL,
    zone        text        NOT NULL DEFAULT '',
    not_before  timestamptz,
    not_after   timestamptz,
    except_dates text       NOT NULL DEFAULT '[]',
    after_local text        NOT NULL DEFAULT '',
    jitter_ms   bigint      NOT NULL DEFAULT 0,
    seed        text        NOT NULL,
    tzdata      text        NOT NULL,
    author      text        NOT NULL,
    declared_at timestamptz NOT NULL,
    PRIMARY KEY (schedule_id, from_at)
);

CREATE TABLE punctual_pause (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope       text        NOT NULL, -- schedule, tag or all
    schedule_id bigint      REFERENCES punctual_schedule (id),
    tag         text        NOT NULL DEFAULT '',
    origin      text        NOT NULL, -- hand or environment
    from_at     timestamptz NOT NULL,
    until_at    timestamptz,
    note        text        NOT NULL DEFAULT '',
    author      text        NOT NULL
);
CREATE INDEX punctual_pause_until ON punctual_pause (until_at);
CREATE INDEX punctual_pause_schedule ON punctual_pause (schedule_id);

-- The ledger: every decision, and what came of it.
CREATE TABLE punctual_occurrence (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule_id    bigint      NOT NULL,
    nominal_at     timestamptz, -- null for a trigger
    until_at       timestamptz, -- the last of a stretch of skipped nominals
    count          integer     NOT NULL DEFAULT 1,
    due_at         timestamptz NOT NULL,
    origin         text        NOT NULL, -- clock, backfill or trigger
    run            bigint      NOT NULL DEFAULT 0, -- the backfill
    trigger_id     text        NOT NULL DEFAULT '',
    decision       text        NOT NULL, -- enqueued or skipped
    reason         text        NOT NULL DEFAULT '',
    blocker_job_id bigint      NOT NULL DEFAULT 0,
    job_id         bigint,
    decided_at     timestamptz NOT NULL,
    rewound_at     timestamptz, -- the time was set back to this instant after it had been enqueued
    note           text        NOT NULL DEFAULT '',
    author         text        NOT NULL DEFAULT '',
    outcome        text,
    attempts       integer     NOT NULL DEFAULT 0,
    started_at     timestamptz,
    finished_at    timestamptz,
    error          text        NOT NULL DEFAULT '',
    seen_at        timestamptz, -- of a failure: when somebody said to have seen it
    seen_by        text        NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX punctual_occurrence_clock ON punctual_occurrence (schedule_id, nominal_at) WHERE origin = 'clock';
CREATE UNIQUE INDEX punctual_occurrence_backfill ON punctual_occurrence (schedule_id, nominal_at, run) WHERE origin = 'backfill';
CREATE UNIQUE INDEX punctual_occurrence_trigger ON punctual_occurrence (trigger_id) WHERE origin = 'trigger';
CREATE INDEX punctual_occurrence_open ON punctual_occurrence (schedule_id, job_id) WHERE job_id IS NOT NULL AND outcome IS NULL;
CREATE INDEX punctual_occurrence_job ON punctual_occurrence (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX punctual_occurrence_schedule ON punctual_occurrence (schedule_id, id);
CREATE INDEX punctual_occurrence_success ON punctual_occurrence (schedule_id, finished_at) WHERE outcome = 'succeeded';
CREATE INDEX punctual_occurrence_unseen ON punctual_occurrence (id) WHERE outcome IN ('failed', 'expired') AND seen_at IS NULL;
CREATE INDEX punctual_occurrence_decided ON punctual_occurrence USING brin (decided_at);

CREATE TABLE punctual_process (
    id         text        PRIMARY KEY,
    role       text        NOT NULL,
    host       text        NOT NULL,
    machine    text        NOT NULL DEFAULT '', -- within which pid names one process
    pid        integer     NOT NULL,
    version    text        NOT NULL,
    format     integer     NOT NULL,
    started_at timestamptz NOT NULL,
    beat_at    timestamptz NOT NULL,
    tick_at    timestamptz,
    stopped_at timestamptz,
    lost_at    timestamptz,
    concurrency integer    NOT NULL DEFAULT 0,
    queues     text        NOT NULL DEFAULT 'null'
);

CREATE TABLE punctual_output (
    job_id   bigint      NOT NULL,
    attempt  integer     NOT NULL,
    sequence integer     NOT NULL,
    at       timestamptz NOT NULL,
    stream   text        NOT NULL,
    data     bytea       NOT NULL,
    PRIMARY KEY (job_id, attempt, sequence)
);

-- How far running jobs say they are; one row a job.
CREATE TABLE punctual_progress (
    job_id   bigint           PRIMARY KEY,
    attempt  integer          NOT NULL,
    at       timestamptz      NOT NULL,
    fraction double precision NOT NULL,
    note     text             NOT NULL DEFAULT ''
);

CREATE TABLE punctual_activity (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    author      text        NOT NULL,
    action      text        NOT NULL,
    schedule_id bigint,
    subject     text        NOT NULL DEFAULT '',
    detail      text        NOT NULL DEFAULT ''
);
CREATE INDEX punctual_activity_at ON punctual_activity (at);

CREATE TABLE punctual_backfill (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule_id bigint      NOT NULL REFERENCES punctual_schedule (id),
    from_at     timestamptz NOT NULL,
    to_at       timestamptz NOT NULL,
    rerun       integer     NOT NULL DEFAULT 0,
    cursor_at   timestamptz NOT NULL,
    total       integer     NOT NULL,
    enqueued    integer     NOT NULL DEFAULT 0,
    last_job_id bigint      NOT NULL DEFAULT 0,
    author      text        NOT NULL,
    created_at  timestamptz NOT NULL,
    stopped_at  timestamptz,
    finished_at timestamptz,
    version     bigint      NOT NULL DEFAULT 1
);
CREATE INDEX punctual_backfill_open ON punctual_backfill (id) WHERE finished_at IS NULL AND stopped_at IS NULL;

CREATE TABLE punctual_limit (
    name   text    PRIMARY KEY,
    number integer NOT NULL,
    owner  text    NOT NULL DEFAULT '' -- who declared it last
);

-- Who may use the web process. Of secrets only what cannot be turned back is
-- kept: Argon2id of passwords, SHA-256 of what is random.
CREATE TABLE punctual_user (
    name        text        PRIMARY KEY,
    role        text        NOT NULL, -- viewer, operator or admin
    password    text        NOT NULL,
    password_at timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    author      text        NOT NULL
);

CREATE TABLE punctual_token (
    name       text        PRIMARY KEY,
    role       text        NOT NULL, -- viewer, operator or admin
    hash       text        NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    used_at    timestamptz,
    author     text        NOT NULL
);

CREATE TABLE punctual_session (
    hash       text        PRIMARY KEY,
    user_name  text        NOT NULL, -- of punctual_user, or the user of PUNCTUAL_PASSWORD
    proof      text        NOT NULL, -- that the password has not changed since
    created_at timestamptz NOT NULL,
    used_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX punctual_session_user ON punctual_session (user_name);

-- One row. A pause by tag or of everything moves it; a clock's transaction
-- holds it shared, so that nothing is enqueued behind a pause's back.
CREATE TABLE punctual_change (
    id      integer PRIMARY KEY,
    version bigint  NOT NULL
);
INSERT INTO punctual_change (id, version) VALUES (1, 1);

-- +goose Down
DROP TABLE punctual_change, punctual_session, punctual_token, punctual_user, punctual_limit, punctual_backfill, punctual_activity, punctual_progress, punctual_output,
    punctual_process, punctual_occurrence, punctual_pause, punctual_definition, punctual_due, punctual_schedule;
