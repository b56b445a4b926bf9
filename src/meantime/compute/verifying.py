"""Whether a result is what comes out of the data: computed again, and compared byte for byte.

A result names all that it depends on: statistic, parameters, method version, data set and fingerprint. The name of the
data set is in the result's own words (its citation), and is taken from there: the same file may have any name here.
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
from meantime.statistics import requests
from meantime.statistics.registry import STATISTICS

# A cell or a text of a result, in a sentence.
_SHOWN_CHARACTERS = 120


class Verdict(StrEnum):
    """What a verification has come to."""

    SAME = "same"
    DIFFERS = "differs"  # the file does not say what comes out of the data
    CANNOT_TELL = "cannot tell"  # other data, another version, or no result at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A verdict and its reason, in a sentence."""

    verdict: Verdict
    reason: str


def read(body: bytes) -> Document | Verification:
    """Read a result; what keeps it from being computed again is told before any data are read."""
    try:
        given = documents.decode(body)
    except NotMeantime as error:
        return _cannot(error.reason)
    statistic = STATISTICS.get(given.statistic)
    if statistic is None:
        return _cannot(f"This version of Meantime has no statistic {given.statistic!r}.")
    if statistic.method_version != given.method_version:
        return _cannot(
            f"The result was made by version {given.method_version} of {given.statistic}, and this is version "
            f"{statistic.method_version}: other numbers would not say that it is wrong."
        )
    return given


def verify(body: bytes, given: Document, snapshot: Snapshot) -> Verification:
    """Compute a result again and compare; ``body`` is the file that was read as ``given``."""
    if snapshot.fingerprint != given.fingerprint:
        return _cannot(
            f"The result is of other data: it names the fingerprint {given.fingerprint}, and these have "
            f"{snapshot.fingerprint}. A column that is taken for another role (--column) or a description beside the "
            "file makes other data of the same file too."
        )
    try:
        prepared = requests.check(given.statistic, given.parameters, snapshot)
        made = documents.encode(document_of(prepared, given.dataset, Unwatched()))
    except RequestInvalid as error:
        reason = f"These data give no such result: what it says was asked is refused. {error.reason}"
        return Verification(verdict=Verdict.DIFFERS, reason=reason)
    if made == body:
        return Verification(verdict=Verdict.SAME, reason="The same, byte for byte.")
    found = next(_differences(msgspec.json.decode(made), msgspec.json.decode(body), ""), None)
    if found is None:
        return Verification(verdict=Verdict.SAME, reason="The same but for how the JSON is laid out.")
    return Verification(verdict=Verdict.DIFFERS, reason=f"The result differs from what comes out. First at {found}.")


def _cannot(reason: str) -> Verification:
    return Verification(verdict=Verdict.CANNOT_TELL, reason=reason)


def _differences(made: Any, given: Any, where: str) -> Iterator[str]:
    """Go through what differs, as "rows/0/mean: 12.5 in the file, 12.4 computed"."""
    if isinstance(made, Mapping) and isinstance(given, Mapping):
        for name in dict.fromkeys((*made, *given)):
            yield from _in_both(made, given, name, f"{where}/{name}".lstrip("/"))
        if [*made] != [*given]:
            yield f"{where or 'the whole'}: its names, which are in another order"
    elif isinstance(made, list) and isinstance(given, list):
        for place, (one, other) in enumerate(zip(made, given, strict=False)):
            yield from _differences(one, other, f"{where}/{place}")
        if len(made) != len(given):
            yield f"{where}: {len(given):,} in the file, {len(made):,} computed"
    elif _kind(made) is not _kind(given) or made != given:
        yield f"{where}: {_shown(given)} in the file, {_shown(made)} computed"


def _kind(value: Any) -> type:
    """Return the type of a value of JSON, which has one kind of numbers: 30 is 30.0."""
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _in_both(made: Mapping[str, Any], given: Mapping[str, Any], name: str, where: str) -> Iterator[str]:
    if name not in given:
        yield f"{where}: not in the file, {_shown(made[name])} computed"
    elif name not in made:
        yield f"{where}: {_shown(given[name])} in the file, and nothing such is computed"
    else:
        yield from _differences(made[name], given[name], where)


def _shown(value: Any) -> str:
    text = documents.dumps(value).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
