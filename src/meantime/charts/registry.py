"""Every chart, by its name. A file here that has ``CHARTS`` adds its charts; nothing else has to be edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from meantime.charts.chart import Chart


def _charts() -> Iterator[Chart]:
    for module in iter_modules([str(Path(__file__).parent)]):
        if module.name != "registry":
            yield from getattr(import_module(f"meantime.charts.{module.name}"), "CHARTS", ())


CHARTS: Mapping[str, Chart] = {chart.name: chart for chart in _charts()}
