"""Some rows of a file, from its beginning and from further on, for what its names alone do not decide."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from meantime.dataset.reading.header import csv_field_limit
from meantime.dataset.reading.sniff import LONGEST_LINE, TextForm

# Rows at the beginning, and at each of some places further on. Enough to see what a column holds, in some milliseconds.
_FIRST_ROWS = 400
_ROWS_AT_A_PLACE = 50
_PLACES = 8


def sample_rows(path: Path, form: TextForm) -> list[list[str]]:
    """Return some rows of a text file: the first ones, and some from further on where lines can be found there."""
    with (
        path.open(encoding=form.encoding, errors="replace", newline="") as text,
        csv_field_limit(LONGEST_LINE),
    ):
        first = list(islice(text, form.header_lines, form.header_lines + _FIRST_ROWS))
        rows = _records(first, form)
        if form.lines is None or len(first) < _FIRST_ROWS:
            return rows
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            read = sum(map(len, first))
            for place in range(1, _PLACES + 1):
                start = size * place // (_PLACES + 1)
                if start > read:
                    file.seek(start)
                    file.readline(LONGEST_LINE)  # the rest of a line
                    lines = b"".join(file.readline(LONGEST_LINE) for _ in range(_ROWS_AT_A_PLACE))
                    rows += _records(io.StringIO(lines.decode(form.encoding, "replace"), newline=""), form)
    return rows


def _records(lines: Iterable[str], form: TextForm) -> list[list[str]]:
    width = len(form.header)
    rows: list[list[str]] = []
    try:
        for record in csv.reader(lines, delimiter=form.delimiter):
            is_short = form.leaves_out_empty and 1 < len(record) < width
            row = record + [""] * (width - len(record)) if is_short else record
            if len(row) == width:
                rows.append(row)
    except csv.Error:
        pass  # the rows before it are enough
    return rows
