"""The results of jobs in every format: /v1/jobs/{job_id}/results."""
