"""Between which values places lie, and which have the lowest and the highest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from meantime import text
from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.blocks import Check, unchecked
from meantime.statistics.methods.heterogeneity import Heterogeneity
from meantime.statistics.methods.pairs import Pairs
from meantime.statistics.methods.rank_intervals import like_any
from meantime.statistics.words.subject import Subject, capitalized, here, named, number_word, tied

# Of fewer of the places a range is of a selection of them, and says so.
_NEARLY_ALL = 0.9
_LEVEL = 0.05
_ALL_PAIRS = "95% confidence, all pairs compared"


class ReferenceValue(NamedTuple):
    """A place that others are compared with, and its value."""

    name: str
    value: float


def estimate_sentence(subject: Subject, name: str, value: float, low: float, high: float) -> str:
    """Say one estimate."""
    is_known = low == low and high == high  # NaN where it has no standard error
    places = text.decimals([value, low, high] if is_known else [value], subject.unit)
    interval = text.interval(low, high, places=places) if is_known else ""
    return capitalized(f"{subject} {here(name)} is {subject.value(value, places)}{subject.with_years(interval)}.")


def range_sentence(
    subject: Subject,
    names: Sequence[str],
    value: Doubles,
    *,
    reference: ReferenceValue | None = None,
    wanted: int = 0,
) -> str:
    """Say between which values several places lie, and which have them; of which places, where many have no value."""
    lowest, highest = float(value.min()), float(value.max())
    places = text.decimals([lowest, highest], subject.unit)
    nouns = subject.nouns(names)

    def at(end: float) -> str:
        which = [name for name, each in zip(names, value.tolist(), strict=True) if each == end]
        # A unit that is a word is written once, at the end.
        written = subject.value(end, places)
        if end == lowest and subject.unit != text.PERCENT:
            written = text.number(end, places)
        return f"{written} {here(which[0]) if len(which) == 1 else 'in ' + tied(which, nouns)}"

    who = f"in the {len(names):,} of {wanted:,} {nouns} with a value, " if len(names) < _NEARLY_ALL * wanted else ""
    spread = (
        f"is {subject.value(lowest, places)} in all {len(names):,} {nouns}"
        if lowest == highest
        else f"ranges from {at(lowest)} to {at(highest)}"
    )
    beside = "" if reference is None else f"; {here(reference.name)} it is {subject.value(reference.value, places)}"
    return capitalized(f"{who}{subject} {spread}{subject.with_years()}{beside}.")


def spread_sentence(subject: Subject, names: Sequence[str], about: Heterogeneity, *, some_pair_differs: bool) -> str:
    """Say whether the places differ by more than sampling error; that this is not shown is no proof of the contrary."""
    nouns = subject.nouns(names)
    p = text.p_equals(about.p)
    if about.p < _LEVEL:
        low, high = text.share(about.reliability_low), text.share(about.reliability_high)
        facts = subject.with_years(f"95% CI {low} to {high}", f"Q test, {p}")
        share = text.share(about.reliability)
        about_share = {">": "More than ", "<": "Less than "}.get(share[0], "About ") + share.lstrip("<>")
        return f"{about_share} of the variance in {subject} between {nouns} is beyond sampling error{facts}."
    if some_pair_differs:
        return (
            f"Taken together, the {about.estimates:,} {nouns} are not shown to differ in {subject}"
            f"{subject.with_years(f'Q test, {p}')}, though single ones stand out when all pairs are compared."
        )
    return (
        f"These data do not show that the {about.estimates:,} {nouns} differ in {subject}"
        f"{subject.with_years(f'Q test, {p}')}; that is not proof that they are equal."
    )


def end_sentence(
    subject: Subject,
    names: Sequence[str],
    value: Doubles,
    compared: Pairs,
    *,
    is_low: bool,
    of: str = "figure for",
    check: Check = unchecked,
) -> str:
    """Say which places have the lowest or highest value, and how many cannot be distinguished from them.

    All pairs are compared at once: distinguished is who differs from every one of them.
    """
    end = value.min() if is_low else value.max()
    first = np.flatnonzero(value == end)
    others = like_any(compared, first, check=check)
    nouns = subject.nouns(names)
    side, beyond = ("lowest", "higher") if is_low else ("highest", "lower")
    verb, pronoun = ("has", "it") if len(first) == 1 else ("have", "them")
    who = tied([names[index] for index in first.tolist()], nouns)
    start = f"{who} {verb} the {side} {of} {subject}{subject.during}"
    if others:
        others_text = f"{others:,} other {subject.noun(names) if others == 1 else nouns}"
        return capitalized(f"{start}; {others_text} cannot be distinguished from {pronoun} ({_ALL_PAIRS}).")
    return capitalized(f"{start}; every other {subject.noun(names)} is {beyond} ({_ALL_PAIRS}).")


def first_few_sentence(
    subject: Subject, names: Sequence[str], rank: Integers, greatest: Integers, few: int, *, is_low: bool
) -> str:
    """Say which places are among the first few by intervals that hold for all ranks at once."""
    who = [names[index] for index in np.argsort(rank, kind="stable").tolist() if greatest[index] <= few]
    what = f"the {number_word(few)} {'lowest' if is_low else 'highest'} for {subject}{subject.during}"
    if not who:
        return f"No {subject.noun(names)} is among {what} with 95% confidence (all pairs compared)."
    verb = "is" if len(who) == 1 else "are"
    return f"With 95% confidence, {text.listed(map(named, who))} {verb} among {what} (all pairs compared)."


def detectable_sentence(subject: Subject, names: Sequence[str], least: Doubles, reference: str, power: float) -> str:
    """Say how large a true difference one comparison would detect; "" where none could be tested."""
    known = np.flatnonzero(np.isfinite(least)).tolist()
    if not known:
        return ""
    sizes = [float(least[index]) for index in known]
    places = text.decimals(sizes, subject.difference_unit)
    smallest, largest = min(known, key=least.__getitem__), max(known, key=least.__getitem__)
    low, high = text.number(float(least[smallest]), places), text.number(float(least[largest]), places)
    unit = f" {subject.difference_unit}" if subject.difference_unit else ""
    size = f"{high}{unit}"
    if len(names) == 1:
        size = f"{size} {here(names[0])}"
    elif low != high:
        size = f"{low} ({named(names[smallest])}) to {size} ({named(names[largest])})"
    return (
        f"One comparison with {named(reference)} detects a true difference in {subject} of {size} with "
        f"{text.share(power)} power{subject.with_years('approximately')}."
    )
