"""GET / for programs: the data sets, with their questions and locations."""

from __future__ import annotations

from typing import Any

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Ready, Status
from meantime.web import health
from meantime.web.http.replies import Reply

# Other clients get a page at the same address, and the answer changes when a data set has been loaded.
_V1 = {"documentation": "/v1", "openapi": "/v1/openapi.json"}
_HEADERS = (("vary", "accept"), ("cache-control", "no-store"))


def is_wanted(accept: str) -> bool:
    """Whether a client asks for JSON by name. Browsers, and clients that accept anything, get the page.

    >>> is_wanted("application/json"), is_wanted("text/html,*/*;q=0.8"), is_wanted("")
    (True, False, False)
    """
    return "application/json" in accept.lower()


def describe(*, catalog: Catalog, has_v1: bool) -> Reply:
    """Return the state of every data set, in the order of the command line; the classic API uses the first one.

    If the v1 API is served, also return where it is documented.
    """
    datasets = [_describe(name, status) for name, status in catalog.statuses().items()]
    described = {"datasets": datasets} | ({"v1": _V1} if has_v1 else {})
    return Reply(200, msgspec.json.encode(described), headers=_HEADERS)


def _describe(name: str, status: Status) -> dict[str, Any]:
    described = {"name": name} | health.describe(status)
    if isinstance(status, Ready):
        labels = status.snapshot.cube.labels
        described |= {"questions": labels.questions, "locations": labels.locations}
    return described
