"""The one check: what is let through, what is refused, with which words, and at what cost."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.dataset.snapshot import Snapshot
from meantime.errors import Problem, RequestInvalid
from meantime.statistics.check import check, check_form, check_job, prepared_job
from meantime.statistics.cost import COST_LIMITS, CostLimit
from meantime.statistics.families.classic import OfQuestion, OfState
from meantime.statistics.parameters import LocationName, Names, PeriodText
from meantime.statistics.registry import STATISTICS
from tests.support.answers import refused
from tests.support.factories import row, snapshot

OBESITY = "Percent of adults aged 18 years and older who have obesity"
FRUIT = "Percent of adults who report consuming fruit less than one time daily"
SOUP = "Bowls of soup"

TABLE = snapshot(
    [
        row(OBESITY, "Utah"),
        row(OBESITY, "Ohio", value=None, reason="~"),
        row(OBESITY, "Ohio", value=None, reason="~", category="Sex", stratum="Male"),
        row(OBESITY, "Ohio", value=None, reason="<5", category="Sex", stratum="Female"),
        row(FRUIT, "Utah", value=None, reason="*"),
        row(FRUIT, "Guam", value=None, reason="*"),
        row(SOUP, "Iowa"),
    ],
    polarity={OBESITY: "lower", FRUIT: "lower"},
)


def problems(name: str, **raw: Any) -> list[Problem]:
    return list(refused(name, raw, TABLE))


def accepted(name: str, raw: dict[str, Any], known: Snapshot | None, *, refuse_unknown: bool = False) -> msgspec.Struct:
    if known is None:
        return check_form(name, raw, refuse_unknown=refuse_unknown)
    parameters: msgspec.Struct = check(name, raw, known, refuse_unknown=refuse_unknown).parameters
    return parameters


def codes(name: str, **raw: Any) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in problems(name, **raw)]


@pytest.mark.parametrize(
    ("question", "place"),
    [
        (" Bowls of\u00a0soup ", "\u00c5land"),
        ("Bowls  of soup", "A\u030aland"),
        ("\ufeffBowls of soup", " \u00c5land\u200b"),
    ],
)
def test_a_name_that_looks_like_one_of_the_table_is_that_one(question: str, place: str) -> None:
    table = snapshot([row(SOUP, "\u00c5land"), row(SOUP, "New  York")])
    assert check("state_mean", {"question": question, "state": place}, table, by_words=True).parameters == OfState(
        question=SOUP, state="\u00c5land"
    )
    ranked: Any = check(
        "estimate", {"question": SOUP, "locations": ["New York", place]}, table, by_words=True
    ).parameters
    assert ranked.locations == ("New  York", "\u00c5land")


def test_what_can_be_answered_becomes_parameters() -> None:
    assert check("best5", {"question": OBESITY}, TABLE).parameters == OfQuestion(question=OBESITY)
    assert check("state_mean", {"question": OBESITY, "state": "Utah"}, TABLE).parameters == OfState(
        question=OBESITY, state="Utah"
    )


def test_keys_that_are_not_known_are_ignored() -> None:
    raw = {"question": OBESITY, "state": 7, "colour": [1, {"a": None}]}
    assert check("states_mean", raw, TABLE).parameters == OfQuestion(question=OBESITY)


def test_without_a_snapshot_only_the_form_is_checked() -> None:
    assert check_form("best5", {"question": "anything"}) == OfQuestion(question="anything")
    found = refused("state_mean", {"question": 1}, None)
    assert [problem.code for problem in found] == ["type", "missing"]


def test_an_unknown_statistic_names_the_closest_and_all_there_are() -> None:
    [problem] = problems("state_means", question=OBESITY)
    assert problem.code == "unknown-statistic"
    assert problem.pointer == ""
    assert {"states_mean", "state_mean"} <= set(problem.closest)
    assert all(name in problem.detail for name in STATISTICS)
    [problem] = problems("§§§§", question=OBESITY)
    assert problem.closest == ()


def test_all_problems_are_told_at_once_in_the_order_of_the_parameters() -> None:
    assert codes("state_mean") == [("/question", "missing"), ("/state", "missing")]
    assert codes("state_mean", question="x", state=1) == [("/question", "unknown"), ("/state", "type")]
    assert codes("state_mean", question="x", state="y") == [("/question", "unknown"), ("/state", "unknown")]
    assert codes("state_mean", state="y") == [("/question", "missing"), ("/state", "unknown")]


def test_what_is_missing_is_told_with_what_is_wanted() -> None:
    [problem] = problems("state_mean", question=OBESITY)
    assert problem.detail == '"state" is missing: state_mean needs "question" and "state".'


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "true or false"),
        (7, "a number"),
        (0.5, "a number"),
        ([OBESITY], "a list"),
        ({}, "an object"),
    ],
)
def test_a_value_of_another_type_is_told_as_json_calls_it(value: Any, kind: str) -> None:
    [problem] = problems("states_mean", question=value)
    assert (problem.pointer, problem.code) == ("/question", "type")
    assert problem.detail == f'"question" must be a text, not {kind}.'


def test_an_unknown_question_is_told_with_the_closest_in_full() -> None:
    [problem] = problems("states_mean", question="obesety")
    assert problem.code == "unknown"
    assert problem.closest[0] == OBESITY
    assert f'Did you mean "{OBESITY}"' in problem.detail


def test_an_unknown_name_that_is_like_none_is_told_with_an_example() -> None:
    [problem] = problems("state_mean", question=OBESITY, state="§§§§")
    assert problem.closest == ()
    assert problem.detail == 'The data set has no state "§§§§". It has 4, for example "Guam".'


def test_two_names_are_both_told() -> None:
    about = snapshot([row(OBESITY, "Utah"), row(OBESITY, "Ohio")])
    with pytest.raises(RequestInvalid, match=r'no state "§§§§"\. It has "Ohio" and "Utah"\.'):
        check("state_mean", {"question": OBESITY, "state": "§§§§"}, about)


def test_names_are_taken_as_they_are_in_the_file() -> None:
    assert codes("state_mean", question=OBESITY, state="utah") == [("/state", "unknown")]
    assert codes("state_mean", question=OBESITY, state=" Utah") == [("/state", "unknown")]
    assert codes("states_mean", question="") == [("/question", "unknown")]


def test_a_pair_without_a_row_is_absent() -> None:
    [problem] = problems("state_mean", question=OBESITY, state="Iowa")
    assert (problem.pointer, problem.code) == ("/state", "absent")
    assert OBESITY in problem.detail
    assert '"Iowa"' in problem.detail
    # before the first of the question's locations, and behind the last
    assert codes("state_mean", question=OBESITY, state="Guam") == [("/state", "absent")]
    assert codes("state_mean", question=SOUP, state="Utah") == [("/state", "absent")]


def test_a_pair_whose_values_are_all_withheld_says_how_many_and_why() -> None:
    [problem] = problems("state_mean", question=OBESITY, state="Ohio")
    assert (problem.pointer, problem.code) == ("/state", "withheld")
    assert problem.detail == (
        f'The question "{OBESITY}" has no value for "Ohio": all 3 rows there are withheld (2 × "~", 1 × "<5").'
    )


def test_a_question_whose_values_are_all_withheld_is_refused_for_every_statistic() -> None:
    for name in STATISTICS:
        # More than any of them needs; what one does not know is ignored.
        # Only a category is a list for summary and one name for the others.
        one_category = {"category": "", "standard": ["=1"], "stratum": "", "reference_stratum": ""}
        more = one_category if name in ("standardised", "disparity", "gap_ranking") else {}
        [problem] = problems(name, question=FRUIT, state="Utah", since="2018", target=30.0, other=OBESITY, **more)
        assert (problem.pointer, problem.code) == ("/question", "withheld")
        assert problem.detail == f'The question "{FRUIT}" has no value: all 2 rows are withheld (2 × "*").'


def test_of_many_reasons_the_most_frequent_are_told() -> None:
    rows = [row("Q", value=None, reason=str(place)) for place in range(1000)] + [row("Q", value=None, reason="7")]
    found = refused("global_mean", {"question": "Q"}, snapshot(rows))
    assert found[0].detail == (
        'The question "Q" has no value: all 1,001 rows are withheld (2 × "7", 1 × "0", 1 × "1", 997 reasons more).'
    )


def test_parameters_with_a_default_may_be_left_out_and_have_types_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Several(OfQuestion, frozen=True, kw_only=True):
        number: int = 5

    several = dataclasses.replace(STATISTICS["best5"], parameters=Several)
    monkeypatch.setattr("meantime.statistics.check.STATISTICS", {**STATISTICS, "best": several})
    assert check("best", {"question": OBESITY}, TABLE).parameters == Several(question=OBESITY, number=5)
    assert check_form("best", {"question": OBESITY, "number": 3}) == Several(question=OBESITY, number=3)
    [problem] = problems("best", question=OBESITY, number="3")
    assert problem.detail == '"number" must be a whole number, not "3".'


@pytest.mark.parametrize("name", ["best5", "worst5"])
def test_best_and_worst_need_a_polarity(name: str) -> None:
    [problem] = problems(name, question=SOUP)
    assert (problem.pointer, problem.code) == ("/question", "no-polarity")
    assert SOUP in problem.detail


def test_without_polarity_and_without_value_both_are_told() -> None:
    found = refused("best5", {"question": "Q"}, snapshot([row("Q", value=None)]))
    assert [problem.code for problem in found] == ["no-polarity", "withheld"]


def test_a_table_without_rows_knows_no_question() -> None:
    found = refused("global_mean", {"question": "Q"}, snapshot([]))
    assert found[0].detail == 'The data set has no question "Q".'


def test_what_was_sent_is_quoted_cut_and_with_control_characters_escaped() -> None:
    [problem] = problems("states_mean", question="a\nb\x00\u2028\ud800" + "x" * 1_000_000)
    assert r'"a\nb\x00\u2028\ud800xxx' in problem.detail
    assert len(problem.detail) < 1000
    msgspec.json.encode(problem)


@given(
    name=st.sampled_from([*STATISTICS, "", "x"]),
    raw=st.dictionaries(
        st.sampled_from(["question", "state", "other"]),
        st.one_of(st.none(), st.integers(), st.text(), st.sampled_from([OBESITY, FRUIT, SOUP, "Utah", "Ohio", "Guam"])),
    ),
)
def test_whatever_is_sent_is_let_through_or_told_what_is_wrong(name: str, raw: dict[str, Any]) -> None:
    for known in (TABLE, None):
        found = refused(name, raw, known)
        if found:
            assert all(problem.detail.endswith((".", "?")) for problem in found)
            json.loads(msgspec.json.encode(found))
        else:
            parameters = accepted(name, raw, known)
            built = msgspec.to_builtins(parameters)
            assert built.items() >= {field: raw[field] for field in raw if field in built}.items()
            assert accepted(name, built, known, refuse_unknown=True) == parameters


class Listed(OfQuestion, frozen=True, kw_only=True):
    """What a statistic may be asked with beside a question: filters, an order, a word out of several."""

    location: Annotated[tuple[LocationName, ...], msgspec.Meta(max_length=100)] = ()
    category: Annotated[str, Names.CATEGORY] | None = None
    period: tuple[PeriodText, ...] = ()
    order: tuple[Annotated[str, Names.COLUMN], ...] = ()
    side: Literal["left", "right"] = "left"


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dataclasses.replace(STATISTICS["states_mean"], name="listed", parameters=Listed)
    monkeypatch.setattr("meantime.statistics.check.STATISTICS", {**STATISTICS, "listed": row})


def refused_list(**raw: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    found = refused("listed", {"question": OBESITY, **raw}, YEARS, refuse_unknown=True)
    return [(problem.pointer, problem.code, problem.closest) for problem in found]


YEARS = snapshot(
    [
        row(OBESITY, "Utah", period=(2019, 2019), category="Sex", stratum="Male"),
        row(OBESITY, "Ohio", period=(2020, 2021)),
    ]
)


def test_keys_that_are_not_known_are_refused_where_that_is_asked_for() -> None:
    found = refused("state_mean", {"question": OBESITY, "sate": "Utah", "a/b~c": 1}, TABLE, refuse_unknown=True)
    assert [(problem.pointer, problem.code, problem.closest) for problem in found] == [
        ("/state", "missing", ()),
        ("/sate", "unknown-key", ("state",)),
        ("/a~1b~0c", "unknown-key", ()),
    ]
    assert found[1].detail == 'state_mean has no parameter "sate". Did you mean "state"?'
    assert found[2].detail == 'state_mean has no parameter "a/b~c". It takes question, state.'


def test_of_very_many_unknown_keys_only_some_are_told_and_that_there_are_more() -> None:
    raw = {"question": OBESITY} | {f"key {place}" * 1000: 1 for place in range(1000)}
    found = refused("states_mean", raw, TABLE, refuse_unknown=True)
    assert len(found) == 21
    assert found[-1].code == "too-many"
    assert all(len(problem.pointer) < 300 for problem in found)


@pytest.mark.usefixtures("listed")
def test_lists_are_checked_item_by_item_and_all_problems_are_told() -> None:
    assert refused_list(location=["Utah", "Utha", 7]) == [("/location/2", "type", ())]
    assert refused_list(location=["Utah", "Utha", "Ohoi"]) == [
        ("/location/1", "unknown", ("Utah",)),
        ("/location/2", "unknown", ("Ohio",)),
    ]
    assert refused_list(location=["Utah"] * 101) == [("/location", "type", ())]
    assert refused_list(location="Utah") == [("/location", "type", ())]
    assert refused_list(period=["20xx", 2019, 1999], side="rihgt", colour=1) == [
        ("/period/0", "type", ()),
        ("/side", "type", ("right",)),
        ("/colour", "unknown-key", ()),
    ]
    assert len(refused_list(location=[f"{place}" for place in range(100)])) == 21


@pytest.mark.usefixtures("listed")
def test_each_kind_of_name_is_looked_up_among_its_own() -> None:
    assert refused_list(category="Sexx") == [("/category", "unknown", ("Sex",))]
    assert refused_list(period=[1999, "2018-2018"]) == [
        ("/period/0", "unknown", ("2019",)),
        ("/period/1", "unknown", ("2019", "2020-2021")),
    ]
    # A span that lies across the end of a year's rows does not hold them.
    assert refused_list(period=["2020"])[0][:2] == ("/period/0", "unknown")
    assert refused_list(order=["-mean", "maen"]) == [("/order/1", "unknown", ("mean",))]
    good = {"location": ["Utah"], "category": "", "period": [2019, "2020-2021"], "order": ["-mean", "location"]}
    assert check("listed", {"question": OBESITY, **good}, YEARS).parameters == Listed(
        question=OBESITY, location=("Utah",), category="", period=(2019, "2020-2021"), order=("-mean", "location")
    )
    assert check("listed", {"question": OBESITY, "category": None}, YEARS).parameters == Listed(question=OBESITY)


@pytest.mark.usefixtures("listed")
def test_a_word_out_of_several_is_told_with_all_of_them() -> None:
    found = refused("listed", {"question": OBESITY, "side": "rihgt", "period": ["x"]}, None)
    assert [problem.detail for problem in found] == [
        'The 1st value of "period" must be a year such as 2020, or the first and the last year of a span: 2018-2020.',
        '"side" must be one of left, right, not "rihgt". Did you mean "right"?',
    ]
    found = refused("listed", {"question": OBESITY, "side": 7}, None)
    assert found[0].detail == '"side" must be one of left, right, not a number.'


def test_a_statistic_may_refuse_what_has_the_right_form(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(parameters: OfQuestion) -> list[Problem]:
        return [Problem(pointer="/question", code="soup", detail="No soup.")] if parameters.question == SOUP else []

    def prepare(_snapshot: object, parameters: OfQuestion) -> str:
        if problems := wrong(parameters):
            raise RequestInvalid("No soup.", problems=problems)
        return "bread"

    row = dataclasses.replace(STATISTICS["states_mean"], prepare=prepare, check_form=wrong)
    monkeypatch.setattr("meantime.statistics.check.STATISTICS", {"states_mean": row})
    assert codes("states_mean", question=SOUP) == [("/question", "soup")]
    assert [each.code for each in refused("states_mean", {"question": SOUP}, None)] == ["soup"]
    assert check("states_mean", {"question": OBESITY}, TABLE).data == "bread"
    assert check("states_mean", {"question": OBESITY}, TABLE).parameters == OfQuestion(question=OBESITY)


def test_what_was_prepared_for_a_job_is_handed_over_once() -> None:
    limit = COST_LIMITS.job
    parameters = check_job("states_mean", {"question": OBESITY, "more": "is ignored"}, TABLE)
    assert parameters == {"question": OBESITY}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("meantime.statistics.check.check", lambda *_, **__: pytest.fail("it is checked again"))
        prepared = prepared_job("states_mean", parameters, TABLE, by_words=False, limit=limit)
    assert prepared.parameters == OfQuestion(question=OBESITY)
    assert prepared_job("states_mean", parameters, TABLE, by_words=False, limit=limit) is not prepared


def test_what_was_handed_over_is_held_to_the_limit_of_jobs() -> None:
    parameters = check_job("states_mean", {"question": OBESITY}, TABLE)
    for _ in range(2):  # the first time handed over, then checked again
        with pytest.raises(RequestInvalid) as invalid:
            prepared_job("states_mean", parameters, TABLE, by_words=False, limit=CostLimit(seconds=0, answer_bytes=0))
        assert [problem.code for problem in invalid.value.problems] == ["too-large"]
