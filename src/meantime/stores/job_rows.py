"""Records of jobs as rows of the table ``jobs``, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from meantime.engine.ports import Transition
from meantime.errors import Failure, StoreBroken
from meantime.model import IdempotencyKey, JobRecord, JobState, Receipt, Request

SqlRow = tuple[Any, ...]


def row_to_add(request: Request, at_s: float, idempotency_key: IdempotencyKey | None) -> SqlRow:
    """Return the values of the query ``add``."""
    parameters = msgspec.json.encode(request.parameters).decode()
    key, digest = (None, None) if idempotency_key is None else (idempotency_key.key, idempotency_key.digest)
    return (
        request.dataset,
        request.statistic,
        parameters,
        request.view,
        request.fingerprint,
        request.label,
        at_s,
        key,
        digest,
    )


def row_to_update(transition: Transition) -> SqlRow:
    """Return the values of the query ``update``."""
    before, after = transition
    return (
        after.state.value,
        after.attempts,
        after.request.fingerprint,
        after.started_at_s,
        after.ended_at_s,
        _json(after.failure),
        _json(after.receipt),
        after.number,
        before.state.value,
        before.attempts,
    )


def record_of(row: SqlRow) -> JobRecord:
    """Return the record of a row.

    Raises:
        StoreBroken: the row is damaged.
    """
    try:
        return _record_of(row)
    except (ValueError, msgspec.MsgspecError) as error:
        raise StoreBroken(
            f"The record of job {row[0]} is damaged ({error}). Restore the store from a backup, or delete that row."
        ) from error


def _record_of(row: SqlRow) -> JobRecord:
    number, state, attempts, dataset, statistic, parameters, view, fingerprint, created, started, ended = row[:11]
    failure, receipt, label, key, digest = row[11:]
    return JobRecord(
        number=number,
        request=Request(
            dataset=dataset,
            statistic=statistic,
            parameters=msgspec.json.decode(parameters, type=dict[str, Any]),
            view=view,
            fingerprint=fingerprint,
            label=label,
        ),
        created_at_s=created,
        state=JobState(state),
        attempts=attempts,
        started_at_s=started,
        ended_at_s=ended,
        failure=failure and msgspec.json.decode(failure, type=Failure),
        receipt=receipt and msgspec.json.decode(receipt, type=Receipt),
        idempotency_key=None if key is None else IdempotencyKey(key=key, digest=digest),
    )


def _json(value: Failure | Receipt | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
