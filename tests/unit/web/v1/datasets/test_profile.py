"""The profile of a place over HTTP: its query, its parts, and how it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.catalogs import Workspace
from tests.support.factories import row
from tests.support.v1_requests import ROWS, serving, table

STATES = ("Iowa", "North Dakota", "Ohio", "South Dakota", "Utah")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def rows(questions: int, *locations: str) -> list[dict[str, Any]]:
    """So many questions, each with a value at each location."""
    return [
        row(f"Q{index:03}", name, str(20 + at), period=(2020, 2020), low=18.0 + at, high=22.0 + at)
        for index in range(questions)
        for at, name in enumerate(locations)
    ]


def test_a_profile_has_every_question_of_the_table(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *ROWS)) as ask:
        body = ask.profile(("location", "Utah")).json
        fingerprint = ask.catalog.snapshot("a").fingerprint
    assert (body["dataset"], body["fingerprint"], body["location"]) == ("a", fingerprint, "Utah")
    assert (body["total"], body["first"], body["next"], body["links"]) == (2, 0, None, {"next": None})
    assert [each["question"] for each in body["questions"]] == ["Q", "R"]
    assert body["questions"][0]["withheld_by_reason"] == {"~": 1}
    assert body["questions"][1]["no_value"] == "The table has no row about Utah."


@pytest.mark.parametrize("text", ["Ohio", "ohio", " OHIO ", "OH", "oh"])
def test_a_place_is_named_by_its_name_in_any_case_or_its_abbreviation(workspace: Workspace, text: str) -> None:
    with serving(workspace, table(workspace, *rows(1, *STATES))) as ask:
        assert ask.profile(("location", text)).json["location"] == "Ohio"


@pytest.mark.parametrize(
    ("pairs", "problems"),
    [
        ([], [("/location", "missing")]),
        ([("location", "")], [("/location", "unknown")]),
        ([("location", "Utha")], [("/location", "unknown")]),
        ([("location", "dakota")], [("/location", "ambiguous")]),
        ([("location", "Utah"), ("location", "Ohio")], [("/location", "repeated")]),
        ([("locaton", "Utah")], [("/locaton", "unknown-parameter"), ("/location", "missing")]),
        ([("location", "Utha"), ("detail", "all")], [("/location", "unknown"), ("/detail", "unknown")]),
    ],
)
def test_all_that_is_wrong_with_a_query_is_told_at_once(
    workspace: Workspace, pairs: list[tuple[str, str]], problems: list[tuple[str, str]]
) -> None:
    with serving(workspace, table(workspace, *rows(1, *STATES))) as ask:
        reply = ask.profile(*pairs)
    assert reply.status == 400
    assert [(each["pointer"], each["code"]) for each in reply.json["problems"]] == problems


def test_names_that_are_near_are_listed(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *rows(1, *STATES))) as ask:
        unknown = ask.profile(("location", "Ohoi")).json["problems"][0]
        ambiguous = ask.profile(("location", "dakota")).json["problems"][0]
    assert unknown["closest"][0] == "Ohio"
    assert ambiguous["closest"] == ["North Dakota", "South Dakota"]


def test_a_long_table_comes_in_parts_that_are_bounded_and_complete(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *rows(130, "Ohio", "Utah"))) as ask:
        replies = [ask.profile(("location", "oh"), ("detail", "values"))]
        while target := replies[-1].json["links"]["next"]:
            assert replies[-1].headers["link"] == f'<{target}>; rel="next"'
            replies.append(ask(target))
        damaged = ask.profile(("location", "Utah"), ("cursor", replies[0].json["next"]))
    assert [(each.json["first"], len(each.json["questions"])) for each in replies] == [(0, 60), (60, 60), (120, 10)]
    names = [question["question"] for each in replies for question in each.json["questions"]]
    assert names == [f"Q{index:03}" for index in range(130)]
    assert "link" not in replies[-1].headers
    assert (damaged.status, damaged.json["code"]) == (400, "cursor-invalid")


def test_thousands_of_places_are_answered_in_parts_by_what_they_cost(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # About two questions of 2,000 places cost so much.
    monkeypatch.setattr("meantime.web.v1.datasets.profile._LIMIT_S", 0.02)
    names = [f"Place {index:04}" for index in range(2_000)]
    with serving(workspace, table(workspace, *rows(6, *names))) as ask:
        whole, brief = (ask.profile(("location", names[7]), ("detail", each)).json for each in ("full", "values"))
    assert 1 <= len(whole["questions"]) < 6
    assert whole["next"] is not None
    assert whole["questions"][0]["reference"]["places"] == 2_000
    assert len(brief["questions"]) == 6


def test_values_alone_are_a_short_answer(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *rows(2, *STATES))) as ask:
        body = ask.profile(("location", "Ohio"), ("detail", "values")).json
    assert [each["value"]["estimate"] for each in body["questions"]] == [22.0, 22.0]
    assert {(each["rank"], each["reference"]) for each in body["questions"]} == {(None, None)}


def test_a_profile_is_kept_by_clients_and_revalidated(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *rows(1, *STATES))) as ask:
        target = f"/v1/datasets/a/profile?{urlencode({'location': 'Ohio'})}"
        first = ask(target)
        again = ask(target, headers={"if-none-match": first.headers["etag"]})
        other = ask.profile(("location", "Utah"))
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status, again.body) == (304, b"")
    assert other.headers["etag"] != first.headers["etag"]


def test_an_unknown_data_set_has_no_profile(workspace: Workspace) -> None:
    with serving(workspace, table(workspace, *rows(1, *STATES))) as ask:
        reply = ask.profile(("location", "Ohio"), name="b")
    assert (reply.status, reply.json["code"]) == (404, "dataset-unknown")
