"""The texts around a chart: its question, its selection, its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What a chart shows besides its table."""

    title: str  # the question
    subtitle: tuple[str, ...] = ()  # the main finding, the group, the years
    shown: str = ""  # which locations are drawn, where it is not all of them
    warnings: tuple[str, ...] = ()  # below the chart: caveats, and who was left out
    source: tuple[str, ...] = ()  # below the warnings: data set, fingerprint, citation
    is_synthetic: bool = False
    reference: str | None = None  # what the other locations are compared with
    highlight: str | None = None  # the location that is highlighted at first
    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # latitude and longitude by location
