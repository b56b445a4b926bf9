"""Health checks: whether the server is alive, and whether it is ready."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Failed, Loading, Status
from meantime.dataset.summary import count
from meantime.engine.engine import Engine
from meantime.text import count as count_of
from meantime.text import writable
from meantime.web.http.replies import Reply

LIVE = Reply(200, b'{"status":"alive"}')


def ready(*, engine: Engine, catalog: Catalog) -> Reply:
    """Return the status of each data set and of the server: 200 when everything is ready, else 503.

    The status of the server is the first of these that holds: shutting down, loading (any), failed (any), ready.
    """
    statuses = catalog.statuses()
    # Whatever somebody uploads, the server is no worse than before.
    own = [status for name, status in statuses.items() if not catalog.is_uploaded(name)]
    overall = _overall_status(own, is_accepting=engine.is_accepting)
    body: dict[str, Any] = {
        "status": overall,
        "datasets": {name: describe(status) for name, status in statuses.items()},
    }
    if held_s := engine.removal_held_s:
        hours = count_of(math.ceil(held_s / 3600), "more hour")
        body["removal"] = f"The server's clock has jumped ahead, so expired jobs are kept for {hours}. Check the clock."
    # File names and reasons can contain anything; the probe must not fail because of text that cannot be encoded.
    return Reply(200 if overall == "ready" else 503, msgspec.json.encode(body))


def _overall_status(statuses: list[Status], *, is_accepting: bool) -> str:
    if not is_accepting:
        return "shutting down"
    if any(isinstance(status, Loading) for status in statuses):
        return "loading"
    if any(isinstance(status, Failed) for status in statuses):
        return "failed"
    return "ready"


def describe(status: Status) -> dict[str, Any]:
    """Return the status of one data set."""
    match status:
        case Loading(progress=progress):
            return {
                "status": "loading",
                "phase": progress.phase,
                "share": round(progress.share, 4),
                "rows": progress.rows,
            }
        case Failed(error=error):
            return {"status": "failed", "code": error.code, "reason": writable(status.reason)}
        case _:
            totals, reload_error = count(status.snapshot), status.reload_error
            # It answers, so it is ready; but with the data from before the reload.
            stale = {} if reload_error is None else {"reload_failed": writable(reload_error.reason)}
            return {
                "status": "ready",
                "title": totals.title,
                "rows": totals.rows,
                "questions": totals.question_count,
                "fingerprint": totals.fingerprint,
                "synthetic": totals.synthetic,
                **stale,
            }
