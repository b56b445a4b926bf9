"""Answers about statistics, and to questions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from meantime.did_you_mean import closest, suggestion
from meantime.errors import (
    StatisticUnknown,
)
from meantime.formats.format import Format
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyStatistic
from meantime.text import quoted
from meantime.web.answer_cache import AnswerKey, key_of
from meantime.web.backend import Backend
from meantime.web.http import conditional
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.forms import choose_form, with_chart
from meantime.web.v1.representation import represent, stem_of
from meantime.web.v1.statistics.immediate import ImmediateAnswer
from meantime.web.v1.statistics.query import StatisticQuery, read_question
from meantime.web.v1.statistics.resource import STATISTIC_DESCRIPTIONS, STATISTIC_LIST

# The data set may be loaded anew, so the answer is asked after each time, which takes no longer than to look it up.
ASK_AFTER = "public, no-cache"
# With its fingerprint named it can never be another one.
_FOR_EVER = "public, max-age=31536000, immutable"

_ENCODER = msgspec.json.Encoder()


async def list_statistics(_: Backend, request: HttpRequest) -> Reply:
    """GET /v1/statistics: all that can be question."""
    return conditional.answer(request, STATISTIC_LIST)


async def get_statistic(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/statistics/{name}: without a query what it is, with one its answer."""
    if not request.raw_query:
        # Answers at the same address vary, so caches are told the same of what it is.
        return conditional.answer(
            request, STATISTIC_DESCRIPTIONS[statistic_of(request).name], ("vary", "Accept, Accept-Encoding")
        )
    return await answer_statistic(backend, request)


def statistic_of(request: HttpRequest) -> AnyStatistic:
    """Return the statistic that the path names.

    Raises:
        StatisticUnknown: there is none of this name.
    """
    name = request.path_params["name"]
    if (row := STATISTICS.get(name)) is None:
        near = closest(name, tuple(STATISTICS))
        raise StatisticUnknown(
            f"There is no statistic {quoted(name)}. {suggestion(near)}GET /v1/statistics lists all of them."
        )
    return row


async def answer_statistic(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/statistics/{name}?..., and with a suffix: the answer, as far as the client does not have it."""
    key, answers = key_of(request), backend.answers
    if key is None:
        return await _made(backend, request, key)
    if (kept := answers.find(key, backend.catalog)) is not None:
        return kept
    async with answers.turn(key):
        # Made by another one while this one waited for its turn.
        return answers.find(key, backend.catalog) or await _made(backend, request, key)


async def _made(backend: Backend, request: HttpRequest, key: AnswerKey | None) -> Reply | Stream:
    row = statistic_of(request)
    form = choose_form(request.header("accept"), request.path_params.get("suffix"), row.name)
    question = await read_question(request.query, row, backend.catalog)
    form = with_chart(form, question.chart, row.name).with_points(lambda: question.snapshot.about.points.coordinates)
    made = await _represented(backend, request, row, form, question)
    if key is not None and isinstance(made, Reply):
        fingerprint = question.snapshot.fingerprint
        backend.answers.keep(key, made, dataset=question.dataset, fingerprint=fingerprint, is_pinned=question.is_pinned)
    return made


async def _represented(
    backend: Backend, request: HttpRequest, row: AnyStatistic, form: Format, question: StatisticQuery
) -> Reply | Stream:
    making = ImmediateAnswer(backend, question)
    try:
        return await represent(
            request,
            form=form,
            tag=_tag(row, question, making.known),
            document=making.document,
            body=None,
            cache_control=_FOR_EVER if question.is_pinned else ASK_AFTER,
            stem=stem_of(row.name, question.dataset, question.snapshot.fingerprint),
            is_quick=not making.is_long,
        )
    finally:
        # Where the client has left, or the server gives up: the thread is to know.
        making.work.stop()


def _tag(row: AnyStatistic, question: StatisticQuery, known: Mapping[str, Any]) -> str:
    """Name an answer: equal questions of equal data have one name, however they are written."""
    says = [question.dataset, question.snapshot.fingerprint, row.name, row.method_version, known]
    return hashlib.blake2b(_ENCODER.encode(says), digest_size=16).hexdigest()
