-- +goose Up
-- Who is told when schedules fail: what each file that was applied says.
CREATE TABLE punctual_alerting (
    owner       text        PRIMARY KEY,
    settings    text        NOT NULL,
    version     bigint      NOT NULL DEFAULT 1,
    declared_at timestamptz NOT NULL,
    looked_at   timestamptz NOT NULL,
    pinged_at   timestamptz
);

-- What was told of a schedule, so that it is told once.
CREATE TABLE punctual_alert (
    owner       text        NOT NULL,
    schedule_id bigint      NOT NULL,
    kind        text        NOT NULL, -- late, missed, failing or running too long
    raised      integer     NOT NULL,
    since_at    timestamptz,
    mark_at     timestamptz,
    PRIMARY KEY (owner, schedule_id, kind)
);

-- Messages on their way, one row a recipient.
CREATE TABLE punctual_alert_message (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner       text        NOT NULL,
    at          timestamptz NOT NULL,
    recipient   text        NOT NULL,
    way         text        NOT NULL, -- webhook, run or mail
    body        text        NOT NULL,
    tries       integer     NOT NULL DEFAULT 0,
    try_at      timestamptz,
    ended_at    timestamptz,
    error       text        NOT NULL DEFAULT ''
);
CREATE INDEX punctual_alert_message_open ON punctual_alert_message (try_at) WHERE ended_at IS NULL;

-- Failures and misses are few, and looked for every few seconds.
CREATE INDEX punctual_occurrence_failed ON punctual_occurrence (finished_at) WHERE outcome IN ('failed', 'expired');
CREATE INDEX punctual_occurrence_failures ON punctual_occurrence (schedule_id, finished_at) WHERE outcome IN ('failed', 'expired');
CREATE INDEX punctual_occurrence_missed ON punctual_occurrence (decided_at) WHERE reason IN ('missed', 'beyond catch-up limit');
CREATE INDEX punctual_schedule_error ON punctual_schedule (id) WHERE error <> '';

-- +goose Down
DROP INDEX punctual_schedule_error;
DROP INDEX punctual_occurrence_missed;
DROP INDEX punctual_occurrence_failures;
DROP INDEX punctual_occurrence_failed;
DROP TABLE punctual_alert_message;
DROP TABLE punctual_alert;
DROP TABLE punctual_alerting;
