"""Topic, unit and polarity of each question: from the description, else from the file, else from the built-in facts."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from meantime.dataset.facts.questions import QuestionFacts, built_in_questions
from meantime.dataset.facts.units import normalized_unit
from meantime.dataset.reading.description import Description
from meantime.dataset.snapshot import QuestionMetadata
from meantime.text import PERCENT


def collect_question_info(
    database: duckdb.DuckDBPyConnection, questions: Sequence[str], description: Description
) -> tuple[QuestionMetadata, ...]:
    """Return what is known of each question, from the view ``staged`` and the table ``groups``."""
    # The topic of most of its rows; and the unit only if all rows with a unit agree on it.
    topics = dict(
        database.execute(
            "SELECT question, topic FROM staged WHERE topic <> '' GROUP BY question, topic "
            "QUALIFY row_number() OVER (PARTITION BY question ORDER BY count(*) DESC, topic) = 1"
        ).fetchall()
    )
    units = dict(
        database.execute(
            "SELECT question, min(unit) FROM groups WHERE unit <> '' GROUP BY question HAVING min(unit) = max(unit)"
        ).fetchall()
    )
    of_any_unit = database.execute("SELECT DISTINCT question FROM groups WHERE unit <> ''").fetchall()
    with_unit = {question for (question,) in of_any_unit}
    built_in, unknown = built_in_questions(), QuestionFacts()
    infos = []
    for text in questions:
        described, known = description.questions.get(text, unknown), built_in.get(text, unknown)
        unit = described.unit or units.get(text) or known.unit
        is_inferred = unit is None and text not in with_unit and _says_percent(text)
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
    """
    return question.casefold().startswith(("percent of ", "percentage of ", "per cent of ", "% of "))
