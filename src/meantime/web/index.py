"""GET / for programs: what is loaded, and the names that can be asked about, for a client to find them by words."""

from __future__ import annotations

from typing import Any

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Ready
from meantime.web import health
from meantime.web.http.replies import Reply

# The same address gives a page to whoever does not ask for JSON, and another answer once something is loaded.
_V1 = {"documentation": "/v1", "openapi": "/v1/openapi.json"}
_HEADERS = (("vary", "accept"), ("cache-control", "no-store"))


def is_wanted(accept: str) -> bool:
    """Whether a client asks for JSON by name; browsers, and clients that take anything, get the page.

    >>> is_wanted("application/json"), is_wanted("text/html,*/*;q=0.8"), is_wanted("")
    (True, False, False)
    """
    return "application/json" in accept.lower()


def describe(*, catalog: Catalog, has_v1: bool) -> Reply:
    """Return every data set as it stands, in the order given at the start: the first is the one of the classic API.

    Where the v1 API is served, also where that is described.
    """
    datasets = [_describe(name, catalog) for name in catalog.names]
    described = {"datasets": datasets} | ({"v1": _V1} if has_v1 else {})
    return Reply(200, msgspec.json.encode(described), headers=_HEADERS)


def _describe(name: str, catalog: Catalog) -> dict[str, Any]:
    status = catalog.status(name)
    described = {"name": name} | health.describe(status)
    if isinstance(status, Ready):
        labels = status.snapshot.cube.labels
        described |= {"questions": labels.questions, "locations": labels.locations}
    return described
