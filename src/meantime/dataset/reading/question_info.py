"""Topic, unit and polarity of each question: from the description, else from the file, else from the built-in facts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from meantime.dataset.facts.column_names import is_percent_name
from meantime.dataset.facts.questions import QuestionFacts, built_in_questions
from meantime.dataset.facts.units import normalized_unit
from meantime.dataset.reading.description import Description
from meantime.dataset.snapshot import QuestionMetadata
from meantime.text import PERCENT


def collect_question_info(
    questions: Sequence[str],
    topics: Mapping[str, str],
    units_of: Mapping[str, Collection[str]],
    description: Description,
    *,
    value_column: str = "",
) -> tuple[QuestionMetadata, ...]:
    """Return what is known of each question, given its topic and the units of its rows, by its text.

    ``value_column`` is what the column of values is called: "Percent" tells the unit of questions that tell none.
    """
    built_in, unknown = built_in_questions(), QuestionFacts()
    infos = []
    for text in questions:
        described, known = description.questions.get(text, unknown), built_in.get(text, unknown)
        units = units_of.get(text, ())
        # Only if all rows with a unit agree on it.
        unit = described.unit or (next(iter(units)) if len(units) == 1 else None) or known.unit
        is_inferred = unit is None and not units and (_says_percent(text) or is_percent_name(value_column))
        infos.append(
            QuestionMetadata(
                text=text,
                topic=described.topic or topics.get(text, "") or known.topic or "",
                unit=PERCENT if is_inferred else unit and normalized_unit(unit),
                is_unit_inferred=is_inferred,
                polarity=described.polarity or known.polarity,
            )
        )
    return tuple(infos)


def _says_percent(question: str) -> bool:
    """Whether the words of a question say that its values are percents.

    >>> _says_percent("Percent of adults who nap"), _says_percent("Percentiles of height")
    (True, False)
    >>> _says_percent("Adults with obesity (%)"), _says_percent("Obesity (crude, %)")
    (True, True)
    """
    if re.search(r"[(,]\s*%\s*\)$", question):
        return True
    return question.casefold().startswith(("percent of ", "percentage of ", "per cent of ", "% of "))
