"""The map of outlines: who is on it, what is missing, and whether its letters can be read."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from meantime.charts import theme
from meantime.charts.caption import Caption
from meantime.charts.layout import Spec
from meantime.charts.registry import CHARTS
from meantime.dataset.facts import shapes_of_places, tile_grids
from meantime.errors import NotAcceptable
from meantime.table import Column, Kind, Table

CAPTION = Caption(title="Naps", source="A survey")
STATES = ("Ohio", "Utah", "Iowa", "Texas")


def table(*names: str, missing: tuple[str, ...] = ()) -> Table:
    values = [None if name in missing else 20.0 + at for at, name in enumerate(names)]
    columns = (
        Column(name="location", kind=Kind.TEXT, meaning=""),
        Column(name="estimate", kind=Kind.NUMBER, unit="percent", meaning=""),
    )
    return Table(columns=columns, data=(list(names), values))


def drawn(*names: str, missing: tuple[str, ...] = ()) -> Spec:
    return CHARTS["state_map"].draw(table(*names, missing=missing), CAPTION)


def by_place(spec: Spec) -> dict[str, Any]:
    return {record["location"]: record for record in spec["data"]["values"]}


def test_the_outlines_have_the_places_of_the_tile_grid_and_are_small() -> None:
    atlas, grid = shapes_of_places.for_locations(STATES), tile_grids.for_locations(STATES)
    assert atlas is not None
    assert grid is not None
    assert {*atlas.places} == {*grid.tiles}
    assert "2017" in atlas.source
    file = resources.files(shapes_of_places.__package__).joinpath("shapes/us.json").read_bytes()
    assert len(file) < 150_000


def test_states_without_a_value_are_shown_as_such_and_territories_only_if_the_table_has_them() -> None:
    places = by_place(drawn(*STATES, "Guam", missing=("Texas",)))
    assert places["Texas"]["value"] is places["Kentucky"]["value"] is None
    assert places["Kentucky"]["tooltip"] == "Kentucky: no value"
    assert places["Guam"]["inset"] is not None
    assert "Puerto Rico" not in places
    assert len(places) == 52
    assert "No data" in json.dumps(drawn(*STATES)["layer"])
    tiles = by_place(CHARTS["map"].draw(table(*STATES, "Guam", missing=("Texas",)), CAPTION))
    assert {*tiles} == {*places}
    assert "No data" in json.dumps(CHARTS["map"].draw(table(*STATES), CAPTION)["layer"])


def test_the_reference_of_a_comparison_is_no_missing_value() -> None:
    of = table("Utah", "Iowa", "Texas")
    more = {"verdict": ["better", "worse", "similar"], "reference": ["Ohio"] * 3}
    columns = [Column(name=name, kind=Kind.TEXT, meaning="") for name in more]
    names = ("location", "difference")
    renamed = [Column(name=name, kind=each.kind, meaning="") for name, each in zip(names, of.columns, strict=True)]
    compared = Table(columns=(*renamed, *columns), data=(*of.data, *more.values()))
    for chart in ("verdict_state_map", "verdict_map"):
        places = by_place(CHARTS[chart].draw(compared, CAPTION))
        assert places["Ohio"]["is_reference"] is True
        assert places["Ohio"]["tooltip"] == "Ohio: the reference"


def test_locations_that_are_not_on_the_map_are_named_apart_from_the_country() -> None:
    for spec in (
        drawn(*STATES, "Avalon", "National"),
        CHARTS["map"].draw(table(*STATES, "Avalon", "National"), CAPTION),
    ):
        assert spec["usermeta"]["shown"] == "Not on the map: Avalon."
        assert spec["title"]["subtitle"] == ["Not on the map: Avalon."]
        assert "Not on the map" not in (drawn(*STATES, "National")["usermeta"]["shown"])


@pytest.mark.parametrize(
    ("names", "told"), [(("Avalon", "Utah", "Borduria"), "outline"), (("Utah", "Utah"), "several")]
)
def test_what_cannot_be_on_a_map_is_refused(names: tuple[str, ...], told: str) -> None:
    with pytest.raises(NotAcceptable, match=told):
        drawn(*names)


def _luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("config", [theme.light(), theme.dark()], ids=["light", "dark"])
def test_letters_on_the_colors_of_a_map_have_the_contrast_that_wcag_asks_for(config: dict[str, Any]) -> None:
    colors = {param["name"]: param["value"] for param in config["params"]}
    assert _contrast(colors["on_least"], colors["ramp_least"]) >= 4.5
    assert _contrast(colors["on_most"], colors["ramp_most"]) >= 4.5
    assert _contrast(colors["on_worse"], colors["worse"]) >= 4.5
    for fill in ("better", "above", "below"):
        assert _contrast(colors["paper"], colors[fill]) >= 4.5
