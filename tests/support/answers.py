"""What statistics say of requests whose parameters are at hand: their answers, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from meantime.compute.local import LocalCompute
from meantime.dataset.snapshot import Snapshot
from meantime.errors import Problem, RequestInvalid
from meantime.formats.document import Document
from meantime.model import Request, Unwatched
from meantime.statistics.check import check, check_form
from meantime.statistics.statistic import Statistic

P = TypeVar("P", bound=msgspec.Struct)


def problems(statistic: Statistic[P, Any], snapshot: Snapshot | None, parameters: P) -> tuple[Problem, ...]:
    """Say what a statistic finds wrong with parameters; without a snapshot, what is wrong with their form."""
    if snapshot is None:
        return tuple(statistic.check_form(parameters))
    try:
        statistic.prepared(snapshot, parameters)
    except RequestInvalid as invalid:
        return invalid.problems
    return ()


def pointers(statistic: Statistic[P, Any], snapshot: Snapshot | None, parameters: P) -> list[str]:
    """Say where parameters are wrong."""
    return [each.pointer for each in problems(statistic, snapshot, parameters)]


def document_of(compute: LocalCompute, request: Request) -> Document:
    """Compute what a request asks for, as the web does."""
    return compute.document(compute.prepare(request), request.dataset, Unwatched())


def refused(
    name: str, raw: Mapping[str, object], snapshot: Snapshot | None, *, refuse_unknown: bool = False
) -> tuple[Problem, ...]:
    """Say what the check finds wrong with a request; empty where it can be answered."""
    try:
        if snapshot is None:
            check_form(name, raw, refuse_unknown=refuse_unknown)
        else:
            check(name, raw, snapshot, refuse_unknown=refuse_unknown)
    except RequestInvalid as invalid:
        return invalid.problems
    return ()
