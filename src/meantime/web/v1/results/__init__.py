"""What jobs have computed, in every form: /v1/jobs/{job_id}/results."""
