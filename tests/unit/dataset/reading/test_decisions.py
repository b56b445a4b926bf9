"""Facts join in any order, and decisions are made from them alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meantime.dataset.points import MOST_TEXTS, GeoPoint
from meantime.dataset.reading import survey
from meantime.dataset.reading.decisions import Decisions, TableForm, decide
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.survey import FileFacts, PlaceFacts, QuestionTexts, join_all
from meantime.dataset.snapshot import TableOrigin
from meantime.errors import SourceUnreadable

ROLES = {"question": "Question", "value": "Value", "location": "Place"}

LETTERS = st.sampled_from("abc")
COUNTED = st.none() | st.dictionaries(LETTERS, st.integers(1, 3))
BOUNDS = st.tuples(LETTERS, LETTERS).map(lambda pair: (min(pair), max(pair)))
PLACES = st.builds(PlaceFacts, BOUNDS, st.sets(LETTERS).map(lambda texts: tuple(sorted(texts))))
FACTS = st.builds(
    FileFacts,
    rows=st.integers(0, 9),
    is_synthetic=st.booleans(),
    largest=st.dictionaries(st.integers(-2, 2), st.integers(1, 99)),
    reasons=COUNTED,
    questions=st.dictionaries(LETTERS, st.builds(QuestionTexts, COUNTED, COUNTED)),
    places=st.dictionaries(st.tuples(LETTERS, LETTERS), PLACES),
    parts=st.dictionaries(st.just(("question", "response")), st.dictionaries(LETTERS, BOUNDS)),
)


def decided(facts: FileFacts, **more: object) -> Decisions:
    form: dict[str, object] = {"delimiter": ",", "columns_by_hand": {}, "roles": ROLES, **more}
    roles = dict(form["roles"])  # type: ignore[call-overload]
    table = TableForm(columns=tuple(roles.values()), title="T", description=Description(), **form)  # type: ignore[arg-type]
    return decide(facts, table)


@settings(deadline=None, max_examples=40)
@given(FACTS, FACTS, FACTS)
def test_facts_join_in_any_order(one: FileFacts, two: FileFacts, three: FileFacts) -> None:
    assert one.join(two) == two.join(one)
    assert one.join(two).join(three) == one.join(two.join(three)) == join_all([three, one, two])
    assert one.join(FileFacts()) == one


def test_what_is_too_much_to_count_in_parts_is_too_much_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "MOST_REASONS_COUNTED", 2)
    one, two = (FileFacts(reasons={text: 1, "~": 1}) for text in "ab")
    assert decided(one).reasons == ("a", "~")
    assert decided(one.join(two)).reasons is None
    assert decided(one.join(two).join(one)).reasons is None


def test_reasons_are_ordered_by_their_rows_in_all_files() -> None:
    one, two = FileFacts(reasons={"a": 3, "b": 2}), FileFacts(reasons={"b": 2, "c": 3})
    assert decided(one.join(two)).reasons == ("b", "a", "c")


def test_the_scale_is_that_of_the_numbers_in_all_files() -> None:
    one, other = FileFacts(largest={-1: 15}), FileFacts(largest={-2: 125})
    assert (decided(one).numbers.scale, decided(one.join(other)).numbers.scale) == (1, 2)


def test_a_topic_is_that_of_most_rows_and_a_category_where_a_question_has_several() -> None:
    facts = FileFacts(questions={"Q": QuestionTexts({"a": 1, "b": 2, "": 9}, {"": 12})})
    assert decided(facts, roles={**ROLES, "topic": "Topic"}).topics == {"Q": "b"}
    as_category = decided(facts, roles={**ROLES, "topic": "Category"})
    assert (as_category.topics, as_category.roles["category"]) == ({}, "Category")
    by_hand = decided(facts, roles={**ROLES, "topic": "Category"}, columns_by_hand={"topic": "Category"})
    assert by_hand.roles["topic"] == "Category"


def test_an_id_is_part_of_names_where_places_share_one_in_whatever_file() -> None:
    roles = {**ROLES, "location_id": "Id", "point": "Point"}
    places = [FileFacts(places={("A", number): PlaceFacts(("", ""), (f"({number}, 1)",))}) for number in ("1", "2")]
    alone, both = decided(places[0], roles=roles), decided(join_all(places), roles=roles)
    assert "location_id" not in alone.roles
    assert alone.points.of == {"A": GeoPoint(latitude=1, longitude=1)}
    assert both.roles["location_id"] == "Id"
    assert sorted(both.points.of) == ["A (1)", "A (2)"]
    assert any("Several places" in warning for warning in both.warnings)


def test_a_place_with_very_many_points_has_none() -> None:
    texts = [f"({number}, 1)" for number in range(MOST_TEXTS + 5)]
    facts = join_all([FileFacts(places={("A", ""): PlaceFacts(("", ""), (text,))}) for text in texts])
    assert len(facts.places["A", ""].points) == MOST_TEXTS + 1
    assert decided(facts).points.unknown == {"A": "its rows have several points"}


@pytest.mark.parametrize("axis", ["question", "location"])
def test_two_things_of_one_label_in_two_files_are_refused(axis: str) -> None:
    if axis == "question":
        roles = {**ROLES, "response": "Response"}
        files = [FileFacts(parts={("question", "response"): {"A - B": (part, part)}}) for part in ("5:A - B", "1:A1:B")]
    else:
        roles = {**ROLES, "location_within": "State"}
        files = [FileFacts(places={("A, B", ""): PlaceFacts((part, part), ())}) for part in ("4:A, B", "1:A1:B")]
    decided(files[0], roles=roles)
    with pytest.raises(SourceUnreadable, match=f"the {axis} is made of"):
        decided(join_all(files), roles=roles)


def test_publisher_and_level_are_those_of_the_sources_in_all_files() -> None:
    roles = {**ROLES, "margin_of_error": "MOE", "source": "Source"}
    acs = FileFacts(questions={"Q": QuestionTexts({"": 1}, {"ACS 2022": 1})})
    other = FileFacts(questions={"Q": QuestionTexts({"": 2}, {"BRFSS": 2})})
    assert (decided(acs, roles=roles).levels.margins, decided(acs, roles=roles).publishers["Q"][:8]) == (90, "American")
    assert decided(other, roles=roles).origin.source == "Behavioral Risk Factor Surveillance System (BRFSS)"
    both = decided(acs.join(other), roles=roles)
    assert both.origin == TableOrigin()
    assert (both.levels.margins, both.publishers["Q"][:10]) == (95, "Behavioral")
