"""Reads submitted requests, and collects everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Loading
from meantime.did_you_mean import closest, suggestion
from meantime.errors import (
    Problem,
    RequestInvalid,
)
from meantime.model import Request
from meantime.statistics.check import check_form, check_job
from meantime.statistics.cost import CostLimit
from meantime.text import json_pointer, quoted
from meantime.web.http.query import PROBLEM_LIMIT, refusal
from meantime.web.v1.datasets.address import dataset_unknown
from meantime.web.v1.jobs.resource import BATCH_LIMIT, Submission

# A label fits on a line of a list; longer texts belong elsewhere.
LABEL_LIMIT_CHARACTERS = 200

_ENCODER = msgspec.json.Encoder()


class _Invalid(Exception):
    """Carries problems to where they are collected."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)


def read_request(raw: Mapping[str, Any], catalog: Catalog, limit: CostLimit) -> Request:
    """Read the request for one job, which may cost so much."""
    try:
        return _request(raw, catalog, limit)
    except _Invalid as invalid:
        raise _refusal(invalid.problems) from None


def read_batch(raw: Mapping[str, Any], catalog: Catalog, limit: CostLimit) -> list[Request]:
    """Read the requests of a batch, each of which may cost so much."""
    unknown = (key for key in raw if key != "requests")
    problems = [_unknown_key(key, ("requests",)) for key in islice(unknown, PROBLEM_LIMIT)]
    raw_requests = raw.get("requests")
    if not isinstance(raw_requests, list) or not 0 < len(raw_requests) <= BATCH_LIMIT:
        has = (
            f"has {len(raw_requests):,}"
            if isinstance(raw_requests, list)
            else "is missing"
            if raw_requests is None
            else "is not a list"
        )
        problems.append(
            Problem(
                pointer="/requests",
                code="missing" if raw_requests is None else "type" if not isinstance(raw_requests, list) else "length",
                detail=f'"requests" must be a list of 1 to {BATCH_LIMIT:,} requests, but {has}. If there are more, '
                "send several batches.",
            )
        )
        raw_requests = []
    # Batches from programs often repeat a request; equal ones are checked once.
    known: dict[bytes, Request | tuple[Problem, ...]] = {}
    made = []
    for index, each in enumerate(raw_requests):
        if len(problems) >= PROBLEM_LIMIT:
            break
        checked = _checked_once(each, catalog, limit, known)
        if isinstance(checked, Request):
            made.append(checked)
        else:
            problems += _below(f"/requests/{index}", checked)
    if problems:
        raise _refusal(problems)
    return made


def _checked_once(
    raw: object, catalog: Catalog, limit: CostLimit, known: dict[bytes, Request | tuple[Problem, ...]]
) -> Request | tuple[Problem, ...]:
    written = _ENCODER.encode(raw)
    if (checked := known.get(written)) is None:
        try:
            checked = _request(raw, catalog, limit)
        except _Invalid as invalid:
            checked = invalid.problems
        known[written] = checked
    return checked


_KEYS = tuple(Submission.__struct_fields__)


