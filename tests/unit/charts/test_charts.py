"""What holds for every chart, and what each of them shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from meantime.charts import layout, registry
from meantime.charts.caption import Caption
from meantime.charts.figure import Figure
from meantime.charts.layout import HIGHLIGHT, MAX_MARKS, SOURCE, Spec
from meantime.charts.registry import CHARTS
from meantime.errors import NotAcceptable
from meantime.formats.vegalite import specification
from meantime.statistics.registry import STATISTICS
from meantime.table import Cell, Column, Kind, Table
from tests.support.chart_answers import CHART_REQUESTS, answer, answer_for
from tests.support.result_documents import HOSTILE
from tests.support.vega_lite import assert_layers

CAPTION = Caption(title="Percent of adults who nap", source="the survey of naps")
MAPS = ("map", "verdict_map", "state_map", "verdict_state_map")
EVERY = pytest.mark.parametrize("name", CHARTS)


def table(texts: dict[str, list[Any]], **numbers: list[Any]) -> Table:
    """A table of columns of texts and of numbers; whole numbers are integers."""
    columns = [Column(name=name, kind=Kind.TEXT, meaning="") for name in texts]
    for name, cells in numbers.items():
        kind = Kind.INTEGER if all(isinstance(cell, int) for cell in cells) else Kind.NUMBER
        columns.append(Column(name=name, kind=kind, unit="percent", meaning=f"{name} of it"))
    data: tuple[list[Cell], ...] = (*texts.values(), *numbers.values())
    return Table(columns=tuple(columns), data=data)


def places(*names: str) -> Table:
    """A table that every chart can draw, of these locations."""
    many = len(names)
    values = [20.0 + index for index in range(many)]
    lows, highs = [value - 2 for value in values], [value + 2 for value in values]
    ranks = list(range(1, many + 1))
    return table(
        {
            "location": list(names),
            "category": ["Sex"] * many,
            "stratum": [f"group {index}" for index in range(many)],
            "reference_stratum": ["group 0"] * many,
            "period": [str(2016 + index % 5) for index in range(many)],
            "flags": ["", "n < 50"] * (many // 2) + [""] * (many % 2),
            "cannot_be_told_apart_from": ["; ".join(names[1:]), *[""] * many][:many],
            "reference": ["National"] * many,
            "verdict": ["better", "worse", "no clear difference", "similar", "above", "below", "not tested"][:many]
            + ["better"] * max(0, many - 7),
        },
        estimate=values,
        low=lows,
        high=highs,
        other_estimate=values,
        other_low=lows,
        other_high=highs,
        difference=values,
        difference_low=lows,
        difference_high=highs,
        mean=values,
        rank=ranks,
        rank_low=ranks,
        rank_high=ranks,
        alike=[many - 1, *[0] * many][:many],
    )


def drawn(name: str, of: Table, caption: Caption = CAPTION) -> Spec:
    # The means are a difference where there is one, and groups where there are strata.
    left = {"means": ("difference", "stratum", "category"), "estimates": ("stratum", "period")}.get(name, ())
    if name == "point_map":
        points = {str(location): (30.0 + at, -100.0 + at) for at, location in enumerate(of.column("location"))}
        caption = replace(caption, points=points)
    kept = [at for at, column in enumerate(of.columns) if column.name not in left]
    table = Table(columns=tuple(of.columns[at] for at in kept), data=tuple(of.data[at] for at in kept))
    return CHARTS[name].draw(table, caption)


def records(spec: Spec) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = spec["data"]["values"]
    return records


def parts(part: Any) -> Iterator[Any]:
    """Go through everything in a specification."""
    yield part
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from parts(each)


def assert_allowed(spec: Spec) -> None:
    assert records(spec)
    assert_layers(spec)


# Of every chart


@EVERY
def test_it_is_what_the_schema_of_vega_lite_allows(name: str) -> None:
    assert_allowed(drawn(name, places("Utah", "Ohio", "Iowa")))


@pytest.mark.parametrize("name", CHART_REQUESTS)
def test_it_is_drawn_of_what_its_statistic_answers(name: str) -> None:
    of = answer_for(name)
    spec = specification(of, name)
    assert_allowed(spec)
    # A line has no point where there is no value; everything else says that there is none.
    left_out = sum(value is None for value in of.table.column("estimate")) if name == "trend" else 0
    assert len({(record["location"], record["tooltip"]) for record in records(spec)}) >= len(of.table) - left_out > 0
    assert name in STATISTICS[of.statistic].charts


def test_every_chart_that_a_statistic_names_is_one() -> None:
    assert {name for row in STATISTICS.values() for name in row.charts} <= set(CHARTS)
    assert all(chart.name == name and chart.meaning for name, chart in registry.CHARTS.items())


@EVERY
def test_it_is_as_wide_as_its_place(name: str) -> None:
    spec = drawn(name, places("Utah", "Ohio"))
    assert spec["width"] == "container"
    assert spec["autosize"]["type"] == "fit-x"
    # Vega-Lite fits a single view into its container, but none that is made of several.
    assert not {"hconcat", "vconcat", "concat", "facet", "repeat"} & set(spec)


@EVERY
def test_it_has_title_source_and_a_text_alternative(name: str) -> None:
    spec = drawn(name, places("Utah", "Ohio"), Caption(title="Naps", subtitle=("2023",), source="CDC"))
    assert spec["title"]["text"] == ["Naps"]
    assert "2023" in spec["title"]["subtitle"]
    [source] = [layer for layer in spec["layer"] if layer.get("name") == SOURCE]
    assert source["mark"]["text"][-1] == "Source: CDC"
    assert spec["description"].startswith("Naps. ")


@EVERY
def test_every_mark_that_can_be_pointed_at_says_what_it_is(name: str) -> None:
    spec = drawn(name, places("Utah", "Ohio"))
    marks = [part for part in parts(spec["layer"]) if isinstance(part, dict) and isinstance(part.get("mark"), dict)]
    spoken = [part for part in marks if part["mark"].get("aria", True) and "description" in part["encoding"]]
    assert spoken
    for part in marks:
        # Whatever is not read aloud says so; nothing is left to be read as "undefined".
        assert "description" in part["encoding"] or part["mark"]["aria"] is False, part
    assert all(record["tooltip"] for record in records(spec))


@EVERY
def test_synthetic_data_say_so_in_the_title_across_the_picture_and_aloud(name: str) -> None:
    spec = drawn(name, places("Utah", "Ohio"), Caption(title="Naps", is_synthetic=True))
    assert spec["title"]["text"][0] == layout.SYNTHETIC
    assert spec["description"].startswith(layout.SYNTHETIC)
    assert any(isinstance(part, dict) and part.get("text") == "SYNTHETIC" for part in parts(spec["layer"]))


@EVERY
def test_colours_are_those_of_the_theme_so_that_another_can_be_put_in(name: str) -> None:
    spec = drawn(name, places("Utah", "Ohio"))
    assert not [part for part in parts(spec["layer"]) if isinstance(part, str) and part.startswith("#")]
    themes = spec["usermeta"]["themes"]
    assert spec["config"] == themes["light"]
    assert [param["name"] for param in themes["light"]["params"]] == [each["name"] for each in themes["dark"]["params"]]


@EVERY
def test_texts_of_a_file_are_texts(name: str) -> None:
    names = [*HOSTILE, "</script><script>alert(1)</script>", "datum.value'\"\\", "{{x}}", "x" * 10_000]
    hostile = (
        [f"{text}{index}" for index, text in enumerate(names)][:6]
        if name in ("groups", "means", "disparity")
        else names
    )
    if name == "point_map":  # what XML has no place for is cut from names, and then some are one
        hostile = [f"{text[:100]} {index}" for index, text in enumerate(names)]
    if name in MAPS:
        hostile = ["Utah", "Ohio", *hostile[:2]]
    spec = drawn(name, places(*hostile), Caption(title="\x00</title>" * 1_000, source="\ud800\uffff"))
    assert_layers(spec)
    texts = [part for part in parts(spec) if isinstance(part, str)]
    # XML has no place for these.
    assert not [text for text in texts if set(text) & {"\x00", "\x1f", "\ud800", "\uffff", "\n"}]
    # An expression has a name of the file in it only as a separate text; of the title none.
    assert not [text for text in parts(spec["layer"]) if isinstance(text, str) and "</title>" in text]


@EVERY
def test_no_rows_are_nothing_to_draw(name: str) -> None:
    with pytest.raises(NotAcceptable):
        drawn(name, places())


@pytest.mark.parametrize("name", ["ranking", "estimates", "comparison", "trend", "means"])
def test_more_marks_than_can_be_seen_are_refused(name: str) -> None:
    with pytest.raises(NotAcceptable, match=r"5,001|10,002"):
        drawn(name, places(*(f"place {number}" for number in range(MAX_MARKS + 1))))


# Of each


def test_a_ranking_keeps_its_order_and_highlights_what_cannot_be_distinguished() -> None:
    of = answer("ranking", years="2020", better="lower")
    spec = specification(of)
    assert [record["location"] for record in records(spec)] == list(of.table.column("location"))
    first = records(spec)[0]
    assert "rank 1 (95% CI 1 to 1), differs from every other" in first["tooltip"]
    tests = [part["test"] for part in parts(spec["layer"]) if isinstance(part, dict) and "test" in part]
    assert any("datum.alike" in test and HIGHLIGHT in test for test in tests)


def test_where_only_some_have_a_list_those_in_it_are_highlighted_with_them() -> None:
    many = places("Ohio", "Utah", "Iowa")
    index = [column.name for column in many.columns].index("cannot_be_told_apart_from")
    data = (*many.data[:index], ["Utah", None, None], *many.data[index + 1 :])
    drawn = records(CHARTS["ranking"].draw(replace(many, data=data), CAPTION))
    assert [record["alike"] for record in drawn] == ["; Utah;", "; Ohio;", "; ;"]


def test_a_ranking_has_the_line_of_its_reference_within_its_band() -> None:
    of = answer("ranking", years="2020", better="lower", reference="Avalon")
    drawn_text = [
        part["text"] for part in parts(specification(of)["layer"]) if isinstance(part, dict) and "text" in part
    ]
    assert "Avalon" in drawn_text
    at = [part["datum"] for part in parts(specification(of)["layer"]) if isinstance(part, dict) and "datum" in part]
    assert {of.table.column(name)[0] for name in ("reference_estimate", "reference_low", "reference_high")} == set(at)
    assert "Avalon" not in str(specification(answer("ranking", years="2020", better="lower"))["layer"])


def test_estimates_stand_highest_first() -> None:
    values = [record["value"] for record in records(drawn("estimates", places("Utah", "Ohio", "Iowa")))]
    assert values == sorted(values, reverse=True)


def test_a_flagged_estimate_is_hollow_and_says_why() -> None:
    of = places("Utah", "Ohio")
    flagged = [record for record in records(drawn("estimates", of)) if record["is_flagged"]]
    assert [record["location"] for record in flagged] == ["Ohio"]
    assert "n < 50" in flagged[0]["tooltip"]


def test_no_line_goes_across_a_year_that_is_missing() -> None:
    spec = specification(answer("estimate", years="2016..2020", by=["period"]))
    runs: dict[int, list[float]] = {}
    for record in records(spec):
        runs.setdefault(record["run"], []).append(record["year"])
    assert all(years == list(range(int(years[0]), int(years[-1]) + 1)) for years in map(sorted, runs.values()))
    # Cockaigne's 2018 is withheld, so it has two runs; Erewhon has no 2020.
    assert len({record["run"] for record in records(spec) if record["location"] == "Cockaigne"}) == 2


def test_years_that_nobody_has_are_no_gap() -> None:
    odd = table({"location": ["Utah"] * 3, "period": ["2011", "2013", "2015"]}, estimate=[1.0, 2.0, 3.0])
    assert {record["run"] for record in records(CHARTS["trend"].draw(odd, CAPTION))} == {1}


def test_a_period_of_several_years_stands_in_its_middle() -> None:
    pooled = table({"location": ["Utah"], "period": ["2011-2013"]}, estimate=[1.0])
    assert records(CHARTS["trend"].draw(pooled, CAPTION))[0]["year"] == 2012


def test_few_lines_have_colors_and_many_are_gray_but_those_that_a_page_chooses() -> None:
    few, many = (CHARTS["trend"].draw(places(*(f"place {n}" for n in range(count))), CAPTION) for count in (5, 9))
    assert "series_4" in str(few["layer"])
    assert "indexof(chosen" not in str(few["layer"])
    assert "indexof(chosen, datum.location) === 5" in str(many["layer"])
    for spec in (few, many):
        assert {"name": "chosen", "value": []} in spec["params"]


def test_names_at_the_ends_of_lines_do_not_overlap() -> None:
    drawn = CHARTS["trend"].draw(places("Ohio", "Utah", "Iowa"), CAPTION)
    ends = sorted(record["name_at"] for record in records(drawn) if record["is_last"])
    span = next(
        part["domain"]
        for part in parts(drawn["layer"])
        if isinstance(part, dict) and "zero" in part and part["domain"][0] < 1000
    )
    pixels = drawn["height"] / (span[1] - span[0])
    assert len(ends) == 3
    assert all((above - below) * pixels >= 13.9 for below, above in pairwise(ends))


def test_of_many_dots_those_far_from_the_others_are_named() -> None:
    size = 30
    plain = [float(number) for number in range(size)]
    up = [value + 0.1 * (number % 3) for number, value in enumerate(plain)]
    up[7] = 25.0
    of = table({"location": [f"place {number}" for number in range(size)]}, estimate=plain, other_estimate=up)
    named = {record["name"] for record in records(CHARTS["scatter"].draw(of, CAPTION)) if record["on_page"]}
    assert "place 7" in named
    assert len(named) == 8


@pytest.mark.parametrize("many", [12, 30])
def test_no_name_of_a_dot_covers_another_dot_on_a_phone(many: int) -> None:
    across = [float(number * 7 % many) for number in range(many)]
    up = [float(number * 11 % many) for number in range(many)]
    of = table({"location": [f"a long place {number}" for number in range(many)]}, estimate=across, other_estimate=up)
    spec = CHARTS["scatter"].draw(of, CAPTION)
    (left, right), (low, high) = [
        next(part["scale"]["domain"] for part in parts(spec["layer"]) if is_axis(part, name))
        for name in ("value", "up")
    ]
    at = [
        ((each["value"] - left) / (right - left) * 280, (high - each["up"]) / (high - low) * spec["height"], each)
        for each in records(spec)
    ]
    named = [each for each in at if each[2]["on_phone"]]
    assert named
    for x, y, record in named:
        wide = 7 * len(record["name"])
        start = x + 7 if record["on_phone"] == "left" else x - 7 - wide
        assert start >= 0
        assert start + wide <= 280
        assert not [other["name"] for dot, up, other in at if start < dot < start + wide and y - 12 < up < y]


def is_axis(part: object, field: str) -> bool:
    return isinstance(part, dict) and part.get("field") == field and "scale" in part


def test_a_ranking_of_many_rows_has_its_axis_above_and_a_page_can_leave_out_the_ranks() -> None:
    spec = specification(answer("ranking", years="2019"), figure=Figure(ranks=True))
    assert {"name": "estimates_share", "value": 0.62} in spec["params"]
    assert [layer["name"] for layer in spec["layer"] if "name" in layer] == ["ranks", "source"]
    assert spec["usermeta"]["nearest"] == {"y": "name"}
    ranked = replace(CAPTION, figure=Figure(ranks=True))
    many = CHARTS["ranking"].draw(places(*(f"place {number}" for number in range(30))), ranked)
    sides = [
        {part["orient"] for part in parts(each["layer"]) if isinstance(part, dict) and "orient" in part}
        for each in (spec, many)
    ]
    assert sides == [{"bottom"}, {"top"}]


def test_groups_stand_below_their_category_in_the_order_of_the_table() -> None:
    of = answer("estimate", years="2019", by=["stratum"], locations=["Avalon", "Borduria"])
    fields = [part for part in parts(specification(of)["layer"]) if isinstance(part, dict)]
    rows = next(part["scale"]["domain"] for part in fields if part.get("field") == "row")
    assert [row.partition("\u2063")[2] for row in rows].count("") == len({row.partition("\u2063")[0] for row in rows})


def test_groups_of_many_locations_are_refused_with_what_to_do() -> None:
    with pytest.raises(NotAcceptable, match=r"at most 6.*locations"):
        CHARTS["groups"].draw(places(*"abcdefgh"), CAPTION)


def test_a_verdict_has_a_shape_as_well_as_a_colour() -> None:
    spec = drawn("comparison", places(*"abcdefg"))
    encodings = next(part for part in parts(spec["layer"]) if isinstance(part, dict) and "shape" in part)
    scales = {name: encodings[name]["scale"] for name in ("shape", "stroke")}
    assert len(scales["shape"]["domain"]) == 7
    looks = list(zip(scales["shape"]["range"], [each["expr"] for each in scales["stroke"]["range"]], strict=True))
    assert len(set(looks)) == 7


def test_a_comparison_says_how_many_verdicts_of_each_kind_there_are() -> None:
    assert "1 better, 1 worse" in drawn("comparison", places("Utah", "Ohio"))["description"]


def test_stretches_between_breaks_have_rows_of_their_own() -> None:
    of = table(
        {"location": ["Utah", "Utah", "Ohio"], "verdict": ["rising", "falling", "too few years"]},
        slope=[1.0, -1.0, None],
        slope_low=[0.5, -1.5, None],
        slope_high=[1.5, -0.5, None],
        first_year=[2011, 2017, None],
        last_year=[2016, 2023, None],
    )
    spec = CHARTS["comparison"].draw(of, CAPTION)
    assert [record["name"] for record in records(spec)] == ["Utah, 2011–2016", "Utah, 2017–2023", "Ohio, no year"]
    # One location is lit, whatever its stretches.
    assert [record["location"] for record in records(spec)] == ["Utah", "Utah", "Ohio"]
    assert [record["name"] for record in records(drawn("comparison", places("Utah", "Ohio")))] == ["Ohio", "Utah"]


def test_groups_share_the_row_of_their_location_and_each_has_its_place_there() -> None:
    spec = specification(answer_for("disparity"))
    first, second = records(spec)[:2]
    assert (first["row"], second["row"]) == ("Avalon", "Avalon")
    assert first["shift"] < second["shift"]
    encodings = next(part for part in parts(spec["layer"]) if isinstance(part, dict) and "shape" in part)
    assert encodings["shape"]["scale"]["domain"] == ["Female", "Male"]
    assert "reference" in second["tooltip"]
    assert "difference" in first["tooltip"]


def test_groups_of_one_location_have_rows_and_the_overall_gap() -> None:
    of = table(
        {
            "location": ["Utah"] * 3,
            "stratum": ["a", "b", "c"],
            "reference_stratum": ["a"] * 3,
            "verdict": ["reference", "worse", "no clear difference"],
        },
        estimate=[20.0, 30.0, 21.0],
        difference=[None, 10.0, 1.0],
        difference_low=[None, 8.0, -1.0],
        difference_high=[None, 12.0, 3.0],
        gap=[10.0] * 3,
        gap_corrected=[9.5] * 3,
        gap_low=[7.0] * 3,
        gap_high=[13.0] * 3,
    )
    spec = CHARTS["disparity"].draw(of, CAPTION)
    assert [record["row"] for record in records(spec)] == ["a", "b", "c"]
    assert [record["is_clear"] for record in records(spec)] == [False, True, False]
    sentence = "From the lowest to the highest group: 10.0% (95% CI 7.0 to 13.0); 9.5% after a part"
    assert sentence in " ".join(spec["title"]["subtitle"])
    assert sentence in spec["description"]
    assert "1 of 2 differ from a." in spec["description"]


def test_more_groups_of_several_locations_than_can_be_distinguished_are_refused() -> None:
    with pytest.raises(NotAcceptable, match="7 groups of 7 locations"):
        drawn("disparity", places(*"abcdefg"))


def test_a_ranking_of_gaps_has_its_line_where_there_is_none() -> None:
    parameters: dict[str, Any] = {"category": "Sex", "stratum": "Female", "reference_stratum": "Male"}
    of = answer("gap_ranking", years="2019", **parameters)
    spec = specification(of)
    assert [record["value"] for record in records(spec)] == list(of.table.column("gap"))
    assert any(isinstance(part, dict) and part.get("text") == "no gap" for part in parts(spec["layer"]))


def test_a_map_has_every_state_once_and_says_which_have_no_value() -> None:
    spec = drawn("map", places("Utah", "Ohio"))
    assert len(records(spec)) == 51
    assert len({(record["column"], record["line"]) for record in records(spec)}) == 51
    assert {record["label"] for record in records(spec) if record["value"] is not None} == {"UT", "OH"}
    assert "Guam: no value" not in {record["tooltip"] for record in records(spec)}
    assert "Iowa: no value" in {record["tooltip"] for record in records(spec)}


@pytest.mark.parametrize("name", ["map", "state_map"])
def test_the_legend_of_a_map_says_what_its_ends_are(name: str) -> None:
    fill = next(part for part in parts(drawn(name, places("Utah", "Ohio", "Iowa"))["layer"]) if is_legend(part))
    assert (fill["title"], fill["legend"]["values"], fill["legend"]["format"]) == (
        "Percent",
        [20.0, 21.0, 22.0],
        ",.1f",
    )


def is_legend(part: object) -> bool:
    return isinstance(part, dict) and "values" in (part.get("legend") or ())


def test_places_that_are_on_no_grid_have_no_map() -> None:
    with pytest.raises(NotAcceptable, match="Fewer than half"):
        drawn("map", places("Avalon", "Borduria", "Utah"))


def test_a_tile_has_room_for_one_value() -> None:
    with pytest.raises(NotAcceptable, match="several values"):
        drawn("map", places("Utah", "Utah"))


def test_a_map_of_points_has_those_that_are_known_and_says_whom_to_ask_where_none_is() -> None:
    known = Caption(title="Naps", points={"Utah": (39.4, -111.6)})
    spec = CHARTS["point_map"].draw(places("Utah", "Ohio"), known)
    assert [(each["location"], each["latitude"], each["longitude"]) for each in records(spec)] == [
        ("Utah", 39.4, -111.6)
    ]
    with pytest.raises(NotAcceptable, match="GET /v1/datasets"):
        CHARTS["point_map"].draw(places("Utah", "Ohio"), CAPTION)


def test_the_legend_of_a_map_of_points_says_what_its_ends_are() -> None:
    points = {"Utah": (39.4, -111.6), "Ohio": (40.1, -82.4)}
    spec = CHARTS["point_map"].draw(places(*points), Caption(title="Naps", points=points))
    fill = next(part for part in parts(spec["layer"]) if is_legend(part))
    assert (fill["title"], fill["legend"]["values"]) == ("Percent", [20.0, 20.5, 21.0])


def test_the_earth_is_cut_open_where_there_is_least() -> None:
    points = {"Guam": (13.4, 144.8), "Hawaii": (21.3, -157.9), "Puerto Rico": (18.2, -66.6)}
    spec = CHARTS["point_map"].draw(places(*points), Caption(title="Naps", points=points))
    assert [round(each["longitude"], 1) for each in records(spec)] == [-215.2, -157.9, -66.6]
    # What does not lie across the date line stays where it is.
    points = {"Lisbon": (38.7, -9.1), "Tokyo": (35.7, 139.7)}
    spec = CHARTS["point_map"].draw(places(*points), Caption(title="Naps", points=points))
    assert [each["longitude"] for each in records(spec)] == [-9.1, 139.7]


def test_a_dot_has_one_value() -> None:
    with pytest.raises(NotAcceptable, match="several values"):
        drawn("point_map", places("Utah", "Utah"))


def test_a_degree_is_as_long_across_as_up_apart_from_the_latitude() -> None:
    points = {"Avalon": (60.0, 0.0), "Dorado": (60.0, 2.0)}
    spec = specification(answer("estimate", years="2020"), "point_map", points=lambda: points)
    x, y = (
        next(
            part[axis]
            for part in parts(spec["layer"])
            if isinstance(part, dict) and axis in part and isinstance(part[axis], dict) and part[axis].get("field")
        )
        for axis in "xy"
    )
    assert (x["scale"]["domain"], y["scale"]["domain"]) == ([-1.0, 3.0], [59.0, 61.0])
    # On the sixtieth parallel a degree of longitude is half as long.
    assert "* (0.5" in x["scale"]["range"][0]["expr"]


def test_means_have_their_warning_where_one_reads_first() -> None:
    of = answer("states_mean")
    spec = specification(of)
    assert of.table.warnings[0].split(":")[0] in spec["title"]["subtitle"][0]
    assert "poor estimate" not in str([layer for layer in spec["layer"] if layer.get("name") == SOURCE])


def test_a_mean_of_all_rows_is_drawn_too() -> None:
    assert [record["name"] for record in records(specification(answer("global_mean")))] == ["All rows"]


def test_the_room_above_slopes_is_the_same_at_every_width_so_that_no_method_is_cut_off() -> None:
    spec = json.dumps(CHARTS["slopes"].draw(table({"location": ["Utah", "Ohio"]}, rank_latest=[1, 2]), CAPTION))
    assert spec.count('"labelPadding": 28') == spec.count('"labelPadding"') > 0


def test_a_slope_goes_through_every_method() -> None:
    ranks = table({"location": ["Utah", "Ohio"]}, rank_latest=[1, 20], rank_pooled_equal=[2, 1])
    spec = CHARTS["slopes"].draw(ranks, CAPTION)
    assert [(each["name"], each["method"], each["rank"]) for each in records(spec)][:2] == [
        ("Utah", "latest", 1),
        ("Utah", "pooled equal", 2),
    ]
    assert "1 locations move by 10 places or more: Ohio" in spec["description"]


def test_dots_of_one_bin_are_stacked() -> None:
    same = table({"location": ["Utah", "Ohio", "Iowa"], "outlier": ["", "", "yes"]}, estimate=[20.0, 20.0, 40.0])
    spec = CHARTS["spread"].draw(same, CAPTION)
    assert sorted(record["stacked"] for record in records(spec)) == [0.5, 0.5, 1.5]
    assert [record["name"] for record in records(spec) if record["is_outlier"]] == ["Iowa"]


def test_a_scatter_has_no_dot_of_half_a_location() -> None:
    half = table({"location": ["Utah", "Ohio"]}, estimate=[1.0, 2.0], other_estimate=[1.0, None])
    assert [record["name"] for record in records(CHARTS["scatter"].draw(half, CAPTION))] == ["Utah"]
