-- +goose Up
-- Lists of what is rare. Partial, and in order of id: a tick pays only for what
-- it skips, and what succeeds pays nothing.
CREATE INDEX punctual_occurrence_outcome ON punctual_occurrence (outcome, id) WHERE outcome <> 'succeeded';
CREATE INDEX punctual_occurrence_skipped ON punctual_occurrence (id) WHERE decision = 'skipped';
CREATE INDEX punctual_occurrence_note ON punctual_occurrence (id) WHERE note <> '';

-- +goose Down
DROP INDEX punctual_occurrence_note;
DROP INDEX punctual_occurrence_skipped;
DROP INDEX punctual_occurrence_outcome;
