-- AUTOINCREMENT, so that a number is never given twice, also when the newest job was removed before a restart.
-- Not indexed by state or by end: the engine reads all jobs once, at its start, and knows both from then on.
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    statistic TEXT NOT NULL,
    parameters TEXT NOT NULL,  -- JSON
    view TEXT NOT NULL,
    fingerprint TEXT,
    created_at_s REAL NOT NULL,
    started_at_s REAL,
    ended_at_s REAL,
    failure TEXT,  -- JSON
    receipt TEXT  -- JSON
) STRICT;

-- Which snapshots must stay is asked without reading a hundred thousand jobs.
CREATE INDEX jobs_by_fingerprint ON jobs (fingerprint) WHERE fingerprint IS NOT NULL;
