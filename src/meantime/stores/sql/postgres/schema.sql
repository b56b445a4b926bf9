-- The schema of jobs that several hosts share. docs/design.md says which host may change what.
CREATE SCHEMA meantime;

-- One row. Whoever changes anything holds it until the commit, so that all changes have one order.
CREATE TABLE meantime.counters (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    schema_version int NOT NULL,
    last_number bigint NOT NULL DEFAULT 0,  -- that a job was given
    last_change bigint NOT NULL DEFAULT 0,
    forgotten bigint NOT NULL DEFAULT 0,  -- removals up to this change are no longer in the table removed
    secret text NOT NULL DEFAULT gen_random_uuid()::text || gen_random_uuid()::text  -- by which hosts know each other
);
INSERT INTO meantime.counters (schema_version) VALUES (1);

-- As in SQLite, and: the host that has the job or its result; which change was the last, and whose; whose the last move
-- was; whether somebody wants the job cancelled.
CREATE TABLE meantime.jobs (
    number bigint PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    attempts int NOT NULL,
    dataset text NOT NULL,
    statistic text NOT NULL,
    parameters text NOT NULL,  -- JSON
    view text NOT NULL,
    fingerprint text,
    created_at_s float8 NOT NULL,
    started_at_s float8,
    ended_at_s float8,
    failure text,  -- JSON
    receipt text,  -- JSON
    label text,
    once_key text,
    once_digest text,
    submitted_by text,
    host int,
    checksum bigint NOT NULL,  -- over all values before
    change bigint NOT NULL,
    changed_by int NOT NULL,
    moved_by int NOT NULL,
    is_to_cancel boolean NOT NULL DEFAULT false
);
CREATE INDEX jobs_by_change ON meantime.jobs (change);
CREATE INDEX jobs_by_key ON meantime.jobs (once_key) WHERE once_key IS NOT NULL;
CREATE INDEX jobs_by_fingerprint ON meantime.jobs (fingerprint) WHERE fingerprint IS NOT NULL;

-- Jobs that were removed a while ago, so that every host hears of it.
CREATE TABLE meantime.removed (LIKE meantime.jobs);
CREATE INDEX removed_by_change ON meantime.removed (change);

-- A row for each state directory that ever joined.
CREATE TABLE meantime.hosts (
    host int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,  -- in the state directory
    term bigint NOT NULL,  -- how often it has started
    address text NOT NULL,  -- at which other hosts reach it
    beats bigint NOT NULL DEFAULT 0,  -- grows as long as it is there; whose beats stay the same for a lease is lost
    has_left boolean NOT NULL DEFAULT false,
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),  -- for people who look
    last_change bigint NOT NULL DEFAULT 0,  -- the last change that it committed
    at_work text NOT NULL DEFAULT '{}'  -- JSON: numbers of the jobs that its threads have, with their progress
);
