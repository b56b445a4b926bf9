"""/v1/statistics: what can be asked, and immediate answers without a job."""
