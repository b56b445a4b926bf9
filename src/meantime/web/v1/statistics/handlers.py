"""Handlers for statistics and immediate answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from meantime.did_you_mean import closest, suggestion
from meantime.errors import MeantimeError, StatisticUnknown
from meantime.formats.file_names import stem_of
from meantime.formats.format import Format
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyStatistic
from meantime.text import quoted
from meantime.web.answer_cache import AnswerKey, key_of
from meantime.web.backend import Backend
from meantime.web.http import conditional
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1.forms import choose_chart, choose_form
from meantime.web.v1.representation import represent
from meantime.web.v1.statistics.immediate import ImmediateAnswer
from meantime.web.v1.statistics.query import StatisticQuery, read_question
from meantime.web.v1.statistics.resource import STATISTIC_LIST, statistic_description

# The data set may be reloaded, so an answer must be revalidated each time, which takes no longer than a lookup.
REVALIDATE = "public, no-cache"
# An answer for a named fingerprint never changes.
_IMMUTABLE = "public, max-age=31536000, immutable"

_ENCODER = msgspec.json.Encoder()


async def list_statistics(_: Backend, request: HttpRequest) -> Reply:
    """GET /v1/statistics: all statistics."""
    return conditional.answer(request, STATISTIC_LIST)


async def get_statistic(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/statistics/{name}: without a query its description, with a query an answer."""
    if not request.raw_query:
        # Answers at the same address vary by these headers, so the description must say the same.
        return conditional.answer(
            request, statistic_description(statistic_of(request).name), ("vary", "Accept, Accept-Encoding")
        )
    return await answer_statistic(backend, request)


def statistic_of(request: HttpRequest) -> AnyStatistic:
    """Return the statistic that the path names.

    Raises:
        StatisticUnknown: there is none with this name.
    """
    name = request.path_params["name"]
    if (row := STATISTICS.get(name)) is None:
        near = closest(name, tuple(STATISTICS))
        raise StatisticUnknown(
            f"There is no statistic {quoted(name)}. {suggestion(near)}GET /v1/statistics lists all of them."
        )
    return row


async def answer_statistic(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/statistics/{name}?..., and with a suffix: the answer, unless the client has it."""
    key, answers = key_of(request), backend.answers
    if key is None:
        return await _made(backend, request, key)
    if (kept := answers.get(key, backend.catalog)) is not None:
        return kept
    async with answers.making(key) as making:
        # Another request may have computed it, or have been refused, while this one waited.
        if (kept := answers.get(key, backend.catalog)) is not None:
            return kept
        if making.refusal is not None:
            raise making.refusal
        try:
            return await _made(backend, request, key)
        except MeantimeError as error:
            making.refusal = error
            raise


async def _made(backend: Backend, request: HttpRequest, key: AnswerKey | None) -> Reply | Stream:
    row = statistic_of(request)
    form = choose_form(request.header("accept"), request.path_params.get("suffix"), row.name)
    question = await read_question(request.query, row, backend.catalog)
    about = question.snapshot.about
    form = choose_chart(form, question.chart, row.name, question.figure, lambda: about.points.coordinates)
    made = await _represented(backend, request, row, form, question)
    if key is not None and isinstance(made, Reply):
        fingerprint = question.snapshot.fingerprint
        backend.answers.put(key, made, dataset=question.dataset, fingerprint=fingerprint, is_pinned=question.is_pinned)
    return made


async def _represented(
    backend: Backend, request: HttpRequest, row: AnyStatistic, form: Format, question: StatisticQuery
) -> Reply | Stream:
    making = ImmediateAnswer(backend, question, form)
    return await represent(
        request,
        form=form,
        tag=_tag(row, question, making.known),
        document=making.document,
        body=None,
        cache_control=_IMMUTABLE if question.is_pinned else REVALIDATE,
        stem=partial(
            stem_of,
            statistic=row.name,
            parameters=making.known,
            dataset=question.dataset,
            fingerprint=question.snapshot.fingerprint,
        ),
        run=making.run,
        stop=making.work.stop,
    )


def _tag(row: AnyStatistic, question: StatisticQuery, known: Mapping[str, Any]) -> str:
    """Identify an answer: equal questions about equal data have the same tag, however they are written."""
    identity = [question.dataset, question.snapshot.fingerprint, row.name, row.method_version, known]
    return hashlib.blake2b(_ENCODER.encode(identity), digest_size=16).hexdigest()
