-- A word of the asker's own, and the idempotency key that a job was accepted under with the digest of what came with it.
-- Jobs from before have none. Not indexed by label: a list goes through jobs newest first and stops when its page is full.
ALTER TABLE jobs ADD COLUMN label TEXT;
ALTER TABLE jobs ADD COLUMN once_key TEXT;
ALTER TABLE jobs ADD COLUMN once_digest TEXT;

-- Asked before every acceptance under a key. Costs nothing for jobs without one.
CREATE INDEX jobs_by_once_key ON jobs (once_key) WHERE once_key IS NOT NULL;
