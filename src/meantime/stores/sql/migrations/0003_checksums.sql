-- The id of the key that a job was submitted with: only its holder and the operator may remove it.
ALTER TABLE jobs ADD COLUMN submitted_by TEXT;
-- A checksum over all other values of a job's row, so that a damaged record is noticed and never told as another one.
-- Rows from before get theirs when the store is opened for the first time.
ALTER TABLE jobs ADD COLUMN checksum INTEGER;
