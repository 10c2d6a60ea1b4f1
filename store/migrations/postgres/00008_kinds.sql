-- +goose Up
-- Which kinds of job a worker takes, so that a job of a kind that none takes can
-- say so. A process of an older version does not tell: null.
ALTER TABLE punctual_process ADD COLUMN kinds text NOT NULL DEFAULT 'null';

-- +goose Down
ALTER TABLE punctual_process DROP COLUMN kinds;
