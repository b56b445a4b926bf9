-- hold --
-- Take the turn to change something, with numbers for so many jobs.
UPDATE meantime.counters SET last_change = last_change + 1, last_number = last_number + %s::bigint
RETURNING last_change, last_number, forgotten;

-- changes --
-- What others have changed since a change, in this order; of removed jobs, that they were.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum, is_to_cancel, false AS is_removed, change
FROM meantime.jobs WHERE change > %s::bigint AND changed_by <> %s::int
UNION ALL
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum, false, true, change
FROM meantime.removed WHERE change > %s::bigint AND changed_by <> %s::int
ORDER BY change, number;

-- position --
-- Up to which change everything is told, and from which on removals are.
SELECT last_change, forgotten FROM meantime.counters;

-- taken_keys --
-- Which of these idempotency keys have jobs.
SELECT DISTINCT once_key FROM meantime.jobs WHERE once_key = ANY(%s::text[]);

-- add --
-- Accept jobs. The rows are JSON.
INSERT INTO meantime.jobs (number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum, change, changed_by, moved_by)
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum, %s::bigint, %s::int, %s::int FROM json_to_recordset(%s::json) AS new (number bigint, state text, attempts int, dataset text, statistic text, parameters text, view text, fingerprint text,
    created_at_s float8, started_at_s float8, ended_at_s float8, failure text, receipt text, label text, once_key text,
    once_digest text, submitted_by text, host int, checksum bigint);

-- update --
-- Replace the records of jobs that are still as before, and return their numbers. The rows are JSON.
UPDATE meantime.jobs AS job
SET state = new.state, attempts = new.attempts, fingerprint = new.fingerprint, started_at_s = new.started_at_s,
    ended_at_s = new.ended_at_s, failure = new.failure, receipt = new.receipt, host = new.host, checksum = new.checksum,
    change = %s::bigint, changed_by = %s::int, moved_by = %s::int
FROM json_to_recordset(%s::json) AS new (
    number bigint, was_state text, was_attempts int, was_host int, state text, attempts int, fingerprint text,
    started_at_s float8, ended_at_s float8, failure text, receipt text, host int, checksum bigint)
WHERE job.number = new.number AND job.state = new.was_state AND job.attempts = new.was_attempts
  AND job.host IS NOT DISTINCT FROM new.was_host
RETURNING job.number;

-- movers --
-- Which host has moved each of these jobs last.
SELECT number, moved_by FROM meantime.jobs WHERE number = ANY(%s::bigint[]);

-- named --
-- Some jobs by number.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum
FROM meantime.jobs WHERE number = ANY(%s::bigint[]) ORDER BY number;

-- remove --
-- Delete some jobs, and remember for other hosts that they are gone.
WITH gone AS (DELETE FROM meantime.jobs WHERE number = ANY(%s::bigint[]) RETURNING *)
INSERT INTO meantime.removed
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum,
       %s::bigint, %s::int, %s::int, false FROM gone;

-- ask_to_cancel --
-- Say that somebody wants a job cancelled that has not ended.
UPDATE meantime.jobs SET is_to_cancel = true, change = %s::bigint, changed_by = %s::int
WHERE number = %s::bigint AND state IN ('queued', 'running');

-- to_cancel --
-- The unfinished jobs that somebody wants cancelled.
SELECT number FROM meantime.jobs WHERE is_to_cancel AND state IN ('queued', 'running') ORDER BY number;

-- forget --
-- Forget removals that every host has had the time to hear of.
WITH old AS (UPDATE meantime.counters SET forgotten = greatest(forgotten, last_change - %s::bigint) RETURNING forgotten)
DELETE FROM meantime.removed WHERE change <= (SELECT forgotten FROM old);

-- committed --
-- Note a change with the host that commits it, which says at once that the host is there.
UPDATE meantime.hosts SET last_change = (SELECT last_change FROM meantime.counters), beats = beats + 1, beat_at = clock_timestamp()
WHERE host = %s::int AND term = %s::bigint RETURNING host;

-- beat --
-- Say that a host is there, and what its threads have.
UPDATE meantime.hosts SET beats = beats + 1, beat_at = clock_timestamp(), has_left = false, at_work = %s
WHERE host = %s::int AND term = %s::bigint RETURNING host;

-- leave --
-- Say that a host has left: whatever it still has, others may take over.
UPDATE meantime.hosts SET has_left = true, at_work = '{}' WHERE host = %s::int AND term = %s::bigint;

-- enter --
-- Enter a host, or enter it again; its number and its term stay until it is entered again.
INSERT INTO meantime.hosts (name, term, address) VALUES (%s, 1, %s)
ON CONFLICT (name) DO UPDATE
SET term = hosts.term + 1, address = excluded.address, beats = hosts.beats + 1, beat_at = clock_timestamp(),
    has_left = false, at_work = '{}'
RETURNING host, term;

-- last_committed --
-- The last change that a host has committed.
SELECT last_change FROM meantime.hosts WHERE host = %s::int;

-- hosts --
-- The other hosts.
SELECT host, beats, has_left, at_work FROM meantime.hosts WHERE host <> %s::int;

-- address --
-- Where a host is reached, and by which secret it knows others.
SELECT address, secret FROM meantime.hosts, meantime.counters WHERE host = %s::int;

-- wake --
-- Wake the other hosts.
SELECT pg_notify('meantime', '');

-- job --
-- One job.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum
FROM meantime.jobs WHERE number = %s::bigint;

-- jobs --
-- All jobs by number.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum
FROM meantime.jobs ORDER BY number;

-- accepted_under --
-- The jobs that were accepted under an idempotency key, in their order.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum
FROM meantime.jobs WHERE once_key = %s ORDER BY number;

-- find --
-- Jobs below a number that match, newest first; NULL matches any.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, host, checksum
FROM meantime.jobs
WHERE number < %(before)s::bigint
  AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s::text[]))
  AND (%(statistic)s::text IS NULL OR statistic = %(statistic)s::text)
  AND (%(dataset)s::text IS NULL OR dataset = %(dataset)s::text)
  AND (%(label)s::text IS NULL OR label = %(label)s::text)
  AND (%(created_after_s)s::float8 IS NULL OR created_at_s >= %(created_after_s)s::float8)
  AND (%(created_before_s)s::float8 IS NULL OR created_at_s < %(created_before_s)s::float8)
ORDER BY number DESC LIMIT %(limit)s::bigint;

-- fingerprints --
-- The snapshots that jobs name.
SELECT DISTINCT fingerprint FROM meantime.jobs WHERE fingerprint IS NOT NULL;
