"""/v1/statistics: the statistics, and immediate answers without a job."""
