"""Names and parameters as people write them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meantime.errors import RequestInvalid
from meantime.statistics import asked_names
from meantime.statistics.check import check, check_form
from meantime.statistics.registry import STATISTICS
from tests.support.factories import row, snapshot

OBESITY = "Percent of adults who have obesity"
NAPS = "Percent of adults who nap"
PLACES = ("Ohio", "Utah", "Virginia", "West Virginia", "National")
TABLE = snapshot(
    [
        row(question, place, category=category, stratum=stratum, period=(2020, 2020))
        for question in (OBESITY, NAPS)
        for place in PLACES
        for category, stratum in (("Total", "Total"), ("Sex", "Female"), ("Sex", "Male"))
    ]
)


def asked(statistic: str, **raw: Any) -> Any:
    return check(statistic, {"question": OBESITY, **raw}, TABLE, refuse_unknown=True, by_words=True).parameters


def refused(statistic: str, **raw: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    with pytest.raises(RequestInvalid) as caught:
        asked(statistic, **raw)
    return [(each.pointer, each.code, each.closest) for each in caught.value.problems]


def test_a_question_is_named_by_words_and_what_several_fit_is_refused_with_all_of_them() -> None:
    assert asked("estimate", question="OBESITY adults").question == OBESITY
    assert refused("estimate", question="adults") == [("/question", "ambiguous", (OBESITY, NAPS))]
    assert refused("estimate", question="obesety")[0][:2] == ("/question", "unknown")
    assert refused("estimate", question=" ")[0][:2] == ("/question", "unknown")
    with pytest.raises(RequestInvalid, match=r'"who" fits 2 names: ".*obesity" and ".*nap"\. Use more words\.'):
        asked("estimate", question="who")


def test_years_are_not_looked_for_by_words() -> None:
    assert refused("summary", period=["1999"])[0][:2] == ("/period/0", "unknown")


def test_places_are_named_in_any_case_by_abbreviation_and_by_words() -> None:
    assert asked("estimate", locations=["OH", "uTAH", "west"]).locations == ("Ohio", "Utah", "West Virginia")
    assert asked("estimate", locations=["virginia"]).locations == ("Virginia",)
    assert asked("state_mean", state="oh").state == "Ohio"
    assert asked("comparison", reference="nation").reference == "National"
    assert refused("estimate", locations=["virg", "Ohio"]) == [
        ("/locations/0", "ambiguous", ("Virginia", "West Virginia"))
    ]
    # Neither the abbreviation of a place that is not there, nor the middle of a word, nor a single letter.
    for name in ("IA", "hio", "u"):
        assert refused("estimate", locations=[name])[0][:2] == ("/locations/0", "unknown")


def test_sets_of_places_are_no_names() -> None:
    assert asked("estimate", locations="states").locations == ("states",)
    assert asked("estimate", locations="all").locations == ("all",)


def test_strata_are_named_in_any_case_and_a_stratum_needs_no_category_where_one_has_it() -> None:
    found = asked("estimate", stratum="female", category="SEX")
    assert (found.category, found.stratum) == ("Sex", "Female")
    assert asked("estimate", stratum="female").stratum == "Female"
    assert [asked("estimate", stratum=words).stratum for words in ("Women", "men")] == ["Female", "Male"]
    assert refused("estimate", stratum="fem") == [("/stratum", "unknown", ("Female",))]


def test_parameters_have_other_names_and_a_list_of_one_needs_no_brackets() -> None:
    found = asked("estimate", location="Ohio", period=2020)
    assert (found.locations, found.years) == (("Ohio",), "2020")
    assert asked("estimate", years=["2020", "2020"]).years == "2020,2020"
    assert asked("state_mean", location="Ohio").state == "Ohio"
    summary = asked("summary", locations=["Ohio"], years="2020", by="location", quantiles=0.5, stratum="male")
    assert summary.location == ("Ohio",)
    assert (summary.period, summary.by, summary.quantiles, summary.stratum) == (
        ("2020",),
        ("location",),
        (0.5,),
        ("Male",),
    )
    assert asked("summary", years="all").period == ()
    assert asked("summary", period=[2020]).period == ("2020",)


def test_a_parameter_that_is_given_twice_is_refused() -> None:
    assert refused("estimate", location="Ohio", locations=["Utah"])[0][:2] == ("/location", "unknown-key")


def test_the_request_is_the_same_as_with_full_names() -> None:
    assert asked("comparison", question="obesity", location=["oh", "ut"]) == asked(
        "comparison", locations=["Ohio", "Utah"]
    )


def test_without_a_snapshot_only_the_form_is_read() -> None:
    read: Any = check_form("estimate", {"question": "obesity", "location": "oh"}, refuse_unknown=True, by_words=True)
    assert (read.question, read.locations) == ("obesity", ("oh",))


def test_the_classic_api_takes_whole_names_only() -> None:
    for raw in ({"question": "obesity", "state": "Ohio"}, {"question": OBESITY, "state": "ohio"}):
        with pytest.raises(RequestInvalid):
            check("state_mean", raw, TABLE)


def test_names_that_differ_in_their_case_only_are_ambiguous() -> None:
    table = snapshot([row(OBESITY, "Ohio"), row(OBESITY, "OHIO")])
    with pytest.raises(RequestInvalid, match='fits 2 names: "OHIO" and "Ohio"'):
        check("state_mean", {"question": OBESITY, "state": "oHIO"}, table, by_words=True)
    assert check("state_mean", {"question": OBESITY, "state": "Ohio"}, table, by_words=True).parameters.state == "Ohio"


def test_words_are_looked_for_in_so_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_names, "_COMPARISONS", len(PLACES))
    assert asked("estimate", locations=["west"]).locations == ("West Virginia",)
    assert refused("estimate", locations=["west", "natio"])[0][:2] == ("/locations/1", "unknown")


def test_every_statistic_takes_places_and_years_by_these_names() -> None:
    for row_of in STATISTICS.values():
        names = {field.name for field in msgspec.structs.fields(row_of.parameters)}
        for usual, others in (("locations", {"locations", "location", "state"}), ("years", {"years", "period"})):
            if names & others:
                assert asked_names.own_name(row_of.parameters, usual) in names
