"""The texts around a chart: its question, its selection, its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from meantime.charts.figure import AS_IT_IS, Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What a chart shows besides its table."""

    title: str  # the question
    subtitle: tuple[str, ...] = ()  # the main finding, the group, the years
    shown: str = ""  # which locations are drawn, where it is not all of them
    notes: tuple[str, ...] = ()  # below the chart: caveats, and who was left out
    source: str = ""  # below the notes: who published the numbers
    citation: str = ""  # in the metadata
    is_synthetic: bool = False
    reference: str | None = None  # what the other locations are compared with
    highlight: tuple[str, ...] = ()  # the locations that are highlighted at first
    figure: Figure = AS_IT_IS  # how it is to look
    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # latitude and longitude by location
