from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from rapidfuzz import process

from meantime.did_you_mean import closest, suggestion

OBESITY = "Percent of adults aged 18 years and older who have obesity"
FRUIT = "Percent of adults who report consuming fruit less than one time daily"
SOUP = "Mean cups of soup"


def test_closest_are_at_most_three_best_first() -> None:
    states = ["Virginia", "West Virginia", "Virgin Islands", "Virgina", "Ohio"]
    assert closest("Virginia", states)[0] == "Virginia"
    assert len(closest("Virginia", states)) == 3
    assert closest("Virginia", []) == ()


@pytest.mark.parametrize("count", [201, 30_000])
def test_closest_finds_a_misspelt_name_among_many(count: int) -> None:
    names = sorted(f"County {number * 7919 % count:06d}" for number in range(count))
    assert "County 000123" in closest("Conty 000123", names)


def test_closest_finds_names_at_both_ends_of_many() -> None:
    names = [f"County {number:06d}" for number in range(30_000)]
    assert closest("County 000000x", names)[0] == "County 000000"
    assert closest("County 029999x", names)[0] == "County 029999"


@pytest.mark.parametrize("sent", ["x y" * 400_000, "x" * 300, "a b " * 75, "\x00" * 300])
def test_closest_compares_few_names_by_few_characters_whatever_is_sent(
    sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract, compared = process.extract, []

    def counted(query: str, names: Sequence[str], *, processor: Callable[[str], str], **options: Any) -> Any:
        lengths = [len(processor(text)) for text in (query, *names)]
        compared.append((len(names), max(lengths)))
        return extract(query, names, processor=processor, **options)

    monkeypatch.setattr(process, "extract", counted)
    closest(sent, [f"{'lorem ipsum dolor sit amet ' * 12}{number:06d}" for number in range(100_000)])
    # First many names by their beginnings, then the nearest of them whole.
    (names, characters), nearest = compared
    assert names <= 20_000
    assert (characters, nearest) == (100, (200, 300))


def test_a_suggestion_names_all_that_are_close() -> None:
    assert suggestion(("Utah", "Ohio", "Iowa")) == 'Did you mean "Utah", "Ohio", or "Iowa"? '
    assert suggestion(()) == ""
