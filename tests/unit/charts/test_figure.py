"""How somebody wants a chart to look: what they may ask for, and what the specification then has."""

from __future__ import annotations

from typing import Any

import pytest

from meantime.charts.figure import MEANINGS, MOST_PIXELS_WIDE, Figure, MarkLabels, Order, Size, Theme, read_figure
from meantime.charts.layout import HIGHLIGHT, SOURCE, Spec
from meantime.errors import RequestInvalid
from meantime.formats.vegalite import specification
from meantime.statistics.registry import STATISTICS
from tests.support.chart_answers import answer, answer_for
from tests.support.result_documents import HOSTILE

RANKING = answer("ranking", years="2020", better="lower")


def locations(spec: Spec) -> list[str]:
    return [record["location"] for record in spec["data"]["values"]]


def texts(spec: Spec) -> list[Any]:
    """The texts of marks that have one of their own."""
    return [layer["mark"].get("text") for layer in spec["layer"] if "mark" in layer]


def has_field(spec: Spec, name: str) -> bool:
    return f"'field': '{name}'" in str(spec["layer"])


def test_every_setting_is_documented_and_none_is_a_parameter_of_a_statistic() -> None:
    assert set(MEANINGS) == set(Figure.__struct_fields__)
    every = {name for row in STATISTICS.values() for name in row.parameters.__struct_fields__}
    assert not [name for name in every if name.startswith("chart")]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"width": ["279"]}, "280 to 2,560"),
        ({"width": ["1.5"]}, "280 to 2,560"),
        ({"scale": ["nan"]}, "0.5 to 4"),
        ({"limit": ["0"]}, "1 to 100"),
        ({"theme": ["Dark"]}, "light, dark or transparent"),
        ({"title": ["x" * 301]}, "at most 300 characters"),
        ({"highlight": [str(each) for each in range(21)]}, "at most 20 locations"),
        ({"title": ["a", "b"]}, "one value"),
        ({"tittle": ["a"]}, "Did you mean"),
        ({"width": ["2560"], "scale": ["4"]}, f"{MOST_PIXELS_WIDE:,}"),
    ],
)
def test_what_is_not_allowed_is_told(given: dict[str, list[str]], told: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        read_figure(given)
    [problem] = caught.value.problems
    assert told in problem.detail
    assert problem.pointer.startswith("/chart.")


def test_own_words_stand_in_the_place_of_the_usual_ones_and_empty_ones_leave_them_out() -> None:
    own = specification(RANKING, figure=Figure(title="Soup", subtitle="Adults", note="", source="A survey"))
    assert own["title"]["text"] == ["Soup"]
    assert own["title"]["subtitle"] == ["Adults"]
    assert next(layer for layer in own["layer"] if layer.get("name") == SOURCE)["mark"]["text"] == ["Source: A survey"]
    bare = specification(RANKING, figure=Figure(title="", subtitle="", note="", source=""))
    assert bare["title"] | {"limit": None} == {"text": [], "subtitle": [], "limit": None}
    assert not [layer for layer in bare["layer"] if layer.get("name") == SOURCE]


@pytest.mark.parametrize("text", HOSTILE)
def test_own_words_are_texts(text: str) -> None:
    spec = specification(RANKING, figure=Figure(title=text[:300], source=text[:300]))
    assert set(spec["title"]) == {"text", "subtitle", "limit"}
    assert not set("".join(spec["title"]["text"])) & {"\x00", "\x1f", "\ud800", "\uffff", "\n"}


def test_synthetic_data_say_so_above_any_title() -> None:
    synthetic = answer("ranking", years="2020", better="lower", synthetic=True)
    assert len(specification(synthetic, figure=Figure(title="Soup"))["title"]["text"]) == 2


def test_rows_stand_in_the_order_that_is_asked_for() -> None:
    for figure, key in (
        (Figure(order=Order.HIGHEST), lambda record: -record["value"]),
        (Figure(order=Order.LOWEST), lambda record: record["value"]),
        (Figure(order=Order.NAME), lambda record: record["location"]),
    ):
        for of in (RANKING, answer_for("estimates")):
            rows = [each for each in specification(of, figure=figure)["data"]["values"] if each["value"] is not None]
            assert rows == sorted(rows, key=key)


def test_a_limit_keeps_the_first_and_whoever_is_highlighted_and_says_so() -> None:
    whole = locations(specification(RANKING))
    spec = specification(RANKING, figure=Figure(limit=2, highlight=(whole[-1], "nowhere")))
    assert locations(spec) == [*whole[:2], whole[-1]]
    assert spec["usermeta"]["shown"] == f"The first 2 of {len(whole)} places, and {whole[-1]}."
    assert spec["title"]["subtitle"][-1] == spec["usermeta"]["shown"]
    assert spec["params"][0] == {"name": HIGHLIGHT, "value": whole[-1]}
    lowest = specification(answer_for("estimates"), figure=Figure(limit=2, order=Order.LOWEST))
    assert lowest["usermeta"]["shown"].startswith("The 2 lowest of")


def test_several_can_be_highlighted() -> None:
    names = tuple(locations(specification(RANKING))[:2])
    assert specification(RANKING, figure=Figure(highlight=names))["params"][0]["value"] == list(names)


def test_values_and_ranks_are_there_if_they_are_asked_for() -> None:
    assert not has_field(specification(RANKING), "text")
    assert has_field(specification(RANKING, figure=Figure(labels=MarkLabels.VALUES)), "text")
    plain, ranked = specification(RANKING), specification(RANKING, figure=Figure(ranks=True))
    assert not has_field(plain, "rank_low")
    assert "resolve" not in plain
    assert has_field(ranked, "rank_low")


def test_a_line_has_its_name_at_its_end_with_its_value_if_asked_for() -> None:
    spec = specification(answer_for("trend"), figure=Figure(labels=MarkLabels.VALUES))
    assert has_field(spec, "end")
    assert all(record["end"] == f"{record['location']} {record['text']}" for record in spec["data"]["values"])
    plain = specification(answer_for("trend"))
    assert all(record["end"] == record["location"] for record in plain["data"]["values"])


def test_themes_have_their_colors() -> None:
    light, dark, clear = (specification(RANKING, figure=Figure(theme=theme))["config"] for theme in Theme)
    assert dark != light
    assert dark["background"] != light["background"]
    assert clear == light | {"background": None}


def test_a_size_has_its_shape_at_any_width() -> None:
    assert Figure(size=Size.SLIDE).layout == (960, 540)
    assert Figure(size=Size.SLIDE, width=1280).layout == (1280, 720)
    assert Figure(width=1200).layout == (1200, None)
