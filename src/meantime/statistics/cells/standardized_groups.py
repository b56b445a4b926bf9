"""Of which groups standardized values are made, with which shares of a standard population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.dataset.facts.titles import Title
from meantime.dataset.standard_population import ages_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardWeights:
    """The shares of a standard population in the groups of a category."""

    category: str
    shares: Mapping[str, float]  # above 0, adding up to 1
    notes: tuple[str, ...]

    @property
    def weights(self) -> Doubles:
        """The shares, in the order of the groups."""
        return np.array(list(self.shares.values()))

    def title(self, title: Title) -> Title:
        """Return the title of a question's standardized values.

        >>> ages = StandardWeights(category="Age", shares={"18-44": 0.6, "45+": 0.4}, notes=())
        >>> ages.title(Title(topic="obesity", people="adults")).among()
        'age-standardized obesity among adults'
        >>> sexes = StandardWeights(category="Sex", shares={"Female": 0.5, "Male": 0.5}, notes=())
        >>> sexes.title(Title(topic="the percent of adults", people="adults", around=("the percent of ", ""))).among()
        'the standardized percent of adults'
        """
        word = "age-standardized" if all(map(ages_of, self.shares)) else "standardized"

        def with_word(text: str) -> str:
            rest = text.removeprefix("the ")
            return f"{'the ' if rest != text else ''}{word} {rest}"

        around = title.around and (with_word(title.around[0]), title.around[1])
        return replace(title, topic=with_word(title.topic), around=around)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandardizedGroups:
    """The cells that standardized values are the weighted sums of."""

    standard: StandardWeights
    cell: Integers  # (locations, periods, groups)
    flagged: Integers  # (locations, periods): how many of them have a flag of their own

    def __getitem__(self, index: Any) -> StandardizedGroups:
        return replace(self, cell=self.cell[index], flagged=self.flagged[index])
