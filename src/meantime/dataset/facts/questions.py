"""What is known of questions whose files do not contain it: unit, polarity and topic. Data, in ``questions.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec

from meantime.dataset.facts.conversion import table_of_facts
from meantime.dataset.snapshot import Polarity


class QuestionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one question; None where nothing is."""

    unit: str | None = None
    polarity: Polarity | None = None
    topic: str | None = None


class _Questions(msgspec.Struct, frozen=True, kw_only=True):
    questions: dict[str, QuestionFacts]


@cache
def built_in_questions() -> Mapping[str, QuestionFacts]:
    """Return what Meantime knows of questions by their full text, without a description file."""
    return table_of_facts("questions.toml", _Questions).questions
