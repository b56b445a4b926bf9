"""Random tables: each of the nine equals a computation from the rows, with fractions, in the same order."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from meantime.formats import classic_json
from meantime.model import Unwatched
from meantime.statistics.check import check
from tests.support.answers import refused
from tests.support.factories import row, snapshot
from tests.support.recompute import OF_ALL, OF_STATE, Fact, answer, assert_same

NAMES = ["Ohio", "Utah", "Guam", "Åland", "New 'York'", 'Quo"te', "a\\b"]
# Few different values, so that many means are tied; negative ones, and more decimals than a double shows.
VALUES = ["1", "2", "2.0", "3.5", "-1", "0", "28.8", "0.1", "0.2", "1e2", "12345.678901234"]


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    def one() -> dict[str, Any]:
        more: dict[str, Any] = {}
        if category := draw(st.sampled_from([None, None, "Sex", "Total"])):
            more = {"category": category, "stratum": draw(st.sampled_from([None, "Male", "Female"]))}
        return row(
            question=draw(st.sampled_from(["Q", "R"])),
            location=draw(st.sampled_from(NAMES)),
            value=draw(st.sampled_from([None, *VALUES])),
            period=(year := draw(st.integers(2019, 2021)), year),
            **more,
        )

    return [one() for _ in range(draw(st.integers(1, 30)))]


@given(rows=tables(), polarity=st.sampled_from(["lower", "higher"]))
def test_each_equals_brute_force_over_the_rows(rows: list[dict[str, Any]], polarity: Any) -> None:
    table = snapshot(rows, polarity={"Q": polarity, "R": polarity})
    facts = [_fact(each) for each in rows]
    for question in sorted({fact.question for fact in facts}):
        for statistic in OF_ALL:
            _compare(table, facts, statistic, question, polarity)
        for state in sorted({fact.location for fact in facts}):
            for statistic in OF_STATE:
                _compare(table, facts, statistic, question, polarity, state)


def _fact(each: dict[str, Any]) -> Fact:
    value = None if each["value"] is None else Fraction(each["value"])
    return Fact(each["question"], each["location"], each.get("category") or "", each.get("stratum") or "", value)


def _compare(table: Any, facts: list[Fact], statistic: str, question: str, polarity: str, state: str = "") -> None:
    raw = {"question": question} | ({"state": state} if state else {})
    concerned = [fact for fact in facts if fact.question == question and state in ("", fact.location)]
    if all(fact.value is None for fact in concerned):
        [problem] = refused(statistic, raw, table)
        of_question = [fact for fact in facts if fact.question == question]
        if all(fact.value is None for fact in of_question):
            assert (problem.pointer, problem.code) == ("/question", "withheld")
        else:
            assert (problem.pointer, problem.code) == ("/state", "withheld" if concerned else "absent")
        return
    computed = check(statistic, raw, table).compute(Unwatched())
    data = msgspec.json.decode(classic_json.encode(statistic, computed, raw))
    expected = answer(facts, statistic, question, state=state, is_lower_better=polarity == "lower")
    assert_same(data, expected)