def _request(raw: object, catalog: Catalog, limit: CostLimit) -> Request:
    """Check a submission.

    Raises:
        _Invalid: with all problems.
        DatasetNotReady: the data set failed to load.
    """
    if not isinstance(raw, dict):
        raise _Invalid([Problem(pointer="", code="type", detail="A request must be an object such as " + EXAMPLE)])
    problems = []
    for key in raw:
        if key not in _KEYS:
            problems.append(_unknown_key(key, _KEYS))
            if len(problems) >= PROBLEM_LIMIT:
                raise _Invalid(problems)
    if (label := raw.get("label")) is not None:
        problems += _of_label(label)
    dataset = raw.get("dataset", catalog.default)
    is_served = isinstance(dataset, str) and dataset in catalog.names
    if not is_served:
        problems.append(_unknown_dataset(dataset, catalog.names))
    statistic, parameters = raw.get("statistic"), raw.get("parameters", {})
    if not isinstance(statistic, str):
        problems.append(_no_statistic("statistic" in raw))
    if not isinstance(parameters, dict):
        problems.append(
            Problem(pointer="/parameters", code="type", detail='"parameters" must be an object with names and values.')
        )
    if not isinstance(statistic, str) or not isinstance(parameters, dict):
        raise _Invalid(problems)
    # While the data set is loading, only the form can be checked; the job checks the rest. If loading failed, this
    # raises.
    is_there = is_served and not isinstance(catalog.status(dataset), Loading)
    snapshot = catalog.snapshot(dataset) if is_there else None
    try:
        checked = (
            msgspec.to_builtins(check_form(statistic, parameters, refuse_unknown=True, by_words=True))
            if snapshot is None
            else check_job(statistic, parameters, snapshot, refuse_unknown=True, by_words=True, limit=limit)
        )
    except RequestInvalid as invalid:
        raise _Invalid([*problems, *_below("/parameters", invalid.problems)]) from invalid
    if problems:
        raise _Invalid(problems)
    return Request(
        dataset=dataset,
        statistic=statistic,
        parameters=checked,
        view="document",
        fingerprint=snapshot.fingerprint if snapshot else None,
        label=label,
    )


def _below(pointer: str, problems: Iterable[Problem]) -> Iterable[Problem]:
    """Prefix pointers. The name of the statistic is next to its parameters, not among them."""
    for problem in problems:
        if problem.code == "unknown-statistic" and pointer == "/parameters":
            yield msgspec.structs.replace(problem, pointer="/statistic")
        else:
            yield msgspec.structs.replace(problem, pointer=pointer + problem.pointer)


def _refusal(problems: Sequence[Problem]) -> RequestInvalid:
    shown = list(problems[:PROBLEM_LIMIT])
    if len(shown) == PROBLEM_LIMIT:
        # A problem of its own, because programs read only these.
        shown.append(
            Problem(
                pointer="",
                code="too-many",
                detail=f"There may be more: checking stopped after {PROBLEM_LIMIT} problems.",
            )
        )
    return refusal(shown, "request")


def _unknown_key(key: str, known: Sequence[str]) -> Problem:
    near = closest(key, known)
    hint = suggestion(near).strip() or f"It takes {', '.join(known)}."
    return Problem(
        pointer=json_pointer(key), code="unknown-key", detail=f"A request has no {quoted(key)}. {hint}", closest=near
    )


def _of_label(label: object) -> list[Problem]:
    if not isinstance(label, str):
        return [Problem(pointer="/label", code="type", detail='"label" must be a string, or left out.')]
    if len(label) > LABEL_LIMIT_CHARACTERS:
        detail = f'"label" has {len(label):,} characters; at most {LABEL_LIMIT_CHARACTERS} are allowed.'
        return [Problem(pointer="/label", code="length", detail=detail)]
    return []


def _unknown_dataset(dataset: object, names: Sequence[str]) -> Problem:
    if not isinstance(dataset, str):
        detail = '"dataset" must be the name of a data set; by default it is the first one.'
        return Problem(pointer="/dataset", code="type", detail=detail)
    detail = dataset_unknown(dataset, names).reason
    return Problem(pointer="/dataset", code="unknown", detail=detail, closest=closest(dataset, names))


def _no_statistic(is_there: bool) -> Problem:
    if is_there:
        return Problem(pointer="/statistic", code="type", detail='"statistic" must be the name of a statistic.')
    return Problem(pointer="/statistic", code="missing", detail=f'"statistic" is missing: send {EXAMPLE}')


EXAMPLE = '{"statistic": "states_mean", "parameters": {"question": "..."}}; GET /v1/statistics lists them.'
BATCH_EXAMPLE = '{"requests": [{"statistic": "states_mean", "parameters": {"question": "..."}}]}.'
