"""Whether the server lives, and whether it can answer."""

from __future__ import annotations

from typing import Any

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Failed, Loading, Status
from meantime.dataset.summary import count
from meantime.engine.engine import Engine
from meantime.text import writable
from meantime.web.http.replies import Reply

LIVE = Reply(200, b'{"status":"alive"}')


def ready(*, engine: Engine, catalog: Catalog) -> Reply:
    """Return how each data set stands, and one word for the whole: 200 when everything is ready, else 503.

    The word is the first of these that is true: shutting down, loading (any), failed (any), ready.
    """
    stands = {name: catalog.status(name) for name in catalog.names}
    word = _word(list(stands.values()), is_accepting=engine.is_accepting)
    body = {"status": word, "datasets": {name: describe(status) for name, status in stands.items()}}
    # File names and reasons are the operator's: whatever cannot be encoded must not take the probe down.
    return Reply(200 if word == "ready" else 503, msgspec.json.encode(body))


def _word(stands: list[Status], *, is_accepting: bool) -> str:
    if not is_accepting:
        return "shutting down"
    if any(isinstance(status, Loading) for status in stands):
        return "loading"
    if any(isinstance(status, Failed) for status in stands):
        return "failed"
    return "ready"


def describe(status: Status) -> dict[str, Any]:
    """Return how one data set stands."""
    match status:
        case Loading(progress=progress):
            return {
                "status": "loading",
                "phase": progress.phase,
                "share": round(progress.share, 4),
                "rows": progress.rows,
            }
        case Failed(error=error):
            return {"status": "failed", "code": error.code, "reason": writable(error.reason)}
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
