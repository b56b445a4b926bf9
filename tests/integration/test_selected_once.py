"""An answer selects each set of cells once, whichever way it is asked: counted where cells are selected."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from meantime.cli import ask_file
from meantime.compute import verifying
from meantime.compute.local import document_of
from meantime.dataset.handover import Handover
from meantime.dataset.samples.synthetic import write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.formats import document
from meantime.formats.document import Document
from meantime.model import Unwatched
from meantime.statistics.cells import filters, select
from meantime.statistics.cells.marginals import entries_with_value
from meantime.statistics.check import check
from meantime.statistics.explain.source_rows import row_of
from meantime.statistics.families import classic
from meantime.statistics.registry import STATISTICS
from tests.support.command_line import meantime
from tests.support.table_files import read
from tests.support.web_app import Served, served

# Sets of cells that an answer to the example needs, where it is not one. The mean of a question is kept with it.
_SEVERAL = {"global_mean": 0, "change": 2, "association": 2, "sensitivity": 3}
_EXAMPLES = [(name, row.example, _SEVERAL.get(name, 1)) for name, row in STATISTICS.items()]
_TWO = {"locations": ["Ohio", "Utah"], "reference": "National"}
# What was not asked for must be selected too: the reference, and the other members of what it is made of.
_MORE = [
    ("ranking", {**STATISTICS["ranking"].example, "reference": "Guam"}, 1),
    ("ranking", {**STATISTICS["ranking"].example, **_TWO}, 2),
    ("comparison", {**STATISTICS["comparison"].example, **_TWO}, 2),
    ("change", {**STATISTICS["change"].example, **_TWO}, 4),
    ("gap_ranking", {**STATISTICS["gap_ranking"].example, "since": "2022", "years": "2023"}, 2),
    ("sensitivity", {**STATISTICS["sensitivity"].example, "years": "2021..2023"}, 2),
    ("estimate", {**STATISTICS["estimate"].example, "basis": "all_rows"}, 1),
]
ANSWERS = pytest.mark.parametrize(("name", "parameters", "sets"), [*_EXAMPLES, *_MORE])


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    with path.open("wb") as file:
        write_sample(file, rows=20_000, seed=1)
    return read(path)


@pytest.fixture(scope="module")
def server(sample: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("server"), outcomes={"table": sample}) as serving:
        yield serving


class Selections:
    """Counts selections that are begun, and the cells, or entries of a marginal, that each has come to."""

    def __init__(self) -> None:
        self.begun = 0
        self.cells: Counter[tuple[str, bytes]] = Counter()

    def assert_each_once(self, sets: int, *, times: int = 1) -> None:
        assert self.begun == sets * times
        if not sets:
            return
        assert len(self.cells) == sets, "a set of cells was selected by two requests"
        assert set(self.cells.values()) == {times}


def _count(counted: Selections, monkeypatch: pytest.MonkeyPatch, name: str, cells: str) -> None:
    """Count the selections of a function, wherever it is imported."""
    function = getattr(select, name)

    def selecting(*arguments: Any, **more: Any) -> Any:
        counted.begun += 1
        selection = function(*arguments, **more)
        counted.cells["cells", getattr(selection, cells).tobytes()] += 1
        return selection

    for module in [module for path, module in sys.modules.items() if path.startswith("meantime.statistics.")]:
        if getattr(module, name, None) is function:
            monkeypatch.setattr(module, name, selecting)


@pytest.fixture
def selections(monkeypatch: pytest.MonkeyPatch) -> Selections:
    counted = Selections()
    for name, cells in (("select", "cell"), ("select_rows", "cells")):
        _count(counted, monkeypatch, name, cells)
    filtered = filters.FilteredCells

    def entries(*arguments: Any) -> Any:
        counted.begun += 1
        entries = entries_with_value(*arguments)
        counted.cells["entries", entries.tobytes()] += 1
        return entries

    def filtering(question: int, codes: Any, cells: Any) -> Any:
        counted.begun += 1
        counted.cells["cells", cells.tobytes()] += 1
        return filtered(question, codes, cells)

    monkeypatch.setattr(classic, "entries_with_value", entries)
    monkeypatch.setattr(filters, "FilteredCells", filtering)
    return counted


def address(name: str, parameters: Mapping[str, Any], path: str = "", **more: Any) -> str:
    return f"/v1/statistics/{name}{path}?{urlencode({**parameters, **more}, doseq=True)}"


@ANSWERS
def test_an_answer_over_http(
    name: str, parameters: Mapping[str, Any], sets: int, server: Served, selections: Selections
) -> None:
    assert server.ask("GET", address(name, parameters)).status == 200
    selections.assert_each_once(sets)


@ANSWERS
def test_the_explanation_of_an_answer(
    name: str, parameters: Mapping[str, Any], sets: int, server: Served, selections: Selections
) -> None:
    assert server.ask("GET", address(name, parameters, "/explanation", row=0)).status == 200
    selections.assert_each_once(sets)


@ANSWERS
def test_what_an_answer_and_its_rows_rest_on(
    name: str, parameters: Mapping[str, Any], sets: int, sample: Snapshot, selections: Selections
) -> None:
    prepared = check(name, parameters, sample)
    assert prepared.rests_on(row_of(prepared.compute(Unwatched()), 0)).parts
    assert prepared.rests_on(None).parts
    selections.assert_each_once(sets)


@ANSWERS
def test_a_job_selects_when_it_is_accepted(
    name: str, parameters: Mapping[str, Any], sets: int, server: Served, selections: Selections
) -> None:
    body = json.dumps({"statistic": name, "parameters": parameters}).encode()
    accepted = server.ask("POST", "/v1/jobs", body=body)
    assert accepted.status == 202
    assert server.engine.wait_drained(30)
    assert server.ask("GET", accepted.json["links"]["results"]).status == 200
    selections.assert_each_once(sets)


@ANSWERS
def test_a_job_for_which_nothing_was_handed_over_selects_in_the_worker_too(
    name: str,
    parameters: Mapping[str, Any],
    sets: int,
    server: Served,
    selections: Selections,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a restart: the result is the same to the byte."""
    body = json.dumps({"statistic": name, "parameters": parameters}).encode()
    results = []
    for times in (1, 2):
        accepted = server.ask("POST", "/v1/jobs", body=body)
        assert accepted.status == 202
        assert server.engine.wait_drained(30)
        results.append(server.ask("GET", accepted.json["links"]["results"]).body)
        selections.assert_each_once(sets, times=times)
        selections.cells.clear()
        selections.begun = 0
        monkeypatch.setattr(Handover, "take", lambda _self, _key: None)
    assert results[0] == results[1]


