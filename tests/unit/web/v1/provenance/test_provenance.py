"""From an answer to the rows of the file that it rests on."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.errors import (
    AnswersBusy,
    CursorInvalid,
    DatasetUnknown,
    JobUnknown,
    NotAcceptable,
    PathUnknown,
    RequestInvalid,
    ResultGone,
    ResultNotReady,
    SnapshotDamaged,
    StatisticUnknown,
)
from meantime.statistics.registry import STATISTICS
from meantime.web.http.replies import Reply
from meantime.web.v1.provenance.explanation import get_job_explanation, get_statistic_explanation
from meantime.web.v1.provenance.rows import get_job_rows, get_statistic_rows
from tests.support.busy_pool import busy_pool
from tests.support.http_requests import FakeRequest, job_request
from tests.support.table_files import read
from tests.support.v1_calls import FakeEngine, RunningBackend, Tables, running_backend

FILE = """Question,LocationDesc,Data_Value,Stratification1
Naps,Utah,10,Men
Naps,Utah,20,Women
Naps,Ohio,30,Men
Naps,Utah,~,Others
Naps,Guam,~,Men
"""
SUBMISSION: Mapping[str, Any] = {"statistic": "states_mean", "parameters": {"question": "Naps"}}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("naps")
    (folder / "naps.csv").write_text(FILE)
    return read(folder / "naps.csv", into=folder)


@pytest.fixture
def server(snapshot: Snapshot) -> Iterator[RunningBackend]:
    with running_backend(tables=Tables(table=snapshot)) as server:
        yield server


def ask(
    server: RunningBackend, query: str, *, statistic: str = "states_mean", suffix: str | None = None, **headers: str
) -> Reply:
    path_params = {"name": statistic} | ({} if suffix is None else {"suffix": suffix})
    return server.run(get_statistic_rows, lambda: FakeRequest(path_params=path_params, query=query, **headers))


def explained(server: RunningBackend, query: str, statistic: str = "states_mean", **headers: str) -> Reply:
    return server.run(
        get_statistic_explanation, lambda: FakeRequest(path_params={"name": statistic}, query=query, **headers)
    )


def of_job(server: RunningBackend, job_id: str, query: str = "", suffix: str | None = None) -> Reply:
    return server.run(get_job_rows, lambda: job_request(job_id=job_id, query=query, suffix=suffix))


def told(reply: Reply) -> Any:
    assert reply.status == 200, reply
    return json.loads(reply.body)


def rows(reply: Reply) -> list[tuple[Any, ...]]:
    return [(row["line"], row["weight"], row["withheld"], row["Data_Value"]) for row in told(reply)["rows"]]


UTAH = [(2, 0.5, None, "10"), (3, 0.5, None, "20"), (5, None, "~", "~")]


def test_a_row_is_named_by_its_number_or_by_its_labels(server: RunningBackend) -> None:
    assert rows(ask(server, "question=Naps&row=0")) == UTAH
    assert rows(ask(server, "question=Naps&key=Utah")) == UTAH
    assert rows(ask(server, "question=Naps&row=1")) == [(4, 1.0, None, "30")]
    of_ohio = ask(server, "question=Naps&by=stratum&by=location&key=Men&key=Ohio", statistic="summary")
    assert rows(of_ohio) == [(4, 1.0, None, "30")]


def test_all_of_an_answer_has_no_weights_unless_it_is_of_one_row(server: RunningBackend) -> None:
    everything = rows(ask(server, "question=Naps"))
    assert [row[0] for row in everything] == [2, 3, 4, 5, 6]
    assert {row[1] for row in everything} == {None}
    assert rows(ask(server, "question=Naps&state=Utah", statistic="state_mean")) == UTAH


def test_the_document_says_what_the_weights_add_up_to_and_where_all_comes_from(
    server: RunningBackend, snapshot: Snapshot
) -> None:
    made = told(ask(server, "question=Naps&row=0"))
    assert made["statistic"] == "states_mean"
    assert made["fingerprint"] == snapshot.fingerprint
    assert made["parameters"] == {"question": "Naps"}
    assert made["notes"] == [
        "3 rows of the file, of which 1 has no value.",
        "mean is the sum of weight times value over all of them, as published.",
    ]
    assert {row["file"] for row in made["rows"]} == {"naps.csv"}


def test_pages_lead_on(server: RunningBackend) -> None:
    first = ask(server, "question=Naps&row=0&page_rows=2", suffix="csv")
    link = dict(first.headers)["link"]
    assert link.startswith("</v1/statistics/states_mean/rows.csv?question=Naps&row=0&page_rows=2&cursor=")
    query = link.partition("?")[2].partition(">")[0]
    rest = ask(server, query, suffix="csv")
    assert "link" not in dict(rest.headers)
    lines = [
        row["line"] for reply in (first, rest) for row in csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig")))
    ]
    assert lines == ["2", "3", "5"]
    with pytest.raises(CursorInvalid):
        ask(server, query.replace("row=0", "row=1"))


def test_an_answer_is_kept_and_asked_after(server: RunningBackend) -> None:
    etag = dict(ask(server, "question=Naps").headers)["etag"]
    assert ask(server, "question=Naps", if_none_match=etag).status == 304
    assert ask(server, "question=Naps&row=0", if_none_match=etag).status == 200


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("question=Naps&row=2", "/row", "range"),
        ("question=Naps&row=-1", "/row", "type"),
        ("question=Naps&row=0&row=1", "/row", "repeated"),
        ("question=Naps&row=0&key=Utah", "/key", "contradiction"),
        ("question=Naps&key=Utha", "/key", "unknown"),
        ("question=Naps&key=Guam", "/key", "unknown"),
        ("question=Naps&page_rows=0", "/page_rows", "range"),
        ("question=Naps&roe=0", "/roe", "unknown-key"),
        ("question=Nasp", "/question", "unknown"),
    ],
)
def test_what_is_wrong_is_said(server: RunningBackend, query: str, pointer: str, code: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        ask(server, query)
    [problem] = refused.value.problems
    assert (problem.pointer, problem.code) == (pointer, code)


def test_what_is_not_there_is_said(server: RunningBackend) -> None:
    with pytest.raises(StatisticUnknown):
        ask(server, "question=Naps", statistic="nonsense")
    with pytest.raises(DatasetUnknown):
        ask(server, "question=Naps&dataset=nonsense")
    with pytest.raises(PathUnknown):
        ask(server, "question=Naps", suffix="nonsense")
    with pytest.raises(NotAcceptable):
        ask(server, "question=Naps", accept="image/png")


def test_the_rows_of_a_job_are_those_of_its_answer(server: RunningBackend) -> None:
    for view in ("document", "classic"):
        job_id = server.done(view=view, **SUBMISSION)
        assert rows(of_job(server, job_id, "row=0")) == UTAH
        assert len(rows(of_job(server, job_id))) == 5
    reply = of_job(server, job_id, "key=Utah&page_rows=1", suffix="json")
    assert f"</v1/jobs/{job_id}/rows.json?key=Utah&page_rows=1&cursor=" in dict(reply.headers)["link"]


def test_a_job_that_has_no_result_has_no_rows() -> None:
    async def rows_of(job_id: str) -> object:
        return await get_job_rows(FakeEngine().backend, job_request(job_id=job_id))

    with pytest.raises(ResultNotReady):
        asyncio.run(rows_of("job_id_1"))
    with pytest.raises(JobUnknown):
        asyncio.run(rows_of("job_id_2"))


def test_what_made_a_result_may_be_gone(server: RunningBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = server.done(**SUBMISSION)

    def gone(name: str, fingerprint: str | None = None) -> Snapshot:
        raise SnapshotDamaged(f"{name} {fingerprint} is not on disk")

    with monkeypatch.context() as patched:
        patched.setattr(server.tables, "snapshot", gone)
        with pytest.raises(ResultGone, match="snapshot"):
            of_job(server, job_id)
    newer = dataclasses.replace(STATISTICS["states_mean"], method_version=99)
    monkeypatch.setattr("meantime.web.v1.provenance.query.STATISTICS", {"states_mean": newer})
    with pytest.raises(ResultGone, match="version 1"):
        of_job(server, job_id)


def test_a_row_is_explained_in_words_with_its_numbers_and_programs(server: RunningBackend, snapshot: Snapshot) -> None:
    made = told(explained(server, "question=Naps&key=Utah"))
    assert made["title"] == "states_mean: Utah, Naps"
    assert made["values"] == {"location": "Utah", "mean": 15.0, "count": 2, "withheld": 1}
    assert [step["formula"] for step in made["steps"]] == [None, "30 / 2 = 15.0"]
    assert made["number"] == "mean"
    assert made["programs"]["computes"] == ["mean"]
    assert "import pandas as pd" in made["programs"]["python"]
    assert made["fingerprint"] == snapshot.fingerprint
    assert made["links"] == {"rows": "/v1/statistics/states_mean/rows?question=Naps&row=0"}


def test_without_a_row_it_is_the_first(server: RunningBackend) -> None:
    assert told(explained(server, "question=Naps"))["row"] == 0
    job_id = server.done(**SUBMISSION)
    made = told(server.run(get_job_explanation, lambda: job_request(job_id=job_id)))
    assert (made["row"], made["links"]["rows"]) == (0, f"/v1/jobs/{job_id}/rows?row=0")


def test_an_explanation_is_kept_and_asked_after(server: RunningBackend) -> None:
    etag = dict(explained(server, "question=Naps").headers)["etag"]
    assert explained(server, "question=Naps", if_none_match=etag).status == 304


@pytest.mark.parametrize(
    "query",
    ["question=Naps&cursor=x", "question=Naps&row=9", "question=Naps&chart=map", "question=Naps&chart.title=x"],
)
def test_what_cannot_be_explained_is_refused(server: RunningBackend, query: str) -> None:
    with pytest.raises(RequestInvalid):
        explained(server, query)


def test_an_answer_without_rows_has_none_to_explain(server: RunningBackend) -> None:
    with pytest.raises(RequestInvalid, match="no row"):
        explained(server, "question=Naps&stratum=Women&location=Ohio&by=location", "summary")


def test_pages_of_a_large_table_are_made_where_long_answers_are(
    server: RunningBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meantime.web.v1.provenance.rows._LONG_ROWS", 1)
    assert rows(ask(server, "question=Naps&row=0")) == UTAH
    monkeypatch.setattr(server.backend.pools, "long", busy_pool())
    with pytest.raises(AnswersBusy):
        ask(server, "question=Naps&row=0")
