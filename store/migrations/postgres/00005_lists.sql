-- +goose Up
-- Schedules that a newer version wrote are few.
CREATE INDEX punctual_schedule_newer ON punctual_schedule (id) WHERE format > 1;
-- How many schedules name each queue, and whether any has changed, are asked for
-- by every page: not of rows that hold whole jobs.
CREATE INDEX punctual_schedule_queue ON punctual_schedule (queue, version, deleted_at) WHERE deleted_at IS NULL;

-- +goose Down
DROP INDEX punctual_schedule_queue;
DROP INDEX punctual_schedule_newer;
