"""Which values are good for ``best5`` and ``worst5``: a list that the contract of the classic API fixes.

It differs from ``questions.toml`` where that leaves the direction open. Data, in ``classic_polarity.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from meantime.dataset.facts.conversion import table_of_facts
from meantime.dataset.snapshot import Polarity, QuestionMetadata


def classic_polarity(question: QuestionMetadata) -> Polarity | None:
    """Return whether low or high values are good: as the file or its TOML says, else as the contract says.

    >>> overweight = "Percent of adults aged 18 years and older who have an overweight classification"
    >>> classic_polarity(QuestionMetadata(text=overweight))
    'lower'
    >>> classic_polarity(QuestionMetadata(text="Percent of adults who nap")) is None
    True
    """
    return question.polarity or _fixed().get(question.text)


@cache
def _fixed() -> Mapping[str, Polarity]:
    lists = table_of_facts("classic_polarity.toml", dict[Polarity, tuple[str, ...]])
    return {question: polarity for polarity, questions in lists.items() for question in questions}
