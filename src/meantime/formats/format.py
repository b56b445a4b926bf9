"""What a format is: how a result is written, and for whom. Each format's file ends with its own row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from meantime.charts.figure import AS_IT_IS, Figure
from meantime.formats.document import Document

# Latitude and longitude in degrees, by location. They are no part of a result: the server of the data set adds them.
Coordinates = Mapping[str, tuple[float, float]]


# Reading them takes a while, and few charts need them.
Points = Callable[[], Coordinates]


class Draw(Protocol):
    """Writes a chart of a result, the default one if none is named."""

    def __call__(
        self,
        document: Document,
        chart: str | None = None,
        figure: Figure = AS_IT_IS,
        points: Points = dict,
    ) -> Iterator[bytes]:
        """Write it piece by piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A way to write a result."""

    position: int  # in lists, and in the choice among formats that a client likes equally: the lowest wins
    suffix: str  # of its files, and its name in a URL
    media_type: str
    name: str  # for people
    meaning: str  # one line: whom it is for, and what it keeps
    is_text: bool  # can be shown in a terminal, and compresses well
    pieces: Callable[[Document], Iterator[bytes]]  # lazily, so that a long table is never in memory as a whole
    draw: Draw | None = None  # of a format that is a chart: results without a chart cannot be had in it
    chart: str | None = None  # which chart; None: the default chart of the result
    figure: Figure = AS_IT_IS  # how the chart is to look
    points: Points = dict  # where its locations are
    is_repeatable: bool = True  # the same result always has the same bytes
    is_slow: bool = False  # takes a second in a separate process, however short the result is

    @property
    def content_type(self) -> str:
        """The Content-Type header; some clients take a text without a charset for Latin-1."""
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type

    def with_chart(self, chart: str | None = None, figure: Figure = AS_IT_IS, points: Points = dict) -> Format:
        """Return this format with another chart, look or points; a format that is no chart returns itself."""
        if self.draw is None or (chart is None and figure == AS_IT_IS and points is dict):
            return self
        pieces = partial(self.draw, chart=chart, figure=figure, points=points)
        return replace(self, pieces=pieces, chart=chart, figure=figure, points=points)
