-- +goose Up
-- An apply looks at what its owner has, and not at a million others.
CREATE INDEX punctual_schedule_owner ON punctual_schedule (owner_kind, owner_name, id);

-- +goose Down
DROP INDEX punctual_schedule_owner;
