"""Tile grid maps: each place of a country is one tile, close to its real position. Data, in ``grids/*.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources

import msgspec

from meantime.dataset.facts.conversion import converted


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
    folder = resources.files(__package__).joinpath("grids")
    tables = (file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".toml"))
    return tuple(converted(tomllib.loads(text), TileGrid) for text in tables)
