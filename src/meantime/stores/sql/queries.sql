-- add --
-- Accept a request as a queued job; its number is the row's id.
INSERT INTO jobs (state, attempts, dataset, statistic, parameters, view, fingerprint, label, created_at_s,
                  once_key, once_digest)
VALUES ('queued', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- update --
-- Replace a job's record by its next version, if it is still as before: the number of rows changed says whether it was.
-- Of the request only the fingerprint can be new.
UPDATE jobs
SET state = ?, attempts = ?, fingerprint = ?, started_at_s = ?, ended_at_s = ?, failure = ?, receipt = ?
WHERE number = ? AND state = ? AND attempts = ?;

-- remove --
-- Delete those of some jobs that have ended, and return what is deleted. The numbers are a JSON list.
DELETE FROM jobs
WHERE number IN (SELECT value FROM json_each(?)) AND state IN ('done', 'failed', 'cancelled')
RETURNING number, state, attempts, dataset, statistic, parameters, view, fingerprint,
          created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest;

-- job --
-- One job.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest
FROM jobs WHERE number = ?;

-- jobs --
-- All jobs by number.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest
FROM jobs ORDER BY number;

-- accepted_under --
-- The jobs that were accepted under an idempotency key, in their order.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest
FROM jobs WHERE once_key = ? ORDER BY number;

-- find --
-- Jobs below a number that match, newest first; NULL matches any. The states are a JSON list.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt, label, once_key, once_digest
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
