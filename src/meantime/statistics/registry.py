"""The list of statistics: a file in ``families`` that defines one makes it public, everywhere."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module

from meantime.statistics import families
from meantime.statistics.statistic import AnyStatistic, Statistic


def _defined() -> Iterator[AnyStatistic]:
    for module in pkgutil.iter_modules(families.__path__, f"{families.__name__}."):
        yield from (value for value in vars(import_module(module.name)).values() if isinstance(value, Statistic))


STATISTICS: Mapping[str, AnyStatistic] = {
    row.name: row for row in sorted(_defined(), key=lambda row: (row.order, row.name))
}
