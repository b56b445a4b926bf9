"""The v1 API: data sets, statistics, jobs and results as resources. One table of endpoints is routed and documented."""
