-- +goose Up
-- Schedules that a newer version wrote are few.
CREATE INDEX punctual_schedule_newer ON punctual_schedule (id) WHERE format > 1;

-- +goose Down
DROP INDEX punctual_schedule_newer;
