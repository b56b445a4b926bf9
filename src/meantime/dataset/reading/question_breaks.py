"""The breaks of each question: of its publisher, or that its words show, and those that the description declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from meantime.dataset.cube import ABSENT, Cube, Period
from meantime.dataset.facts.known_breaks import breaks_of
from meantime.dataset.reading.description import DeclaredBreak, Description
from meantime.dataset.snapshot import Break, QuestionMetadata


class FoundBreaks(NamedTuple):
    """The questions with their breaks, and what people must know of those that were declared."""

    questions: tuple[QuestionMetadata, ...]
    warnings: tuple[str, ...]


def find_breaks(
    questions: Sequence[QuestionMetadata],
    years_of: Mapping[str, Period],
    publishers: Mapping[str, str],
    description: Description,
) -> FoundBreaks:
    """Give each question its breaks, given its first and last year, and its publisher where it is known, by its text.

    Only breaks between its first and last year can matter to an answer, so only those are part of its snapshot. Where
    they are those that its text shows anyway, none are kept: such a table has the fingerprint that it always had.
    """
    found = list(questions)
    without_effect = dict.fromkeys(description.breaks)
    for code, question in enumerate(questions):
        by_text = breaks_of(question.text)
        published = breaks_of(question.text, publishers.get(question.text, ""))
        declared = [each for each in description.breaks if not each.questions or question.text in each.questions]
        if by_text or published or declared:
            years = years_of[question.text]
            within = [each for each in declared if years.first < each.year <= years.last]
            for each in within:
                without_effect.pop(each, None)
            # One that is declared stands in place of a known one of the same year.
            kept = {each.year: each for each in published if years.first < each.year <= years.last}
            kept |= {each.year: Break(year=each.year, reason=each.reason, source=each.source) for each in within}
            breaks = tuple(kept[year] for year in sorted(kept))
            if breaks != tuple(each for each in by_text if years.first < each.year <= years.last):
                found[code] = msgspec.structs.replace(question, breaks=breaks)
    return FoundBreaks(tuple(found), tuple(map(_no_effect, without_effect)))


def _no_effect(declared: DeclaredBreak) -> str:
    return (
        f"The break in {declared.year} that the TOML file next to the data declares has no effect: none of its "
        "questions has values both before that year and from it on."
    )


def years_by_question(cube: Cube) -> dict[str, Period]:
    """Return the first and the last year of each question, 0 where it has none."""
    years = {}
    for code, text in enumerate(cube.labels.questions):
        periods = [cube.labels.periods[each] for each in cube.outline(code).periods if each != ABSENT]
        first, last = min((each.first for each in periods), default=0), max((each.last for each in periods), default=0)
        years[text] = Period(first, last)
    return years
