from __future__ import annotations

import pytest

from meantime.errors import Problem, RequestInvalid
from meantime.web.http.query import Query

NAMES = ("limit", "location", "cursor")


def problems_of(query: Query) -> list[Problem]:
    with pytest.raises(RequestInvalid) as refused:
        query.check()
    assert list(refused.value.problems) == query.problems
    return query.problems


def test_a_query_with_nothing_wrong_is_read_name_by_name() -> None:
    query = Query([("location", "Utah"), ("limit", "7"), ("location", "")], NAMES)
    assert query.all("location") == ["Utah", ""]
    assert query.number("limit", default=3, up_to=9) == 7
    assert query.one("cursor") is None
    query.check()


def test_what_is_not_there_is_the_default() -> None:
    assert Query([], NAMES).number("limit", default=3, up_to=9) == 3


@pytest.mark.parametrize("text", ["0", "10", "-1", "1.0", "", "x", "٣", "9" * 5000])
def test_a_number_out_of_range_is_refused_with_the_range(text: str) -> None:
    query = Query([("limit", text)], NAMES)
    assert query.number("limit", default=3, up_to=9) == 3
    [problem] = problems_of(query)
    assert (problem.pointer, problem.code) == ("/limit", "range")
    assert "from 1 to 9" in problem.detail
    assert len(problem.detail) < 500


def test_a_repeated_single_parameter_is_refused() -> None:
    query = Query([("limit", "1"), ("limit", "2")], NAMES)
    query.number("limit", default=3, up_to=9)
    assert [(problem.pointer, problem.code) for problem in problems_of(query)] == [("/limit", "repeated")]


def test_unknown_names_are_refused_with_pointers_and_the_closest_names() -> None:
    query = Query([("lmit", "1"), ("a/b~c", "2")], NAMES)
    first, second = problems_of(query)
    assert (first.code, first.closest) == ("unknown-parameter", ("limit",))
    assert second.pointer == "/a~1b~0c"


def test_up_to_a_hundred_problems_are_reported_at_once() -> None:
    query = Query([(f"name{number}", "") for number in range(1000)], NAMES)
    assert len(problems_of(query)) == 100


def test_a_name_that_is_endless_does_not_come_back_whole() -> None:
    [problem] = problems_of(Query([("x" * 1_000_000, "1")], NAMES))
    assert len(problem.pointer) + len(problem.detail) < 1000
