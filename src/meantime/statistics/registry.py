"""The list of statistics: a row here makes one public, everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from meantime.dataset.snapshot import Snapshot
from meantime.model import Work
from meantime.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """A public statistic."""

    name: str
    parameters: type[msgspec.Struct]  # its type; the fields' names are the parameters' names
    compute: Callable[[Snapshot, Any, Work], Table]
    help: str  # one line: what it gives
    averages: str  # one line: what it really averages, and so what it is not
    method_version: int  # counts up when the same request over the same snapshot may give another result
    chart: str | None = None


STATISTICS: Mapping[str, Statistic] = {}
