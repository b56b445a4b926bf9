"""Every endpoint of v1, in the order of the documentation. Each row is routed, described and tested."""

from __future__ import annotations

from meantime.web.v1 import documentation
from meantime.web.v1.datasets import coverage, profile
from meantime.web.v1.datasets import endpoints as dataset_endpoints
from meantime.web.v1.events import endpoints as event_endpoints
from meantime.web.v1.jobs import endpoints as job_endpoints
from meantime.web.v1.provenance import endpoints as provenance_endpoints
from meantime.web.v1.results import endpoints as result_endpoints
from meantime.web.v1.statistics import endpoints as statistic_endpoints

ENDPOINTS = documentation.documented(
    (
        *dataset_endpoints.ENDPOINTS,
        *coverage.ENDPOINTS,
        *profile.ENDPOINTS,
        *statistic_endpoints.ENDPOINTS,
        *job_endpoints.ENDPOINTS,
        *result_endpoints.ENDPOINTS,
        *provenance_endpoints.ENDPOINTS,
        *event_endpoints.ENDPOINTS,
    ),
)
