-- +goose Up
-- Of a crowd that is due at one instant a part is read in order of id, which must
-- not mean to sort the whole crowd. SQLite's index has the id in it anyway.
CREATE INDEX punctual_due_order ON punctual_due (next_due_at, schedule_id) WHERE next_due_at IS NOT NULL;
DROP INDEX punctual_due_next;
