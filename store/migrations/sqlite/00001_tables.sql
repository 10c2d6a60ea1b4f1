-- +goose Up
-- Instants are integer microseconds since the Unix epoch, UTC.
CREATE TABLE punctual_schedule (
    id           integer PRIMARY KEY AUTOINCREMENT,
    key          text NOT NULL UNIQUE,
    created_at   integer NOT NULL,
    updated_at   integer NOT NULL,
    deleted_at   integer,
    owner_kind   text NOT NULL,
    owner_name   text NOT NULL DEFAULT '',
    description  text NOT NULL DEFAULT '',
    tags         text NOT NULL DEFAULT '[]',
    job          text NOT NULL,
    policies     text NOT NULL,
    queue        text NOT NULL,
    limit_group  text NOT NULL DEFAULT '',
    format       integer NOT NULL,
    error        text NOT NULL DEFAULT '',
    error_at     integer,
    history_from integer NOT NULL,
    version      integer NOT NULL DEFAULT 1
);
CREATE INDEX punctual_schedule_limit ON punctual_schedule (limit_group) WHERE limit_group <> '';

-- One narrow row a schedule with all that moves.
CREATE TABLE punctual_due (
    schedule_id   integer PRIMARY KEY REFERENCES punctual_schedule (id),
    cursor_at     integer NOT NULL,
    cursor_local  text NOT NULL DEFAULT '',
    met_at        integer,
    next_due_at   integer,
    waiting_for   text NOT NULL DEFAULT '',
    waiting_due_at integer,
    wait_until    integer,
    in_line       integer NOT NULL DEFAULT 0,
    covered_count integer NOT NULL DEFAULT 0,
    covered_since integer,
    skip_at       integer,
    last_job_id   integer NOT NULL DEFAULT 0,
    tzdata        text NOT NULL,
    version       integer NOT NULL DEFAULT 1
);
CREATE INDEX punctual_due_next ON punctual_due (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX punctual_due_waiting ON punctual_due (waiting_due_at) WHERE waiting_for <> '';

CREATE TABLE punctual_definition (
    schedule_id integer NOT NULL REFERENCES punctual_schedule (id),
    from_at     integer NOT NULL,
    expressions text NOT NULL,
    zone        text NOT NULL DEFAULT '',
    not_before  integer,
    not_after   integer,
    except_dates text NOT NULL DEFAULT '[]',
    after_local text NOT NULL DEFAULT '',
    jitter_ms   integer NOT NULL DEFAULT 0,
    seed        text NOT NULL,
    tzdata      text NOT NULL,
    author      text NOT NULL,
    declared_at integer NOT NULL,
 PRIMARY KEY (schedule_id, from_at)
);

CREATE TABLE punctual_pause (
    id          integer PRIMARY KEY AUTOINCREMENT,
    scope       text NOT NULL, -- schedule, tag or all
    schedule_id integer REFERENCES punctual_schedule (id),
    tag         text NOT NULL DEFAULT '',
    origin      text NOT NULL, -- hand or environment
    from_at     integer NOT NULL,
    until_at    integer,
    note        text NOT NULL DEFAULT '',
    author      text NOT NULL
);
CREATE INDEX punctual_pause_until ON punctual_pause (until_at);
CREATE INDEX punctual_pause_schedule ON punctual_pause (schedule_id);

-- The ledger: every decision, and what came of it.
CREATE TABLE punctual_occurrence (
    id             integer PRIMARY KEY AUTOINCREMENT,
    schedule_id    integer NOT NULL,
    nominal_at     integer, -- null for a trigger
    until_at       integer, -- the last of a stretch of skipped nominals
    count          integer NOT NULL DEFAULT 1,
    due_at         integer NOT NULL,
    origin         text NOT NULL, -- clock, backfill or trigger
    run            integer NOT NULL DEFAULT 0, -- the backfill
    trigger_id     text NOT NULL DEFAULT '',
    decision       text NOT NULL, -- enqueued or skipped
    reason         text NOT NULL DEFAULT '',
    blocker_job_id integer NOT NULL DEFAULT 0,
    job_id         integer,
    decided_at     integer NOT NULL,
    rewound_at     integer, -- the time was set back to this instant after it had been enqueued
    note           text NOT NULL DEFAULT '',
    author         text NOT NULL DEFAULT '',
    outcome        text,
    attempts       integer NOT NULL DEFAULT 0,
    started_at     integer,
    finished_at    integer,
    error          text NOT NULL DEFAULT '',
    seen_at        integer, -- of a failure: when somebody said to have seen it
    seen_by        text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX punctual_occurrence_clock ON punctual_occurrence (schedule_id, nominal_at) WHERE origin = 'clock';
CREATE UNIQUE INDEX punctual_occurrence_backfill ON punctual_occurrence (schedule_id, nominal_at, run) WHERE origin = 'backfill';
CREATE UNIQUE INDEX punctual_occurrence_trigger ON punctual_occurrence (trigger_id) WHERE origin = 'trigger';
CREATE INDEX punctual_occurrence_open ON punctual_occurrence (schedule_id, job_id) WHERE job_id IS NOT NULL AND outcome IS NULL;
CREATE INDEX punctual_occurrence_job ON punctual_occurrence (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX punctual_occurrence_schedule ON punctual_occurrence (schedule_id, id);
CREATE INDEX punctual_occurrence_success ON punctual_occurrence (schedule_id, finished_at) WHERE outcome = 'succeeded';
CREATE INDEX punctual_occurrence_unseen ON punctual_occurrence (id) WHERE outcome IN ('failed', 'expired') AND seen_at IS NULL;
CREATE INDEX punctual_occurrence_decided ON punctual_occurrence (decided_at);

CREATE TABLE punctual_process (
    id         text PRIMARY KEY,
    role       text NOT NULL,
    host       text NOT NULL,
    machine    text NOT NULL DEFAULT '', -- within which pid names one process
    pid        integer NOT NULL,
    version    text NOT NULL,
    format     integer NOT NULL,
    started_at integer NOT NULL,
    beat_at    integer NOT NULL,
    tick_at    integer,
    stopped_at integer,
    lost_at    integer,
    concurrency integer NOT NULL DEFAULT 0,
    queues     text NOT NULL DEFAULT 'null'
);

CREATE TABLE punctual_output (
    job_id   integer NOT NULL,
    attempt  integer NOT NULL,
    sequence integer NOT NULL,
    at       integer NOT NULL,
    stream   text NOT NULL,
    data     blob NOT NULL,
 PRIMARY KEY (job_id, attempt, sequence)
);

-- How far running jobs say they are; one row a job.
CREATE TABLE punctual_progress (
    job_id   integer PRIMARY KEY,
    attempt  integer NOT NULL,
    at       integer NOT NULL,
    fraction real NOT NULL,
    note     text NOT NULL DEFAULT ''
);

CREATE TABLE punctual_activity (
    id          integer PRIMARY KEY AUTOINCREMENT,
    at          integer NOT NULL,
    author      text NOT NULL,
    action      text NOT NULL,
    schedule_id integer,
    subject     text NOT NULL DEFAULT '',
    detail      text NOT NULL DEFAULT ''
);
CREATE INDEX punctual_activity_at ON punctual_activity (at);

CREATE TABLE punctual_backfill (
    id          integer PRIMARY KEY AUTOINCREMENT,
    schedule_id integer NOT NULL REFERENCES punctual_schedule (id),
    from_at     integer NOT NULL,
    to_at       integer NOT NULL,
    rerun       integer NOT NULL DEFAULT 0,
    cursor_at   integer NOT NULL,
    total       integer NOT NULL,
    enqueued    integer NOT NULL DEFAULT 0,
    last_job_id integer NOT NULL DEFAULT 0,
    author      text NOT NULL,
    created_at  integer NOT NULL,
    stopped_at  integer,
    finished_at integer,
    version     integer NOT NULL DEFAULT 1
);
CREATE INDEX punctual_backfill_open ON punctual_backfill (id) WHERE finished_at IS NULL AND stopped_at IS NULL;

CREATE TABLE punctual_limit (
    name   text PRIMARY KEY,
    number integer NOT NULL,
    owner  text NOT NULL DEFAULT '' -- who declared it last
);

-- Who may use the web process. Of secrets only what cannot be turned back is
-- kept: Argon2id of passwords, SHA-256 of what is random.
CREATE TABLE punctual_user (
    name        text PRIMARY KEY,
    role        text NOT NULL, -- viewer, operator or admin
    password    text NOT NULL,
    password_at integer NOT NULL,
    created_at  integer NOT NULL,
    author      text NOT NULL
);

CREATE TABLE punctual_token (
    name       text PRIMARY KEY,
    role       text NOT NULL, -- viewer, operator or admin
    hash       text NOT NULL UNIQUE,
    created_at integer NOT NULL,
    expires_at integer,
    used_at    integer,
    author     text NOT NULL
);

CREATE TABLE punctual_session (
    hash       text PRIMARY KEY,
    user_name  text NOT NULL, -- of punctual_user, or the user of PUNCTUAL_PASSWORD
    proof      text NOT NULL, -- that the password has not changed since
    created_at integer NOT NULL,
    used_at    integer NOT NULL,
    expires_at integer NOT NULL
);
CREATE INDEX punctual_session_user ON punctual_session (user_name);

-- One row. A pause by tag or of everything moves it; a clock's transaction
-- holds it shared, so that nothing is enqueued behind a pause's back.
CREATE TABLE punctual_change (
    id      integer PRIMARY KEY,
    version integer NOT NULL
);
INSERT INTO punctual_change (id, version) VALUES (1, 1);

-- +goose Down
DROP TABLE punctual_change;
DROP TABLE punctual_session;
DROP TABLE punctual_token;
DROP TABLE punctual_user;
DROP TABLE punctual_limit;
DROP TABLE punctual_backfill;
DROP TABLE punctual_activity;
DROP TABLE punctual_progress;
DROP TABLE punctual_output;
DROP TABLE punctual_process;
DROP TABLE punctual_occurrence;
DROP TABLE punctual_pause;
DROP TABLE punctual_definition;
DROP TABLE punctual_due;
DROP TABLE punctual_schedule;
