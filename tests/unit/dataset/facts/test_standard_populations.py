from __future__ import annotations

import pytest

from meantime.dataset.facts.standard_populations import built_in_populations
from meantime.dataset.standard_population import ages_of


def test_a_standard_names_its_source_and_has_people_in_every_stratum() -> None:
    for name, standard in built_in_populations().items():
        assert standard.name == name
        assert standard.title
        assert standard.source
        assert min(standard.weights.values()) > 0


def test_the_adults_of_2000_have_the_weights_that_are_published() -> None:
    # Klein and Schoenborn (2001) give them for 18 to 24, 25 to 34, 35 to 44, 45 to 64, and 65 and over.
    weights = built_in_populations()["us_2000"].weights
    assert sum(weights.values()) == 203_851
    young, thirties, forties, fifties, sixties, old = (weight / 203_851 for weight in weights.values())
    published = (0.128810, 0.182648, 0.219077, 0.299194, 0.170271)
    assert (young, thirties, forties, fifties + sixties, old) == pytest.approx(published, abs=5e-7)


def test_the_sums_are_those_of_the_publications() -> None:
    known = built_in_populations()
    assert sum(known["european_2013"].weights.values()) == 100_000
    assert sum(known["who_2000_2025"].weights.values()) == pytest.approx(100.035)


def test_the_three_groups_of_adults_have_the_shares_that_are_published() -> None:
    for names in (["Age 18-44", "Age 45-64", "Age >=65"], ["18 to 44 years", "45 to 64 years", "65 years and older"]):
        weights = built_in_populations()["us_2000"].weights_of(names)
        shares = [weights[name] / sum(weights.values()) for name in names]
        assert shares == pytest.approx([0.530535, 0.299194, 0.170271], abs=5e-7)


@pytest.mark.parametrize("name", ["european_2013", "who_2000_2025"])
def test_groups_of_adults_are_put_together_from_groups_of_five_years(name: str) -> None:
    standard = built_in_populations()[name]
    of_adults = standard.weights_of(["18 - 24", "25 - 44", "45 - 64", "65+"])
    own = standard.weights
    assert of_adults["18 - 24"] == pytest.approx(0.4 * own["15 - 19"] + own["20 - 24"])
    assert of_adults["25 - 44"] == pytest.approx(sum(own[f"{age} - {age + 4}"] for age in range(25, 45, 5)))
    old = [weight for group, weight in own.items() if (ages := ages_of(group)) is not None and ages.first >= 65]
    assert of_adults["65+"] == pytest.approx(sum(old))


@pytest.mark.parametrize(
    "strata",
    [
        ["18-44", "65+"],  # nobody between
        ["18-44", "40-64", "65+"],  # some twice
        ["18-44", "45-64"],  # not up to the oldest
        ["18-29", "30-64", "65+"],  # cuts 25 to 34, a group of ten years
        ["18-64", "65-74", "75+"],  # cuts 65 or older
        ["Female", "Male"],
        ["18-64", "65+", "Female"],
        [],
    ],
)
def test_what_cannot_be_put_together_keeps_the_groups_of_the_standard(strata: list[str]) -> None:
    standard = built_in_populations()["us_2000"]
    assert standard.weights_of(strata) == standard.weights
