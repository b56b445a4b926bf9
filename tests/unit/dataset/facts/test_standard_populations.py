from __future__ import annotations

import pytest

from meantime.dataset.facts.standard_populations import built_in_populations


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
