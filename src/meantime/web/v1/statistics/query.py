"""Reads a request for a statistic from the query of an address."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from meantime.charts.figure import Figure
from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Loading, Ready
from meantime.dataset.snapshot import Snapshot
from meantime.errors import (
    DatasetLoading,
    Problem,
    RequestInvalid,
    SnapshotDamaged,
)
from meantime.statistics.asked_names import own_name
from meantime.statistics.check import Named, check_names
from meantime.statistics.parameters import fields, item_of, text_is_meant
from meantime.statistics.statistic import AnyPrepared, AnyStatistic
from meantime.text import quoted
from meantime.web.checking import check_question
from meantime.web.http.query import refusal
from meantime.web.v1.datasets.address import dataset_unknown
from meantime.web.v1.figures import figure_of, unknown_highlights

_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
# Parameters of a query apart from those of the statistic.
_RESERVED = ("dataset", "fingerprint", "chart")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticQuery:
    """A request for a statistic whose names the snapshot has. Its cells are not selected yet."""

    dataset: str
    named: Named
    is_pinned: bool  # the query names the snapshot, instead of using the current one
    chart: str | None  # the chart to show
    figure: Figure  # how it is to look

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that is used."""
        return self.named.snapshot

    def prepared(self) -> AnyPrepared:
        """Select the cells. Not in the event loop: this takes milliseconds, and longer in large tables.

        Raises:
            RequestInvalid: it cannot be answered; with all problems.
        """
        try:
            return self.named.prepared()
        except RequestInvalid as invalid:
            raise refusal(invalid.problems, "query") from invalid


async def read_question(pairs: Sequence[tuple[str, str]], row: AnyStatistic, catalog: Catalog) -> StatisticQuery:
    """Read a query, and check what does not need the cells.

    Raises:
        DatasetUnknown, DatasetLoading, DatasetNotReady: the data set cannot be used.
        RequestInvalid: with all problems that can be seen without them.
    """
    texts_by_name: dict[str, list[str]] = {}
    for name, text in pairs:
        texts_by_name.setdefault(own_name(row.parameters, name), []).append(text)
    problems: list[Problem] = []
    reserved = {name: _one(name, texts_by_name.pop(name), problems) for name in _RESERVED if name in texts_by_name}
    fingerprint = reserved.get("fingerprint")
    if fingerprint is not None and not _FINGERPRINT.fullmatch(fingerprint):
        detail = f'"fingerprint" must be that of a snapshot, 64 hexadecimal digits, not {quoted(fingerprint)}.'
        problems.append(Problem(pointer="/fingerprint", code="type", detail=detail))
    figure = figure_of(texts_by_name, problems)
    dataset = reserved.get("dataset", catalog.default)
    raw = _raw(row, texts_by_name, problems)
    snapshot = await _snapshot(catalog, dataset, None if problems else fingerprint)
    problems += unknown_highlights(figure, snapshot.cube.labels.locations)
    try:
        named = await check_question(
            snapshot, len(pairs), partial(check_names, row.name, raw, snapshot, refuse_unknown=True, by_words=True)
        )
    except RequestInvalid as invalid:
        raise refusal([*problems, *invalid.problems], "query") from invalid
    if problems:
        raise refusal(problems, "query")
    return StatisticQuery(
        dataset=dataset,
        named=named,
        is_pinned=fingerprint is not None,
        chart=reserved.get("chart"),
        figure=figure,
    )


async def _snapshot(catalog: Catalog, dataset: str, fingerprint: str | None) -> Snapshot:
    if dataset not in catalog.names:
        raise dataset_unknown(dataset, catalog.names)
    status = catalog.status(dataset)
    if fingerprint is not None and not (isinstance(status, Ready) and status.snapshot.fingerprint == fingerprint):
        return await _older(catalog, dataset, fingerprint)
    if isinstance(status, Loading):
        raise DatasetLoading(
            f"The data set {quoted(dataset)} is still loading. Try again in a second, or POST the same question to "
            "/v1/jobs, where the job waits for it.",
            retry_after_s=1,
        )
    return catalog.snapshot(dataset)


async def _older(catalog: Catalog, dataset: str, fingerprint: str) -> Snapshot:
    """Return a snapshot that is not the current one. Opening it may take a tenth of a second."""
    try:
        return await asyncio.to_thread(catalog.snapshot, dataset, fingerprint)
    except SnapshotDamaged:
        detail = (
            f'No snapshot with the fingerprint {quoted(fingerprint)} is kept any more. Leave out "fingerprint" to '
            "use the current data."
        )
        problem = Problem(pointer="/fingerprint", code="unknown", detail=detail)
        raise RequestInvalid(detail, problems=(problem,)) from None


def _raw(row: AnyStatistic, texts_by_name: Mapping[str, list[str]], problems: list[Problem]) -> dict[str, Any]:
    """Convert texts to the types of the parameters. Others are kept, and the check reports them."""
    parameters: type[msgspec.Struct] = row.parameters
    kinds = {field.name: field.type for field in fields(parameters)}
    raw: dict[str, Any] = {}
    for name, texts in texts_by_name.items():
        kind = kinds.get(name)
        item = item_of(kind)
        if item is not None:
            # An empty text is a valid label; in lists of numbers and words it is ignored.
            kept = texts if text_is_meant(item) else [text for text in texts if text]
            raw[name] = [_value(item, text) for text in kept]
        else:
            raw[name] = _value(kind, _one(name, texts, problems))
    return raw


def _one(name: str, texts: Sequence[str], problems: list[Problem]) -> str:
    """Return the value of a parameter, which may be repeated only with the same value."""
    if len(set(texts)) > 1:
        detail = f'"{name}" takes one value, but {len(set(texts)):,} different ones were given.'
        problems.append(Problem(pointer=f"/{name}", code="repeated", detail=detail))
    return texts[0]


def _value(kind: Any, text: str) -> Any:
    """Convert a text to the type of a parameter."""
    if kind is None or text_is_meant(kind):
        return text
    try:
        return msgspec.convert(text or None, kind, strict=False)
    except msgspec.ValidationError:
        return text
