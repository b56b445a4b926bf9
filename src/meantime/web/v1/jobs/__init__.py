"""/v1/jobs: submitting, listing, reading, cancelling and removing jobs."""
