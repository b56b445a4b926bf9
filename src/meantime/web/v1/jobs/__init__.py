"""/v1/jobs: submitted one by one or by the thousand, listed, looked up, cancelled, removed."""
