"""/v1/jobs/events and /v1/jobs/{job_id}/events: what happens to jobs, as server-sent events."""
