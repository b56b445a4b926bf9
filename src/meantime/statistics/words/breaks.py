"""Warnings where the years of a result span a known break. Each names the parameter that avoids it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meantime.dataset.cube import Period
from meantime.dataset.facts.known_breaks import KnownBreak, breaks_of


def pooled_across(question: str, periods: Iterable[Period | None]) -> tuple[str, ...]:
    """Warn of the breaks across which periods are pooled.

    >>> pooled_across("Obesity among adults", [Period(2009, 2009), Period(2012, 2012)])[0]
    'The years pooled span a break in 2011: the survey added cell phones and a new weighting method (raking), so \
earlier and later values are not comparable (CDC, MMWR 2012;61:410–413). Choose "years" on one side of it.'
    """
    advice = 'Choose "years" on one side of it.'
    return tuple(_warning("The years pooled span", each, advice) for each in _spanned(question, periods))


def changed_across(question: str, periods: Iterable[Period | None]) -> tuple[str, ...]:
    """Warn of the breaks between earlier and later periods, or within them."""
    advice = 'Choose "since" and "years" on one side of it.'
    return tuple(_warning("The change spans", each, advice) for each in _spanned(question, periods))


def trend_across(question: str, segments: Sequence[Sequence[Period | None]]) -> tuple[str, ...]:
    """Warn of the breaks that the line of a segment crosses."""
    spanned = {each.year: each for segment in segments for each in _spanned(question, segment)}
    return tuple(
        _warning("The line crosses", each, f"breaks={year} fits a line to each side.") for year, each in spanned.items()
    )


def _spanned(question: str, periods: Iterable[Period | None]) -> list[KnownBreak]:
    known = [period for period in periods if period is not None]
    if not known:
        return []
    first, last = min(period.first for period in known), max(period.last for period in known)
    return [each for each in breaks_of(question) if first < each.year <= last]


def _warning(start: str, of: KnownBreak, advice: str) -> str:
    return (
        f"{start} a break in {of.year}: {of.change}, so earlier and later values are not comparable ({of.source}). "
        f"{advice}"
    )
