from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.catalogs import Workspace
from tests.support.v1_requests import ROWS, serving, table


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_coverage_is_a_matrix_with_a_legend(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *ROWS)) as ask:
        body = ask.coverage(("question", "Q")).json
        fingerprint = ask.catalog.snapshot("a").fingerprint
    assert body == {
        "dataset": "a",
        "fingerprint": fingerprint,
        "question": "Q",
        "strata": [{"category": "Sex", "stratum": "Female"}, {"category": "Sex", "stratum": "Male"}],
        "periods": [{"first": 2020, "last": 2020}, {"first": 2021, "last": 2022}],
        "locations": ["Guam", "Ohio", "Utah"],
        "legend": [
            {"presence": "absent", "reasons": [], "entries": 9},
            {"presence": "published", "reasons": [], "entries": 1},
            {"presence": "withheld", "reasons": ["*"], "entries": 1},
            {"presence": "withheld", "reasons": ["~"], "entries": 1},
        ],
        "matrix": [[[0, 0, 0], [2, 0, 3]], [[0, 0, 1], [0, 0, 0]]],
    }


def test_coverage_of_rows_without_category_and_period_has_nulls(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *ROWS)) as ask:
        body = ask.coverage(("question", "R"), ("location", "Ohio")).json
    assert body["strata"] == [{"category": None, "stratum": None}]
    assert body["periods"] == [None]
    assert body["matrix"] == [[[1]]]


def test_coverage_is_narrowed_by_filters_which_may_come_several_times(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *ROWS)) as ask:
        two = ask.coverage(("question", "Q"), ("location", "Utah"), ("location", "Guam"), ("location", "Utah")).json
        one = ask.coverage(
            ("question", "Q"), ("category", "Sex"), ("stratum", "Female"), ("period", "2021-2022"), ("location", "Utah")
        ).json
        year = ask.coverage(("question", "Q"), ("period", "2020-2020"), ("period", "2020")).json
    assert two["locations"] == ["Guam", "Utah"]
    assert one["matrix"] == [[[1]]]
    assert one["legend"][1] == {"presence": "withheld", "reasons": ["~"], "entries": 1}
    assert year["periods"] == [{"first": 2020, "last": 2020}]


def test_names_in_a_coverage_query_may_have_other_spaces_but_no_other_case(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *ROWS)) as ask:
        found = ask.coverage(("question", " Q "), ("location", "Utah\u00a0"), ("period", " 2020 ")).json
        refused = ask.coverage(("question", "q"), ("location", "utah"), ("period", "202 0")).json
    assert (found["question"], found["locations"]) == ("Q", ["Utah"])
    assert found["periods"] == [{"first": 2020, "last": 2020}]
    assert [problem["pointer"] for problem in refused["problems"]] == ["/question", "/location", "/period"]


def test_all_that_is_wrong_with_a_coverage_query_is_told_at_once(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *ROWS)) as ask:
        reply = ask.coverage(("question", "S"), ("location", "Uta"), ("period", "1999"), ("strtum", "Male"))
        missing = ask.coverage(("location", "Uta"))
    assert reply.status == 400
    problems = {problem["pointer"]: problem for problem in reply.json["problems"]}
    assert {pointer: problem["code"] for pointer, problem in problems.items()} == {
        "/question": "unknown",
        "/location": "unknown",
        "/period": "unknown",
        "/strtum": "unknown-parameter",
    }
    assert problems["/location"]["closest"][0] == "Utah"
    assert problems["/strtum"]["closest"] == ["stratum"]
    assert [problem["code"] for problem in missing.json["problems"]] == ["missing", "unknown"]


def test_a_matrix_too_large_is_refused_with_how_to_ask_for_less(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meantime.web.v1.datasets.coverage.COVERAGE_LIMIT", 11)
    with serving(workspace, table(workspace, *ROWS)) as ask:
        reply = ask.coverage(("question", "Q"))
        part = ask.coverage(("question", "Q"), ("stratum", "Male"))
    assert (reply.status, reply.json["problems"][0]["code"]) == (400, "too-large")
    assert "12 entries (2 strata, 2 periods, 3 locations); at most 11 are allowed" in reply.json["detail"]
    assert part.status == 200
