"""Every endpoint of v1, in the order in which documents list them. A row here is routed, described and tested."""

from __future__ import annotations

from meantime.web.v1 import behind, coverage, datasets, documentation, events, jobs, results, statistics

ENDPOINTS = documentation.documented(
    (
        *datasets.ENDPOINTS,
        *coverage.ENDPOINTS,
        *statistics.ENDPOINTS,
        *jobs.ENDPOINTS,
        *results.ENDPOINTS,
        *behind.ENDPOINTS,
        *events.ENDPOINTS,
    ),
)
