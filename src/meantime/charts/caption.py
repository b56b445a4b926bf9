"""What stands around a chart: what it is of, how it was asked, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """The words of a chart that its table does not have."""

    title: str  # the question
    subtitle: tuple[str, ...] = ()  # what of it: a finding that changes how all is read, basis, years
    beware: tuple[str, ...] = ()  # what the numbers are not, and who was left out; below the chart
    source: tuple[str, ...] = ()  # data set, fingerprint, citation; below that
    is_synthetic: bool = False
    reference: str | None = None  # what the others are compared with
    highlight: str | None = None  # the location that is lit from the start
    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # latitude and longitude by location
