"""What the synthetic table is made of: questions, locations and strata by their real names, with invented effects."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

YEARS = tuple(range(2011, 2024))


class SampleLocation(NamedTuple):
    """A state, a territory, a county, a tract, or the country."""

    name: str
    abbreviation: str  # of a county or tract: its state's
    id: int | str
    kind: str  # state (DC is one here), territory, county, tract, or country
    point: tuple[float, float] | None = None
    respondents: int = 0
    shares: Mapping[str, float] = {}


class SampleStratum(NamedTuple):
    """A stratum, its share of all respondents, and its effect on each family of questions."""

    category: str
    category_id: str
    column: str  # the older form of a stratum: a column for each category
    name: str
    id: str
    share: float
    effects: Sequence[float]


class SampleQuestion(NamedTuple):
    """A question with its level, its trend, and which values are a burden."""

    id: str
    topic: str
    family: str
    level: float
    slope: float
    bend: float
    burden: int
    text: str


class Scheme(NamedTuple):
    """What the table is made of. The country comes last, after the states that are pooled in it."""

    families: Sequence[str]
    questions: Sequence[SampleQuestion]
    strata: Sequence[SampleStratum]
    locations: Sequence[SampleLocation]
    topics: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls) -> Scheme:
        """Return the scheme in ``scheme.toml``."""
        text = resources.files(__package__).joinpath("scheme.toml").read_text(encoding="utf-8")
        table: dict[str, Any] = tomllib.loads(text)
        strata = [
            SampleStratum(category["name"], category["id"], category["column"], **stratum)
            for category in table["categories"]
            for stratum in category["strata"]
        ]
        return cls(
            families=table["families"],
            questions=[SampleQuestion(**question) for question in table["questions"]],
            strata=strata,
            locations=[SampleLocation(**location) for location in table["locations"]],
            topics=table["topics"],
        )

    @property
    def surveyed(self) -> Sequence[SampleLocation]:
        """All locations but the country."""
        return self.locations[:-1]
