"""Records of jobs as rows of the table ``jobs`` in PostgreSQL: those of ``job_rows``, and the host.

A row that does not match its checksum is read as in SQLite: as a failed job with nothing but its number. The columns
that say who changed a row are not covered, since nothing of a record follows from them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec

from meantime.engine.ports import Transition
from meantime.model import JobRecord
from meantime.stores.job_rows import SqlRow, as_json, is_sound, record_of_values, sealed, values_of

COLUMNS = (
    *("number", "state", "attempts", "dataset", "statistic", "parameters", "view", "fingerprint"),
    *("created_at_s", "started_at_s", "ended_at_s", "failure", "receipt", "label", "once_key", "once_digest"),
    *("submitted_by", "host", "checksum"),
)
# What a move can change, of these.
_MOVED = (
    "number",
    "state",
    "attempts",
    "fingerprint",
    "started_at_s",
    "ended_at_s",
    "failure",
    "receipt",
    "host",
    "checksum",
)


def record_of(row: SqlRow) -> JobRecord:
    """Return the record of a row; of a damaged one, that of a failed job with nothing but its number."""
    *values, host, _ = row
    if is_sound(row):
        with contextlib.suppress(ValueError, TypeError, msgspec.MsgspecError):
            return msgspec.structs.replace(record_of_values(tuple(values)), host=host)
    return JobRecord.damaged(row[0])


def rows_to_add(records: Sequence[JobRecord], parameters: Sequence[str]) -> str:
    """Return new records as the query ``add`` takes them; ``parameters`` are theirs as JSON."""
    return as_json([_columns(record, known) for record, known in zip(records, parameters, strict=True)])


def row_to_update(move: Transition) -> str:
    """Return a move as the query ``update`` takes it, in a list of them."""
    before, after = move
    columns = _columns(after)
    return as_json(
        {name: columns[name] for name in _MOVED}
        | {"was_state": before.state.value, "was_attempts": before.attempts, "was_host": before.host}
    )


def _columns(record: JobRecord, parameters: str | None = None) -> dict[str, Any]:
    return dict(zip(COLUMNS, sealed((*values_of(record, parameters), record.host)), strict=True))
