"""A result: its rows, what they mean, and ways to use them elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meantime.client import charts, dataframes, display
from meantime.errors import NotAcceptable
from meantime.formats import document as documents
from meantime.formats.document import Document
from meantime.formats.file_names import stem_of
from meantime.table import Cell, Column

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd  # type: ignore[import-untyped]  # its types are a separate package
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]  # has no types

    from meantime.formats.format import Format


class Result:
    """The result of a request. It never changes.

    The server computed it once. ``save`` and the conversions use the same code as the server, so they give exactly
    what the server would send, and need neither the server nor the job.
    """

    def __init__(self, document: Document) -> None:
        self.document = document

    @classmethod
    def read(cls, body: bytes) -> Result:
        """Read a result from the JSON that the server sends.

        Raises:
            NotMeantime: this is not a result.
        """
        return cls(documents.decode(body))

    @property
    def rows(self) -> list[dict[str, Cell]]:
        """The rows in order, each with every column; None where there is no value."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.document.table.rows()]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Name, kind, unit and meaning of each column."""
        return self.document.table.columns

    @property
    def statistic(self) -> str:
        """The name of the statistic."""
        return self.document.statistic

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Its parameters, with defaults."""
        return self.document.parameters

    @property
    def dataset(self) -> str:
        """The name of the data set."""
        return self.document.dataset

    @property
    def fingerprint(self) -> str:
        """Identifies the content of the data set: with the same parameters and method version, the same result."""
        return self.document.fingerprint

    @property
    def method_version(self) -> int:
        """The version of the statistic's method."""
        return self.document.method_version

    @property
    def findings(self) -> tuple[str, ...]:
        """What the numbers show, in sentences. Each rests on a statistical test."""
        return self.document.table.findings

    @property
    def notes(self) -> tuple[str, ...]:
        """What the numbers are and how they were computed."""
        return self.document.table.notes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to be careful about."""
        return self.document.table.warnings

    @property
    def citation(self) -> str:
        """How to cite it, so that others can find the same numbers."""
        return self.document.citation

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas data frame; integers stay integers even where some are missing.

        Raises:
            PackageMissing: pandas is not installed.
        """
        return dataframes.to_pandas(self.document.table)

    def to_polars(self) -> pl.DataFrame:
        """Return a polars data frame.

        Raises:
            PackageMissing: polars is not installed.
        """
        return dataframes.to_polars(self.document.table)

    def to_arrow(self) -> pa.Table:
        """Return a pyarrow table.

        Raises:
            PackageMissing: pyarrow is not installed.
        """
        return dataframes.to_arrow(self.document.table)

    def file_name(self, suffix: str) -> str:
        """Return a name for a file of it that says what it is: obesity-women-2023-ranking.xlsx."""
        of = self.document
        stem = stem_of(
            of.table.about,
            statistic=of.statistic,
            parameters=of.parameters,
            dataset=of.dataset,
            fingerprint=of.fingerprint,
        )
        return f"{stem}.{suffix}"

    def save(self, path: str | Path, *, chart: charts.Look = None) -> Path:
        """Write it to a file, in the format of the suffix, and return the path.

        ``chart`` is for pictures: the name of a chart, or how it is to look. ``docs/charts.md`` lists the settings.

        >>> result.save("obesity.png", chart={"title": "Obesity, 2023", "highlight": ["Ohio"]})  # doctest: +SKIP

        Raises:
            RequestInvalid: a setting of the chart is not allowed; with all problems.
            NotAcceptable: no format has this suffix; the message lists those that exist. Or the suffix is that of a
                chart, and the result has none.
            PictureFailed: the picture could not be drawn.
        """
        path = Path(path)
        name, figure = charts.read_look(chart)
        pieces = self.pieces(form_of(path).with_chart(name, figure))
        # Taken before the file is opened: a chart that fails leaves no file.
        first = next(pieces, b"")
        with path.open("wb") as file:
            file.write(first)
            file.writelines(pieces)
        return path

    def chart(self, name: str | None = None, **look: object) -> alt.LayerChart:
        """Return an Altair chart of it: the statistic's main one if none is named.

        ``look`` is how it is to look, as in ``save``: ``result.chart("map", title="Obesity, 2023")``.

        It is as wide as the page allows; ``.properties(width=600)`` sets another width.

        Raises:
            NotAcceptable: it has no such chart; the message lists those that it has.
            PackageMissing: Altair is not installed.
        """
        return charts.to_altair(self.document, *charts.read_look({"name": name, **look}))

    def pieces(self, form: Format) -> Iterator[bytes]:
        """Yield it in a format, piece by piece."""
        return form.pieces(self.document)

    def __eq__(self, other: object) -> bool:
        return self.document == other.document if isinstance(other, Result) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # its parameters and cells are mutable

    def __len__(self) -> int:
        return len(self.document.table)

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return display.as_text(self.document)

    def _repr_html_(self) -> str:
        return display.as_html(self.document)


def form_of(path: Path) -> Format:
    """Return the format of a file's suffix.

    >>> form_of(Path("best.CSV")).name
    'CSV'

    Raises:
        NotAcceptable: no format has this suffix.
    """
    # Imported here: the formats need DuckDB and more, which take longer to import than the whole client, and few
    # results are saved.
    from meantime.formats.registry import FORMATS

    name = path.name.lower()
    # "x.vl.json" also ends in "json": the longest suffix wins.
    matches = [suffix for suffix in FORMATS if name.endswith(f".{suffix}") and name != f".{suffix}"]
    if not matches:
        known = ", ".join(f".{suffix}" for suffix in FORMATS)
        raise NotAcceptable(f"Results cannot be written as {path.name!r}. Use one of these suffixes: {known}.")
    return FORMATS[max(matches, key=len)]
