"""Warnings where the years of a result span a known break. Each names the parameter that avoids it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meantime.dataset.cube import Period
from meantime.dataset.snapshot import Break


def pooled_across(breaks: Sequence[Break], periods: Iterable[Period | None]) -> tuple[str, ...]:
    """Warn of the breaks across which periods are pooled.

    >>> from meantime.dataset.facts.known_breaks import breaks_of
    >>> pooled_across(breaks_of("Obesity among adults"), [Period(2009, 2009), Period(2012, 2012)])[0]
    'The years pooled span a break in 2011: the survey added cell phones and a new weighting method (raking), so \
earlier and later values are not comparable (CDC, MMWR 2012;61:410–413). Choose "years" on one side of it.'
    """
    advice = 'Choose "years" on one side of it.'
    return tuple(_warning("The years pooled span", each, advice) for each in _spanned(breaks, periods))


def changed_across(breaks: Sequence[Break], periods: Iterable[Period | None]) -> tuple[str, ...]:
    """Warn of the breaks between earlier and later periods, or within them."""
    advice = 'Choose "since" and "years" on one side of it.'
    return tuple(_warning("The change spans", each, advice) for each in _spanned(breaks, periods))


def trend_across(breaks: Sequence[Break], segments: Sequence[Sequence[Period | None]]) -> tuple[str, ...]:
    """Warn of the breaks that the line of a segment crosses."""
    spanned = {each.year: each for segment in segments for each in _spanned(breaks, segment)}
    return tuple(
        _warning("The line crosses", each, f"breaks={year} fits a line to each side.") for year, each in spanned.items()
    )


def _spanned(breaks: Sequence[Break], periods: Iterable[Period | None]) -> list[Break]:
    known = [period for period in periods if period is not None]
    if not known:
        return []
    first, last = min(period.first for period in known), max(period.last for period in known)
    return [each for each in breaks if first < each.year <= last]


def _warning(start: str, of: Break, advice: str) -> str:
    return (
        f"{start} a break in {of.year}: {of.reason}, so earlier and later values are not comparable ({of.source}). "
        f"{advice}"
    )
