"""What is known of questions whose files do not contain it: unit, polarity and topic. Data, in ``questions.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from meantime.dataset.facts.conversion import converted
from meantime.dataset.snapshot import Polarity


class QuestionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one question; None where nothing is."""

    unit: str | None = None
    polarity: Polarity | None = None
    topic: str | None = None


@cache
def built_in_questions() -> Mapping[str, QuestionFacts]:
    """Return what Meantime knows of questions by their full text, without a description file."""
    text = resources.files(__package__).joinpath("questions.toml").read_text(encoding="utf-8")
    return converted(tomllib.loads(text)["questions"], dict[str, QuestionFacts])
