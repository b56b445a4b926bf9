-- add --
-- Accept a request as a queued job; its number is the row's id.
INSERT INTO jobs (state, attempts, dataset, statistic, parameters, view, fingerprint, created_at_s)
VALUES ('queued', 0, ?, ?, ?, ?, ?, ?);

-- move --
-- Replace a job by its next version, if it is still as it was: the number of rows changed says whether it was.
-- Of the request only the fingerprint can be new.
UPDATE jobs
SET state = ?, attempts = ?, fingerprint = ?, started_at_s = ?, ended_at_s = ?, failure = ?, receipt = ?
WHERE number = ? AND state = ? AND attempts = ?;

-- remove --
-- Forget a job, if it has ended.
DELETE FROM jobs WHERE number = ? AND state IN ('done', 'failed', 'cancelled');

-- job --
-- One job.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt
FROM jobs WHERE number = ?;

-- jobs --
-- All jobs by number.
SELECT number, state, attempts, dataset, statistic, parameters, view, fingerprint,
       created_at_s, started_at_s, ended_at_s, failure, receipt
FROM jobs ORDER BY number;

-- fingerprints --
-- The snapshots that jobs name; each is found by one step in the index.
SELECT DISTINCT fingerprint FROM jobs WHERE fingerprint IS NOT NULL;
