-- +goose Up
-- The last run of each of many schedules, where somebody triggered it: without this
-- all that a schedule ever did is read for it.
CREATE INDEX punctual_occurrence_triggered ON punctual_occurrence (schedule_id, job_id) WHERE origin = 'trigger' AND job_id IS NOT NULL;

-- +goose Down
DROP INDEX punctual_occurrence_triggered;
