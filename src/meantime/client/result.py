"""A result in the hands of whoever asked: its rows, what they mean, and ways to carry them on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meantime.client import drawn, frames, shown
from meantime.errors import NotAcceptable
from meantime.formats import document as documents
from meantime.formats.document import Document
from meantime.table import Cell, Column

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd  # type: ignore[import-untyped]  # its types are a package of their own
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]  # has no types

    from meantime.formats.forms import Form


class Result:
    """The answer to a question. It never changes.

    It was made and written by the server, once. What is written from it, by ``save`` and the like, is written by the
    same code as the server's, so it is what the server would have sent, and needs neither the server nor the job.
    """

    def __init__(self, document: Document) -> None:
        self.document = document

    @classmethod
    def read(cls, body: bytes) -> Result:
        """Read a result as the server writes it.

        Raises:
            NotMeantime: it is none.
        """
        return cls(documents.decode(body))

    @property
    def rows(self) -> list[dict[str, Cell]]:
        """The rows in their order, each with every column; None where there is nothing."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.document.table.rows()]

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the columns are: name, kind, unit, meaning."""
        return self.document.table.columns

    @property
    def statistic(self) -> str:
        """What was asked."""
        return self.document.statistic

    @property
    def parameters(self) -> Mapping[str, Any]:
        """With what, the defaults filled in."""
        return self.document.parameters

    @property
    def dataset(self) -> str:
        """Of which data set."""
        return self.document.dataset

    @property
    def fingerprint(self) -> str:
        """Of which content of that data set: the same fingerprint, parameters and method version, the same result."""
        return self.document.fingerprint

    @property
    def method_version(self) -> int:
        """By which version of the statistic."""
        return self.document.method_version

    @property
    def findings(self) -> tuple[str, ...]:
        """What they say, in sentences made of tested statements only."""
        return self.document.table.findings

    @property
    def notes(self) -> tuple[str, ...]:
        """What the numbers are."""
        return self.document.table.notes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What they are not."""
        return self.document.table.warnings

    @property
    def citation(self) -> str:
        """How to name it elsewhere, so that the same numbers can be found again."""
        return self.document.citation

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame of pandas; integers keep their kind where some are missing.

        Raises:
            PackageMissing: pandas is not installed.
        """
        return frames.to_pandas(self.document.table)

    def to_polars(self) -> pl.DataFrame:
        """Return a data frame of polars.

        Raises:
            PackageMissing: polars is not installed.
        """
        return frames.to_polars(self.document.table)

    def to_arrow(self) -> pa.Table:
        """Return a table of pyarrow.

        Raises:
            PackageMissing: pyarrow is not installed.
        """
        return frames.to_arrow(self.document.table)

    def save(self, path: str | Path) -> Path:
        """Write it to a file, in the form that its suffix names, and return where.

        Raises:
            NotAcceptable: no form has this suffix; the message lists those that there are. Or it is a chart, and the
                result has none.
            PictureFailed: a picture could not be drawn.
        """
        path = Path(path)
        pieces = self.pieces(form_of(path))
        # The first is where a chart is refused, or fails; no file is left then.
        first = next(pieces, b"")
        with path.open("wb") as file:
            file.write(first)
            file.writelines(pieces)
        return path

    def chart(self, name: str | None = None) -> alt.LayerChart:
        """Return a chart of it for Altair, the usual one of its statistic if no other is named.

        It is as wide as its place on the page; ``.properties(width=600)`` makes it another width.

        Raises:
            NotAcceptable: it has no such chart; the message lists those that there are.
            PackageMissing: Altair is not installed.
        """
        return drawn.to_altair(self.document, name)

    def pieces(self, form: Form) -> Iterator[bytes]:
        """Write it piece by piece."""
        return form.pieces(self.document)

    def __eq__(self, other: object) -> bool:
        return self.document == other.document if isinstance(other, Result) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # its parameters and cells are mutable, as JSON gives them

    def __len__(self) -> int:
        return len(self.document.table)

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return shown.as_text(self.document)

    def _repr_html_(self) -> str:
        return shown.as_html(self.document)


def form_of(path: Path) -> Form:
    """Return the form that a file's suffix names.

    >>> form_of(Path("best.CSV")).name
    'CSV'

    Raises:
        NotAcceptable: none.
    """
    # Here, since the forms bring DuckDB and more with them, which take longer to import than all of the client, and
    # most who ask save nothing.
    from meantime.formats.forms import FORMS

    name = path.name.lower()
    # "x.vl.json" ends in "json", too.
    fitting = [suffix for suffix in FORMS if name.endswith(f".{suffix}") and name != f".{suffix}"]
    if not fitting:
        known = ", ".join(f".{suffix}" for suffix in FORMS)
        raise NotAcceptable(f"{path.name!r} does not end in a form that results are written in. There are: {known}.")
    return FORMS[max(fitting, key=len)]
