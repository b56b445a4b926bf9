from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from meantime.dataset.facts import geography
from meantime.dataset.facts.geography import NOWHERE, Geography

TABLES = sorted(
    (file for file in resources.files("meantime.dataset.facts").joinpath("geographies").iterdir()),
    key=lambda file: file.name,
)


@pytest.mark.parametrize("file", TABLES, ids=lambda file: file.name)
def test_a_table_names_only_places_that_it_knows(file: object) -> None:
    content = tomllib.loads(file.read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    known = set(content["abbreviations"])
    for members in content["sets"].values():
        assert set(members) <= known
    assert set(content["population"]["counts"]) <= known
    words = set(content["sets"]) | set(content["abbreviations"].values())
    names = [name for aggregate in content["aggregates"] for name in aggregate["names"]]
    assert len(names) == len(set(names))
    assert not set(names) & known
    for aggregate in content["aggregates"]:
        assert set(aggregate["members"].split()) <= words
        assert "https://" in aggregate["source"]


def of_states() -> Geography:
    return geography.for_locations(("National", "Ohio", "Utah"))


def test_the_states_are_fifty_and_the_district_and_no_territory_is_one() -> None:
    states, territories = set(of_states().sets["states"]), set(of_states().sets["territories"])
    assert len(states) == 51
    assert "District of Columbia" in states
    assert not states & territories


def test_the_populations_add_up_to_the_published_one() -> None:
    population = of_states().population
    assert population is not None
    assert sum(population.counts.values()) == 331_449_281
    assert population.year == 2020
    assert population.source


def test_an_aggregate_is_made_of_its_set_and_a_state_of_nothing() -> None:
    assert set(of_states().members("National")) == set(of_states().sets["states"])
    assert of_states().members("Utah") == ()


@pytest.mark.parametrize(
    ("names", "of_territories"),
    [
        (["Northeast", "Midwest", "South", "West"], 0),
        (["Northeast Region", "Midwest Region", "South Region", "West Region"], 0),
        (
            [
                "New England",
                "Mid-Atlantic",
                "East North Central",
                "West North Central",
                "South Atlantic",
                "East South Central",
                "West South Central",
                "Mountain",
                "Pacific",
            ],
            0,
        ),
        ([f"HHS Region {number}" for number in range(1, 11)], 5),
    ],
)
def test_regions_divide_the_country(names: list[str], of_territories: int) -> None:
    states = of_states()
    members = [member for name in names for member in states.members(name)]
    assert len(members) == len(set(members)) == 51 + of_territories
    assert set(members) >= set(states.sets["states"])
    assert all(states.is_aggregate(name) and not states.is_country(name) for name in names)


def test_regions_alone_are_locations_and_with_states_they_are_aggregates() -> None:
    regions = ("Midwest", "Northeast", "South", "United States", "West")
    assert [geography.for_locations(regions).is_aggregate(name) for name in regions] == [False] * 3 + [True, False]
    assert all(geography.for_locations((*regions, "Utah")).is_aggregate(name) for name in regions)


@pytest.mark.parametrize("country", ["United States", "US", "USA", "UNITED STATES", "U.S.", "United States of America"])
@pytest.mark.parametrize(
    "places",
    [
        ("Autauga, Alabama", "Cache, Utah", "Franklin, Virginia (51067)", "Ohio, West Virginia"),
        ("Ohio", "Utah"),
        ("Midwest", "South"),
    ],
)
def test_the_country_is_an_aggregate_beside_states_regions_and_counties(places: tuple[str, ...], country: str) -> None:
    found = geography.for_locations((*places, country))
    assert found.is_country(country)
    assert found.is_aggregate(country)
    assert not any(map(found.is_aggregate, places))


@pytest.mark.parametrize(
    "others", [("France", "Germany"), ("Autauga", "Baldwin", "Cache"), ("Paris, Texas", "Bonn", "Rome", "Oslo")]
)
def test_beside_places_of_which_nothing_is_known_the_country_is_a_location_like_them(others: tuple[str, ...]) -> None:
    assert geography.for_locations((*others, "United States")) is NOWHERE


def test_ids_beside_the_names_of_a_table_hide_neither_the_country_nor_its_states() -> None:
    names = ("Cache, Utah (49005)", "Franklin, Virginia (51067)", "United States (59)")
    found = geography.for_locations(names)
    assert [found.is_aggregate(name) for name in names] == [False, False, True]
    assert found.is_country("United States (59)")
    assert not of_states().is_aggregate("United States (59)")


def test_a_median_of_places_is_an_aggregate_of_any_country_and_contains_nothing() -> None:
    median = "All States and DC (median) **"
    assert of_states().is_aggregate(median)
    assert not of_states().members(median)
    assert NOWHERE.is_aggregate("All provinces (Median)")


def test_shares_are_of_those_that_are_named() -> None:
    shares = of_states().shares(("Utah", "Ohio"))
    assert sum(shares.values()) == pytest.approx(1)
    assert of_states().shares(("Utah", "Guam")) == {}


def test_a_table_of_unknown_places_has_no_geography() -> None:
    assert geography.for_locations(("Avalon", "Borduria", "Georgia")) is NOWHERE
    assert geography.for_locations(()) is NOWHERE
    assert NOWHERE.shares(("Georgia",)) == {}
    assert NOWHERE.members("National") == ()


@pytest.mark.parametrize("whole", ["World", "National Estimate", "TOTAL", "Overall", "All regions"])
def test_all_places_together_are_an_aggregate_in_a_table_of_any_country(whole: str) -> None:
    known = geography.for_locations(("Avalon", "Borduria", "Cockaigne", whole))
    assert known.is_aggregate(whole)
    assert known.is_country(whole)
    assert not known.is_aggregate("Avalon")


def test_codes_of_states_are_states_and_their_country_is_an_aggregate() -> None:
    coded = geography.for_locations(("AK", "AL", "AR", "AZ", "UT", "US"))
    assert coded.is_country("US")
    assert not coded.is_aggregate("UT")
    assert sorted(coded.sets["states"]) == sorted(
        of_states().abbreviations[name] for name in of_states().sets["states"]
    )
    assert coded.shares(("UT", "AZ")) == {
        of_states().abbreviations[name]: share for name, share in of_states().shares(("Utah", "Arizona")).items()
    }


@pytest.mark.parametrize("codes", [("CA", "DE", "IN", "US"), ("AL", "AT", "BE", "DE", "MT", "CY", "ME", "NL", "US")])
def test_codes_of_countries_are_no_states(codes: tuple[str, ...]) -> None:
    assert geography.for_locations(codes) == NOWHERE