def test_the_explanation_of_a_result(server: Served, selections: Selections) -> None:
    body = json.dumps({"statistic": "change", "parameters": STATISTICS["change"].example}).encode()
    job = server.ask("POST", "/v1/jobs", body=body).json
    assert server.engine.wait_drained(30)
    selections.cells.clear()
    selections.begun = 0
    assert server.ask("GET", f"{job['links']['self']}/explanation?row=0").status == 200
    selections.assert_each_once(2)


def test_a_job_of_the_classic_api(server: Served, selections: Selections) -> None:
    assert server.result("states_mean", **STATISTICS["states_mean"].example).json["status"] == "done"
    selections.assert_each_once(1)


@ANSWERS
def test_meantime_ask(
    name: str,
    parameters: Mapping[str, Any],
    sets: int,
    sample: Snapshot,
    selections: Selections,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ask_file, "compute_from", lambda _source, _settings, compute, **_: compute(sample))
    data = tmp_path / "table.csv"
    data.write_text("read by nobody")
    pairs = [
        (key, each)
        for key, value in parameters.items()
        for each in (value if isinstance(value, list | tuple) else [value])
    ]
    options = [word for key, value in pairs for word in ("-p", f"{key}={value}")]
    done = meantime("ask", name, "--data", str(data), "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    selections.assert_each_once(sets)


def test_a_verification(sample: Snapshot, selections: Selections) -> None:
    prepared = check("change", STATISTICS["change"].example, sample)
    body = document.encode(document_of(prepared, "table", Unwatched()))
    selections.cells.clear()
    selections.begun = 0
    result = verifying.read(body)
    assert isinstance(result, Document)
    assert verifying.verify(body, result, sample).outcome is verifying.VerificationOutcome.SAME
    selections.assert_each_once(2)
