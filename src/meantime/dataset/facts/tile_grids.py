"""Tile grid maps: each place of a country is one tile, close to its real position. Data, in ``grids/*.toml``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec

from meantime.dataset.facts.conversion import converted, tables_in


class Tile(msgspec.Struct, frozen=True, array_like=True):
    """The position of a place, and the text on its tile."""

    label: str
    column: int
    row: int


class TileGrid(msgspec.Struct, frozen=True, kw_only=True):
    """The tiles of one country."""

    name: str
    tiles: dict[str, Tile]  # by the name of the place in files

    @property
    def columns(self) -> int:
        """Width in tiles."""
        return 1 + max(tile.column for tile in self.tiles.values())

    @property
    def rows(self) -> int:
        """Height in tiles."""
        return 1 + max(tile.row for tile in self.tiles.values())


def for_locations(locations: Sequence[str]) -> TileGrid | None:
    """Return the grid that contains at least half of these locations; None if there is none.

    >>> grid = for_locations(("National", "Ohio", "Utah"))
    >>> grid.name, grid.tiles["Utah"].label
    ('United States', 'UT')
    >>> for_locations(("Avalon", "Borduria", "Georgia")) is None
    True
    """
    return next(
        (grid for grid in _all() if 0 < len(locations) <= 2 * sum(name in grid.tiles for name in locations)), None
    )


@cache
def _all() -> tuple[TileGrid, ...]:
    return tuple(converted(table, TileGrid) for table in tables_in("grids"))
