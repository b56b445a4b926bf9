-- add --
-- Accept requests as jobs, under numbers that the store gives.
-- VALUES is repeated for as many rows as there are.
INSERT INTO jobs (number, state, attempts, dataset, statistic, parameters, view, fingerprint,
                  created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- update --
-- Replace the records of jobs by their next versions, if they are still as before: the number of rows changed says
-- whether they were. Of a request only the fingerprint can be new. VALUES is repeated for as many rows as there are.
UPDATE jobs
SET state = next.column1, attempts = next.column2, fingerprint = next.column3, started_at_s = next.column4,
    ended_at_s = next.column5, failure = next.column6, receipt = next.column7, checksum = next.column8
FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) AS next
WHERE jobs.number = next.column9 AND jobs.state = next.column10 AND jobs.attempts = next.column11;

-- remove --
-- Delete some jobs. The numbers are a JSON list.
DELETE FROM jobs WHERE number IN (SELECT value FROM json_each(?));

-- named --
-- Some jobs by number. The numbers are a JSON list.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, checksum
FROM jobs WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number;

-- given_numbers --
-- The highest number that a job was given, and the highest that a kept job has.
SELECT seq FROM sqlite_sequence WHERE name = 'jobs' UNION ALL SELECT max(number) FROM jobs;

-- seal --
-- Give a row from before there were checksums its checksum.
UPDATE jobs SET checksum = ? WHERE number = ?;

-- job --
-- One job.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, checksum
FROM jobs WHERE number = ?;

-- jobs --
-- All jobs by number.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, checksum
FROM jobs ORDER BY number;

-- in_place --
-- All jobs as they lie in the table, whatever its indexes say.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, checksum
FROM jobs NOT INDEXED;

-- unindexed --
-- The jobs that no index has an entry of, which would tell when a job is not under its number.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, checksum
FROM jobs NOT INDEXED WHERE fingerprint IS NULL AND once_key IS NULL;

-- clear --
-- Delete all jobs. The numbers that were given stay known.
DELETE FROM jobs;

-- accepted_under --
-- The jobs that were accepted under an idempotency key, in their order.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, checksum
FROM jobs WHERE once_key = ? ORDER BY number;

-- find --
-- Jobs below a number that match, newest first; NULL matches any. The states are a JSON list.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest, submitted_by, checksum
FROM jobs
WHERE number < :before
  AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
  AND (:statistic IS NULL OR statistic = :statistic)
  AND (:dataset IS NULL OR dataset = :dataset)
  AND (:label IS NULL OR label = :label)
  AND (:created_after_s IS NULL OR created_at_s >= :created_after_s)
  AND (:created_before_s IS NULL OR created_at_s < :created_before_s)
ORDER BY number DESC LIMIT :limit;

-- fingerprints --
-- The snapshots that jobs name; each takes one step in the index.
SELECT DISTINCT fingerprint FROM jobs WHERE fingerprint IS NOT NULL;
