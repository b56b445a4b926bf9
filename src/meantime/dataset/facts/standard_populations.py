"""The standard populations that come with Meantime. Data, in ``populations/*.toml``.

Their age groups are finer than those of most tables, which are put together from them. A table's description can
declare more of them, which are part of its snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from meantime.dataset.facts.conversion import converted, tables_in
from meantime.dataset.standard_population import StandardPopulation


@cache
def built_in_populations() -> Mapping[str, StandardPopulation]:
    """Return the standard populations that come with Meantime, by name.

    >>> built_in_populations()["us_2000"].weights["65 or older"]
    34710.0
    """
    populations = (converted(table, StandardPopulation) for table in tables_in("populations"))
    return {each.name: each for each in sorted(populations, key=lambda each: each.name)}
