"""Records of jobs as rows of the table ``jobs``, and back.

The last value of a row is a checksum over all others. A row that does not match it, or cannot be read, is damaged: a
bit has flipped on the disk, or another program wrote to the file. Nothing that it says can be believed but its number,
so it is read as a failed job that has nothing else. On disk it stays as it is, unless its number is what was damaged
(``sqlite_repairs``).
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from meantime.engine.ports import Transition
from meantime.errors import Failure
from meantime.model import IdempotencyKey, JobRecord, JobState, Receipt, Request
from meantime.stores.state_files import HIGHEST_NUMBER

SqlRow = tuple[Any, ...]

_encode = msgspec.json.Encoder().encode


# Made at import, by one thread: see formats/document.py.
_FAILURE = msgspec.json.Decoder(Failure)
_RECEIPT = msgspec.json.Decoder(Receipt)


def as_json(value: Any) -> str:
    """Return a value as JSON, as rows have it.

    Raises:
        TypeError: it cannot be written so.
    """
    return _encode(value).decode()


def row_of(record: JobRecord, parameters: str | None = None) -> SqlRow:
    """Return a record as a row, in the order of the query ``add``; ``parameters`` are its own as JSON, if known."""
    return sealed(values_of(record, parameters))


def values_of(record: JobRecord, parameters: str | None = None) -> SqlRow:
    """Return the values of a row, without their checksum and without the host."""
    request, key = record.request, record.idempotency_key
    return (
        record.number,
        record.state.value,
        record.attempts,
        request.dataset,
        request.statistic,
        as_json(request.parameters) if parameters is None else parameters,
        request.view,
        request.fingerprint,
        float(record.created_at_s),
        _float(record.started_at_s),
        _float(record.ended_at_s),
        None if record.failure is None else as_json(record.failure),
        None if record.receipt is None else as_json(record.receipt),
        request.label,
        None if key is None else key.key,
        None if key is None else key.digest,
        request.submitted_by,
    )


def row_to_update(transition: Transition) -> SqlRow:
    """Return the values of the query ``update``."""
    before, after = transition
    row = row_of(after)
    changed = (*row[1:3], row[7], *row[9:13], row[-1])
    return (*changed, after.number, before.state.value, before.attempts)


def sealed(values: Sequence[Any]) -> SqlRow:
    """Return a whole row: its values, and their checksum.

    Raises:
        ValueError, TypeError: a value is none that a row can have.
    """
    # CRC-32 (ITU-T V.42) finds every single flipped bit, and all but one of four billion other changes.
    return (*values, zlib.crc32(_encode(values)))


def record_of(row: SqlRow) -> JobRecord:
    """Return the record of a row; of a damaged one, that of a failed job with nothing but its number."""
    if is_sound(row):
        with contextlib.suppress(ValueError, TypeError, msgspec.MsgspecError):
            return _record_of(row)
    return JobRecord.damaged(row[0])


def record_of_values(values: SqlRow) -> JobRecord:
    """Return the record of the values of a sound row.

    Raises:
        ValueError, TypeError, msgspec.MsgspecError: they are none that a row can have.
    """
    return _record_of((*values, None))


def is_sound(row: SqlRow) -> bool:
    """Whether a row matches its checksum."""
    try:
        return bool(zlib.crc32(_encode(row[:-1])) == row[-1])
    except (ValueError, TypeError):
        return False  # not even text


def under_its_number(row: SqlRow) -> SqlRow:
    """Return a row under the number that it was written with, if one flipped bit in that is all its damage.

    Any other row is returned as it is.
    """
    if is_sound(row):
        return row
    candidates = ((row[0] ^ 1 << bit, *row[1:]) for bit in range(HIGHEST_NUMBER.bit_length()))
    return next(filter(is_sound, candidates), row)


def blank_row(number: int) -> SqlRow:
    """Return a damaged row, which says nothing but its number."""
    return (number, JobState.FAILED.value, 0, "", "", "", "", None, 0.0, *[None] * 9)


def _record_of(row: SqlRow) -> JobRecord:
    number, state, attempts, dataset, statistic, parameters, view, fingerprint, created, started, ended = row[:11]
    failure, receipt, label, key, digest, submitted_by, _ = row[11:]
    return JobRecord(
        number=number,
        request=Request(
            dataset=dataset,
            statistic=statistic,
            parameters=msgspec.json.decode(parameters, type=dict[str, Any]),
            view=view,
            fingerprint=fingerprint,
            label=label,
            submitted_by=submitted_by,
        ),
        created_at_s=created,
        state=JobState(state),
        attempts=attempts,
        started_at_s=started,
        ended_at_s=ended,
        failure=failure and _FAILURE.decode(failure),
        receipt=receipt and _RECEIPT.decode(receipt),
        idempotency_key=None if key is None else IdempotencyKey(key=key, digest=digest),
    )


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
