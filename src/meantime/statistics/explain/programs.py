"""Programs that recompute a number from the file without Meantime: in Python with numpy and pandas, and in R.

Whoever doubts a number can run them. They read the file as text, pick the rows by what stands in them, and print the
same columns as the answer; what they leave out is said beside them. Both are made from the same pieces in the same
order, so that one can be read beside the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Integers
from meantime.dataset.reading.staged_view import KEY_COLUMNS
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.cells.provenance import Part
from meantime.statistics.methods.standard_errors import Z95, Scale
from meantime.text import is_utf8

# Rows are listed one by one up to here, each with its weight; more are picked by what they have in common.
MOST_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """A computation in two languages; in both, ``result`` has the numbers by column of the answer."""

    python: str
    r: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """How standard errors are made from published limits."""

    scale: Scale
    step: float  # to which values are rounded


class ProgramWriter:
    """Writes both programs line by line."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._roles = snapshot.about.roles
        self._python = [_PYTHON_BEGIN]
        self._r: list[str] = []
        self._read()

    def finished(self, result: Mapping[str, tuple[str, str]]) -> Programs:
        """Return the programs; of each column of the result its expression in Python, and in R."""
        python = ", ".join(f"{_text(name)}: float({one})" for name, (one, _) in result.items())
        r = ", ".join(f"{_text(name)} = {other}" for name, (_, other) in result.items())
        return Programs(
            python="\n".join([*self._python, f"result = {{{python}}}", "print(result)", ""]),
            r="\n".join([*self._r, f"result <- list({r})", "print(result, digits = 15)", ""]),
        )

    def add(self, python: str, r: str) -> None:
        """Write some lines of each."""
        self._python.append(python)
        self._r.append(r)

    def pick(self, name: str, cells: Integers) -> None:
        """Write how the rows of many cells are picked, by the labels that they have in common."""
        python: list[str] = []
        r: list[str] = []
        for axis, labels in common_labels(self._snapshot, cells).items():
            if axis == "period":
                self._pick_years(labels, python, r)
                continue
            for index, role in enumerate(KEY_COLUMNS[axis]):
                if (column := self._roles.get(role)) is None:
                    continue
                texts = sorted({label[index] if isinstance(label, tuple) else label for label in labels})
                python.append(f"table[{_text(column)}].isin({_texts(texts)})")
                r.append(f"table[[{_text(column)}]] %in% {_vector(texts)}")
        conditions = " & ".join(f"({each})" for each in python) or "table.index >= 0"
        self.add(f"{name} = table[{conditions}]", f"{name} <- table[{' & '.join(r)}, ]")

    def _pick_years(self, labels: Sequence[Any], python: list[str], r: list[str]) -> None:
        periods = [label for label in labels if label != ""]
        for role, years in (("first_year", [p.first for p in periods]), ("last_year", [p.last for p in periods])):
            if (column := self._roles.get(role)) is None:
                continue
            conditions, name = ", ".join(map(str, sorted(set(years)))), _text(column)
            # Rows without a year are among them.
            blank = len(periods) < len(labels)
            python.append(f"number(table[{name}]).isin([{conditions}])" + f" | number(table[{name}]).isna()" * blank)
            r.append(
                f"(number(table[[{name}]]) %in% c({conditions})" + f" | is.na(number(table[[{name}]]))" * blank + ")"
            )

    def take(self, name: str, part: Part) -> None:
        """Write how the rows of some cells are taken, one by one and in their order, each with its weight."""
        columns, rows = self._keys(part)
        listed = ",\n    ".join("(" + ", ".join([*map(_literal, row[:-1]), row[-1]]) + ")" for row in rows)
        named = _texts([*columns, "weight"])
        years = [
            column for column in columns if column in (self._roles.get("first_year"), self._roles.get("last_year"))
        ]
        turned = ", ".join(f"**{{{_text(column)}: number(table[{_text(column)}])}}" for column in years)
        source = f"table.assign({turned})" if turned else "table"
        # R's match() takes the first row that fits, and so one of several copies.
        if self._snapshot.cube.pick(part.cells).copies.any():
            source += f".drop_duplicates({self._all_but_row_count()})"
        self._python.append(f"{name} = pd.DataFrame([\n    {listed},\n], columns={named}).merge({source}, how='left')")
        self._r.append(self._r_take(name, columns, rows, years))

    def _r_take(self, name: str, columns: list[str], rows: list[list[Any]], years: list[str]) -> str:
        vectors = [
            f"{_text(column)} = c({', '.join(_literal(row[index]) for row in rows)})"
            for index, column in enumerate(columns)
        ]
        weights = f"weight = c({', '.join(row[-1] for row in rows)})"
        keys = f"c({', '.join(map(_text, columns))})"
        lines = [
            f"wanted <- data.frame({', '.join([*vectors, weights])}, check.names = FALSE, stringsAsFactors = FALSE)",
            "all_rows <- table",
            *(f"all_rows[[{_text(column)}]] <- number(all_rows[[{_text(column)}]])" for column in years),
            f'key_of <- function(rows) do.call(paste, c(unname(as.list(rows[{keys}])), sep = "\\r"))',
            f"{name} <- cbind(wanted['weight'], all_rows[match(key_of(wanted), key_of(all_rows)), ])",
        ]
        return "\n".join(lines)

    def _keys(self, part: Part) -> tuple[list[str], list[list[Any]]]:
        cube = self._snapshot.cube
        columns: list[str] = []
        of_axis: list[tuple[str, int]] = []
        # Rows without a year are identified by their other labels.
        keys = cube.pick(part.cells).keys
        has_years = (keys[:, list(AXES).index("period")] != ABSENT).all()
        for axis, roles in KEY_COLUMNS.items():
            for index, role in enumerate(roles):
                column = self._roles.get(role)
                if column is not None and column not in columns and (has_years or axis != "period"):
                    columns.append(column)
                    of_axis.append((axis, index))
        axes = list(AXES)
        rows: list[list[Any]] = []
        for key, weight in zip(keys, part.weights.tolist(), strict=True):
            row: list[Any] = []
            for axis, index in of_axis:
                code = int(key[axes.index(axis)])
                label: Any = "" if code == ABSENT else getattr(cube.labels, AXES[axis])[code]
                row.append(label[index] if isinstance(label, tuple) else label)
            rows.append([*row, repr(abs(weight)) if weight == weight else "float('nan')"])
        return columns, rows

    def _all_but_row_count(self) -> str:
        """Return what makes rows copies: all columns, unless one of them says how often a row counts."""
        counted = self._roles.get("row_count")
        names = [name for name in self._snapshot.about.columns if name != counted]
        return "" if counted is None else f"subset={_texts(names)}"

    def column(self, role: str) -> str:
        """Return the name of a role's column, as both languages quote it."""
        return _text(self._roles[role])

    def mean(self, name: str) -> tuple[str, str]:
        """Return the mean of the values of the rows ``name``, in both languages."""
        value = self.column("value")
        if "row_count" not in self._roles:
            return f"number({name}[{value}]).mean()", f"mean(number({name}[[{value}]]), na.rm = TRUE)"
        times = self.column("row_count")
        v, n = f"number({name}[{value}])", f"number({name}[{times}])"
        return (
            f"({v} * {n}).sum() / {n}[{v}.notna()].sum()",
            f"weighted.mean(number({name}[[{value}]]), number({name}[[{times}]]), na.rm = TRUE)",
        )

    def _read(self) -> None:
        about = self._snapshot.about
        path, mark = _text(about.files[0] if about.files else "table.csv"), _text(about.decimal_mark)
        several = "  # and the other files, one below the other" if len(about.files) > 1 else ""
        delimiter, encoding = _text(about.delimiter), _text(_encoding(about.encoding))
        encoding_in_r = '"UTF-8-BOM"' if encoding == '"utf-8-sig"' else encoding  # which R calls otherwise
        # R always strips spaces from column names.
        has_spaces = any(name != name.strip() for name in about.columns)
        names = f"names(table) <- {_vector(about.columns)}\n" if has_spaces else ""
        self.add(
            f"PATH = {path}{several}\n"
            f"table = pd.read_csv(PATH, dtype=str, keep_default_na=False, sep={delimiter}, encoding={encoding})\n\n\n"
            "def number(texts):\n"
            f"    return pd.to_numeric(texts.str.strip().str.replace({mark}, '.', regex=False), errors='coerce')\n\n",
            f"PATH <- {path}{several}\n"
            f'table <- read.csv(PATH, sep = {delimiter}, colClasses = "character", check.names = FALSE,\n'
            f"                  na.strings = character(0), fileEncoding = {encoding_in_r})\n{names}"
            f"number <- function(texts) suppressWarnings(as.numeric(sub({mark}, '.', trimws(texts), fixed = TRUE)))\n",
        )

    def uncertain(self, how: Uncertain) -> None:
        """Write how limits become standard errors, and standard errors limits."""
        python, r = _ON_SCALE[how.scale]
        self.add(f"Z, STEP = {Z95!r}, {how.step!r}\n\n\n{python}", f"Z <- {Z95!r}; STEP <- {how.step!r}\n{r}")

    def pooled(
        self,
        name: str,
        *,
        is_published: bool,
        is_used: bool = True,
        exact: tuple[float, float] | None = None,
    ) -> None:
        """Write the estimate of the rows ``name`` with its standard error and limits.

        ``is_used``: differences use these limits, and not those of the standard error. ``exact``: they use these.
        """
        value, low, high = (self.column(role) for role in ("value", "low", "high"))
        self.add(
            f"v, l, u = (number({name}[column]) for column in ({value}, {low}, {high}))\n"
            f"w = {name}['weight']\n"
            f"{name}_value = (w * v).sum()\n"
            f"{name}_se = np.sqrt((w**2 * standard_error(v, l, u) ** 2).sum())\n"
            + (
                f"{name}_low, {name}_high = l.iloc[0], u.iloc[0]  # of one period, as published"
                if is_published
                else f"{name}_low, {name}_high = limits({name}_value, {name}_se)"
            ),
            f"v <- number({name}[[{value}]]); l <- number({name}[[{low}]]); u <- number({name}[[{high}]])\n"
            f"w <- {name}$weight\n"
            f"{name}_value <- sum(w * v)\n"
            f"{name}_se <- sqrt(sum(w^2 * standard_error(v, l, u)^2))\n"
            + (
                f"{name}_low <- l[1]; {name}_high <- u[1]  # of one period, as published"
                if is_published
                else f"ends <- limits({name}_value, {name}_se); {name}_low <- ends[1]; {name}_high <- ends[2]"
            ),
        )
        if exact is not None:
            told = f"{exact[0]!r}, {exact[1]!r}"
            note = "# on each side the wider of the limits and those of Korn and Graubard (beta quantiles)"
            self.add(f"{name}_limits = {told}  {note}", f"{name}_limits <- c({told})  {note}")
        elif is_used:
            self.add(f"{name}_limits = {name}_low, {name}_high", f"{name}_limits <- c({name}_low, {name}_high)")
        else:
            self.add(
                f"{name}_limits = limits({name}_value, {name}_se)  # the published ones are rounded too coarsely",
                f"{name}_limits <- limits({name}_value, {name}_se)  # the published ones are rounded too coarsely",
            )

    def mover(self, one: str, other: str) -> None:
        """Write the difference of two estimates, with its interval and p, by MOVER."""
        self.add(
            f"{_PYTHON_MOVER}\n\n"
            f"d, d_low, d_high = difference({one}_value, {one}_limits, {other}_value, {other}_limits)\n"
            f"p = p_value({one}_value, {one}_limits, {other}_value, {other}_limits)",
            f"{_R_MOVER}\n"
            f"d <- difference({one}_value, {one}_limits, {other}_value, {other}_limits)\n"
            f"p <- p_value({one}_value, {one}_limits, {other}_value, {other}_limits)",
        )


