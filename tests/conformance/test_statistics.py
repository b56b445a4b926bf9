"""The nine statistics: their shapes, their order, and that they agree with each other and with the file."""

from __future__ import annotations

import ast
import math
from typing import Any

import pytest

from tests.conformance.api import BY_STATE, OVERALL, POLARITY, STATISTICS, Api, Ask
from tests.conformance.expected import Expected

pytestmark = pytest.mark.live

CLOSE = 1e-9


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)


def test_states_mean_ascends_by_mean_and_then_by_name(api: Api, questions: list[str]) -> None:
    for means in api.results([Ask("states_mean", question) for question in questions]):
        assert means
        assert all(_is_number(mean) for mean in means.values())
        assert list(means.items()) == sorted(means.items(), key=lambda item: (item[1], item[0]))


def test_global_mean_is_within_the_means_of_the_states(api: Api, questions: list[str]) -> None:
    means = api.results([Ask("states_mean", question) for question in questions])
    for of_states, overall in zip(means, api.results([Ask("global_mean", q) for q in questions]), strict=True):
        assert list(overall) == ["global_mean"]
        assert min(of_states.values()) - CLOSE <= overall["global_mean"] <= max(of_states.values()) + CLOSE


def test_diff_from_mean_is_the_global_mean_less_the_mean_in_the_order_of_states_mean(
    api: Api, questions: list[str]
) -> None:
    for question in questions:
        means, overall, differences = api.results(
            [Ask(statistic, question) for statistic in ("states_mean", "global_mean", "diff_from_mean")]
        )
        assert list(differences) == list(means)
        for state, difference in differences.items():
            assert difference == pytest.approx(overall["global_mean"] - means[state], abs=CLOSE)


def test_best5_and_worst5_are_the_ends_of_states_mean_by_polarity(api: Api, questions: list[str]) -> None:
    for question in questions:
        if question not in POLARITY and api.ask(Ask("best5", question)).status == 400:
            continue  # a question of one's own that nobody gave a polarity
        means, best, worst = api.results([Ask(statistic, question) for statistic in ("states_mean", "best5", "worst5")])
        lowest = list(means.items())[:5]
        highest = sorted(means.items(), key=lambda item: (-item[1], item[0]))[:5]
        results = (list(best.items()), list(worst.items()))
        ends = {"lower": (lowest, highest), "higher": (highest, lowest)}
        polarity = POLARITY.get(question)
        assert results in ([ends[polarity]] if polarity else list(ends.values()))


def test_a_state_asked_for_alone_has_the_value_that_it_has_among_all(
    api: Api, question: str, states: list[str], means: dict[str, float]
) -> None:
    differences = api.result("diff_from_mean", question)
    alone = api.results([Ask("state_mean", question, state) for state in states])
    assert alone == [{state: means[state]} for state in states]
    alone = api.results([Ask("state_diff_from_mean", question, state) for state in states])
    assert alone == [{state: differences[state]} for state in states]


def test_keys_of_mean_by_category_are_printed_tuples_in_the_order_of_the_tuples(api: Api, questions: list[str]) -> None:
    for question in questions:
        means, by_category = api.results([Ask("states_mean", question), Ask("mean_by_category", question)])
        keys = [ast.literal_eval(text) for text in by_category]
        assert [str(key) for key in keys] == list(by_category)
        assert keys == sorted(keys)
        assert all(len(key) == 3 and all(isinstance(part, str) for part in key) for key in keys)
        assert {state for state, _, _ in keys} <= set(means)
        assert all(_is_number(mean) for mean in by_category.values())


def test_state_mean_by_category_is_the_states_part_of_mean_by_category(
    api: Api, question: str, states: list[str]
) -> None:
    by_category = {ast.literal_eval(text): mean for text, mean in api.result("mean_by_category", question).items()}
    for state in states:
        of_state = {str(key[1:]): mean for key, mean in by_category.items() if key[0] == state}
        if of_state:
            result = api.result("state_mean_by_category", question, state)
            assert list(result) == [state]
            assert list(result[state].items()) == list(of_state.items())


@pytest.mark.parametrize("statistic", STATISTICS)
def test_asked_again_the_same_bytes_come(api: Api, question: str, states: list[str], statistic: str) -> None:
    ask = Ask(statistic, question, states[0] if statistic in BY_STATE else None)
    first, again = (api.wait(api.submit(ask)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("statistic", OVERALL)
def test_it_equals_an_independent_computation_over_the_file(
    api: Api, questions: list[str], expected: Expected, statistic: str
) -> None:
    chosen = [question for question in questions if question in POLARITY or not statistic.endswith("5")]
    for question, result in zip(chosen, api.results([Ask(statistic, question) for question in chosen]), strict=True):
        _assert_equal(result, expected.answer(statistic, question, polarity=POLARITY.get(question)))


@pytest.mark.parametrize("statistic", BY_STATE)
def test_it_equals_an_independent_computation_for_every_state(
    api: Api, questions: list[str], expected: Expected, statistic: str
) -> None:
    for question in questions:
        states = expected.states(question)
        if statistic == "state_mean_by_category":
            states = [state for state in states if any(key[0] == state for key in expected.strata[question])]
        answers = api.results([Ask(statistic, question, state) for state in states])
        for state, result in zip(states, answers, strict=True):
            _assert_equal(result, expected.answer(statistic, question, state))


def test_every_question_of_the_file_that_has_a_value_is_answered(api: Api, expected: Expected) -> None:
    asks = [Ask("states_mean", question) for question in expected.questions]
    assert [api.ask(ask).status for ask in asks] == [200] * len(asks)


def _assert_equal(result: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(result) == list(expected)
        for key, value in expected.items():
            _assert_equal(result[key], value)
    else:
        assert result == pytest.approx(expected, abs=CLOSE)
