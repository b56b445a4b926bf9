"""Whether a result follows from the data: computed again, and compared byte for byte.

A result names everything it depends on: statistic, parameters, method version, data set and fingerprint. The name of
the data set is part of its text (the citation) and is taken from there, so the same file may have any name here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from meantime.compute.local import document_of
from meantime.dataset.snapshot import Snapshot
from meantime.errors import NotMeantime, RequestInvalid
from meantime.formats import document as documents
from meantime.formats.document import Document
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.registry import STATISTICS

# Of a value that a sentence quotes.
_QUOTED_CHARACTERS = 120


class VerificationOutcome(StrEnum):
    """What a verification shows."""

    SAME = "same"
    DIFFERS = "differs"  # computing it again gives something else
    CANNOT_TELL = "cannot tell"  # other data, another version, or no result at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """An outcome and its reason, in a sentence."""

    outcome: VerificationOutcome
    reason: str


def read(body: bytes) -> Document | Verification:
    """Read a result. If it cannot be computed again, this says why before any data are read."""
    try:
        result = documents.decode(body)
    except NotMeantime as error:
        return _cannot_tell(error.reason)
    statistic = STATISTICS.get(result.statistic)
    if statistic is None:
        return _cannot_tell(f"This version of Meantime has no statistic {result.statistic!r}.")
    if statistic.method_version != result.method_version:
        return _cannot_tell(
            f"The result was made by version {result.method_version} of {result.statistic}, and this is version "
            f"{statistic.method_version}: different numbers would not mean that it is wrong."
        )
    return result


def verify(body: bytes, result: Document, snapshot: Snapshot) -> Verification:
    """Compute a result again and compare. ``body`` is the file that was read as ``result``."""
    if snapshot.fingerprint != result.fingerprint:
        return _cannot_tell(
            f"The result is from other data: it names the fingerprint {result.fingerprint}, and these data have "
            f"{snapshot.fingerprint}. The same file also becomes other data if a column has another role (--column), "
            "or if the description next to it is different."
        )
    try:
        prepared = check(result.statistic, result.parameters, snapshot)
        computed = documents.encode(document_of(prepared, result.dataset, Unwatched()))
    except RequestInvalid as error:
        reason = f"These data cannot give this result: the request it names is refused. {error.reason}"
        return Verification(outcome=VerificationOutcome.DIFFERS, reason=reason)
    if computed == body:
        return Verification(outcome=VerificationOutcome.SAME, reason="The same, byte for byte.")
    difference = next(_differences(msgspec.json.decode(computed), msgspec.json.decode(body), ""), None)
    if difference is None:
        return Verification(outcome=VerificationOutcome.SAME, reason="The same, except for the layout of the JSON.")
    return Verification(
        outcome=VerificationOutcome.DIFFERS,
        reason=f"The result differs from what these data give. The first difference is {difference}.",
    )


def _cannot_tell(reason: str) -> Verification:
    return Verification(outcome=VerificationOutcome.CANNOT_TELL, reason=reason)


def _differences(computed: Any, filed: Any, path: str) -> Iterator[str]:
    """Yield each difference, as "rows/0/mean: 12.5 in the file, 12.4 computed"."""
    if isinstance(computed, Mapping) and isinstance(filed, Mapping):
        for name in dict.fromkeys((*computed, *filed)):
            yield from _differences_at(computed, filed, name, f"{path}/{name}".lstrip("/"))
        if [*computed] != [*filed]:
            yield f"{path or 'the whole'}: the order of its names"
    elif isinstance(computed, list) and isinstance(filed, list):
        for index, (one, other) in enumerate(zip(computed, filed, strict=False)):
            yield from _differences(one, other, f"{path}/{index}")
        if len(computed) != len(filed):
            yield f"{path}: {len(filed):,} in the file, {len(computed):,} computed"
    elif _kind(computed) is not _kind(filed) or computed != filed:
        yield f"{path}: {_quoted(filed)} in the file, {_quoted(computed)} computed"


def _differences_at(computed: Mapping[str, Any], filed: Mapping[str, Any], name: str, path: str) -> Iterator[str]:
    if name not in filed:
        yield f"{path}: not in the file, {_quoted(computed[name])} computed"
    elif name not in computed:
        yield f"{path}: {_quoted(filed[name])} in the file, nothing computed"
    else:
        yield from _differences(computed[name], filed[name], path)


def _kind(value: Any) -> type:
    """Return the type of a JSON value. JSON has one kind of number: 30 is 30.0."""
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _quoted(value: Any) -> str:
    text = documents.dumps(value).decode()
    return text if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]}…"