def common_labels(snapshot: Snapshot, cells: Integers) -> dict[str, list[Any]]:
    """Return the labels that distinguish some cells from all others; axes that do not help are left out."""
    cube = snapshot.cube
    keys = cube.pick(cells).keys
    questions = np.unique(keys[:, 0]).tolist()
    found: dict[str, list[Any]] = {}
    if len(questions) < len(cube.labels.questions):
        found["question"] = [cube.labels.questions[code] for code in questions]
    every = np.concatenate([keys[:0], *(cube.block(question).cells.keys for question in questions)])
    left = np.ones(len(every), dtype=bool)
    for index, axis in list(enumerate(AXES))[1:]:
        codes = np.unique(keys[:, index])
        here = np.isin(every[:, index], codes)
        if (left & ~here).any():
            left &= here
            labels = getattr(cube.labels, AXES[axis])
            found[axis] = ["" if code == ABSENT else labels[code] for code in codes.tolist()]
    return found


def _encoding(name: str) -> str:
    return "utf-8-sig" if is_utf8(name) else name


def _text(text: str) -> str:
    # JSON's quoting is Python's and R's too, for what is in names of columns and places.
    return json.dumps(text, ensure_ascii=False)


def _literal(value: Any) -> str:
    return _text(value) if isinstance(value, str) else repr(value)


