-- +goose Up
-- Failures nobody has seen are counted by schedule each time somebody looks at the
-- first page: not of their rows, which lie all over the ledger.
DROP INDEX punctual_occurrence_unseen;
CREATE INDEX punctual_occurrence_unseen ON punctual_occurrence (id, schedule_id, outcome, seen_at) WHERE outcome IN ('failed', 'expired') AND seen_at IS NULL;

-- +goose Down
DROP INDEX punctual_occurrence_unseen;
CREATE INDEX punctual_occurrence_unseen ON punctual_occurrence (id) WHERE outcome IN ('failed', 'expired') AND seen_at IS NULL;