def _texts(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"


def _vector(texts: Sequence[str]) -> str:
    return f"c({', '.join(map(_text, texts))})"


_PYTHON_BEGIN = "import math\n\nimport numpy as np\nimport pandas as pd\n"

_PYTHON_LOGIT = """\
def logit(percent):
    return np.log(percent / (100 - percent))


def standard_error(v, low, high):
    width = (logit(high) - logit(low)) / (2 * Z)
    return np.sqrt((v * (1 - v / 100) * width) ** 2 + STEP**2 / 12)


def limits(v, se, z=Z):
    width = z * se / (v * (1 - v / 100))
    return 100 / (1 + np.exp(-(logit(v) - width))), 100 / (1 + np.exp(-(logit(v) + width)))


def limits_at(v, ends, z):
    if ends[0] == ends[1]:  # known without error
        return ends
    return tuple(100 / (1 + np.exp(-(logit(v) + z / Z * (logit(end) - logit(v))))) for end in ends)

"""
_R_LOGIT = """\
logit <- function(percent) log(percent / (100 - percent))
standard_error <- function(v, low, high) {
  width <- (logit(high) - logit(low)) / (2 * Z)
  sqrt((v * (1 - v / 100) * width)^2 + STEP^2 / 12)
}
limits <- function(v, se, z = Z) {
  width <- z * se / (v * (1 - v / 100))
  100 / (1 + exp(-(logit(v) + c(-1, 1) * width)))
}
limits_at <- function(v, ends, z) {
  if (ends[1] == ends[2]) return(ends)  # known without error
  100 / (1 + exp(-(logit(v) + z / Z * (logit(ends) - logit(v)))))
}
"""
_PYTHON_LINEAR = """\
def standard_error(v, low, high):
    return np.sqrt(((high - low) / (2 * Z)) ** 2 + STEP**2 / 12)


def limits(v, se, z=Z):
    return v - z * se, v + z * se


def limits_at(v, ends, z):
    return tuple(v + z / Z * (end - v) for end in ends)

"""
_R_LINEAR = """\
standard_error <- function(v, low, high) sqrt(((high - low) / (2 * Z))^2 + STEP^2 / 12)
limits <- function(v, se, z = Z) c(v - z * se, v + z * se)
limits_at <- function(v, ends, z) v + z / Z * (ends - v)
"""
_PYTHON_LOG = """\
def standard_error(v, low, high):
    return np.sqrt((v * np.log(high / low) / (2 * Z)) ** 2 + STEP**2 / 12)


def limits(v, se, z=Z):
    return v * np.exp(-z * se / v), v * np.exp(z * se / v)


def limits_at(v, ends, z):
    return tuple(v * (end / v) ** (z / Z) for end in ends)

"""
_R_LOG = """\
standard_error <- function(v, low, high) sqrt((v * log(high / low) / (2 * Z))^2 + STEP^2 / 12)
limits <- function(v, se, z = Z) v * exp(c(-1, 1) * z * se / v)
limits_at <- function(v, ends, z) v * (ends / v)^(z / Z)
"""
_ON_SCALE = {
    Scale.LOGIT: (_PYTHON_LOGIT, _R_LOGIT),
    Scale.LOG: (_PYTHON_LOG, _R_LOG),
    Scale.LINEAR: (_PYTHON_LINEAR, _R_LINEAR),
}
_PYTHON_MOVER = '''

def difference(v1, limits1, v2, limits2, z=Z):
    (l1, u1), (l2, u2) = limits_at(v1, limits1, z), limits_at(v2, limits2, z)
    d = v1 - v2
    return d, d - math.hypot(v1 - l1, u2 - v2), d + math.hypot(u1 - v1, v2 - l2)


def p_value(v1, limits1, v2, limits2):
    """The level at which the interval touches no difference: z by halving, then two tails of the normal."""
    if v1 < v2:
        v1, limits1, v2, limits2 = v2, limits2, v1, limits1
    low, high = 0.0, 38.0
    for _ in range(200):
        z = (low + high) / 2
        low, high = (z, high) if difference(v1, limits1, v2, limits2, z)[1] > 0 else (low, z)
    return math.erfc(low / math.sqrt(2))
'''
_R_MOVER = """\
difference <- function(v1, limits1, v2, limits2, z = Z) {
  a <- limits_at(v1, limits1, z); b <- limits_at(v2, limits2, z); d <- v1 - v2
  c(d, d - sqrt((v1 - a[1])^2 + (b[2] - v2)^2), d + sqrt((a[2] - v1)^2 + (v2 - b[1])^2))
}
p_value <- function(v1, limits1, v2, limits2) {
  if (v1 < v2) return(p_value(v2, limits2, v1, limits1))
  low <- 0; high <- 38
  for (step in 1:200) {
    z <- (low + high) / 2
    if (difference(v1, limits1, v2, limits2, z)[2] > 0) low <- z else high <- z
  }
  2 * pnorm(-low)
}
"""
