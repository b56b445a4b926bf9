"""Published numbers that cannot be right, and numbers that are probably not what they seem.

*Impossible*: limits that exclude their value or are reversed, a percent below 0 or above 100, less than one
respondent. Such cells are shown with a flag, and left out of tests. *Implausible*: limits without width, limits that
do not fit the respondents (an implied design effect outside 0.3 to 30), percents none of which is larger than 1. Such
cells stay in, and a warning says what may be the cause. The same checks are made of a whole table when it is read, and
of the cells that an answer is based on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import ABSENT, AXES, Cube, Doubles, Integers
from meantime.dataset.moments import distinct
from meantime.dataset.snapshot import QuestionMetadata
from meantime.text import PERCENT, listed, quoted

Booleans = npt.NDArray[np.bool_]

_QUESTION, _VALUE_TYPE = list(AXES).index("question"), list(AXES).index("value_type")

# The design effects of published surveys are between about 1 and 6.
LEAST_DESIGN_EFFECT, MOST_DESIGN_EFFECT = 0.3, 30.0
_Z95 = 1.959963984540054
# So few percents of at most 1 may all be rare.
_LEAST_PROPORTIONS = 3

_IMPOSSIBLE = {
    "excluded": "the limits exclude the value",
    "reversed": "the lower limit is above the upper limit",
    "no percent": "a percent is below 0 or above 100",
    "respondents": "there is less than one respondent",
}
_IMPLAUSIBLE = {
    "no width": "The limits have no width. Large samples may be rounded so; no standard error is taken from them.",
    "narrow": "The limits are much narrower than the respondents allow (implied design effect below "
    f"{LEAST_DESIGN_EFFECT:g}). They may be standard errors or limits of a lower level than 95%, or the column of "
    "respondents may be a population.",
    "wide": "The limits are much wider than the respondents imply (implied design effect above "
    f"{MOST_DESIGN_EFFECT:g}). They may be of a higher level than 95%, or the respondents of another group.",
    "proportions": "No value of this question is larger than 1%. If they are proportions, multiply them by 100.",
    "suppressed": "The footnote says that there is no value. If so, leave the value empty in the file.",
    "code": "A number so far from all others usually stands for a missing value. If it does, write "
    "missing = [{value}] in the TOML file next to the data.",
}
# Numbers that files write where there is none: all nines, eights and so on, from two digits, and 99.9; or one digit,
# where no number of several is negative.
_CODES = np.array(
    [sign * int(digit * length) for sign in (-1, 1) for digit in "56789" for length in range(2, 10)]
    + [
        sign * float("9" * length + "." + "9" * digits)
        for sign in (-1, 1)
        for length in range(2, 8)
        for digits in (1, 2)
    ]
)
_LEAST_CODE = _CODES[_CODES > 0].min()
_SHORT_CODES = (-7.0, -8.0, -9.0)
_LEAST_OTHERS = 3
_SUPPRESSED = re.compile(r"\b(?:suppressed|withheld|(?:not|no data) available|not reported)\b", re.IGNORECASE)
_FAR = 10  # times the largest of the others
# Of the values that have a problem: so many are looked at of a part of the table, and so many are listed.
_VALUES_SEEN, _VALUES_LISTED = 100, 5


class DataProblem(NamedTuple):
    """One kind of problem, and the cells that have it."""

    kind: str
    cells: Integers  # indexes in the cube's cells

    @property
    def is_impossible(self) -> bool:
        """Whether the numbers cannot be right."""
        return self.kind in _IMPOSSIBLE


def data_problems(cube: Cube, questions: Sequence[QuestionMetadata], cells: Integers) -> list[DataProblem]:
    """Return the problems of some cells, the impossible ones first."""
    picked = cube.pick(cells)
    is_published = (picked.count > 0) & (picked.rows - picked.copies == 1)
    if not is_published.all():
        cells = cells[is_published]
        picked = cube.pick(cells)
    is_percent = _is_percent(cube, questions, picked.keys)
    value = picked.means
    low, high, respondents = picked.low, picked.high, picked.sample_size
    with np.errstate(invalid="ignore"):
        is_reversed = low > high
        kinds = {
            "excluded": ~is_reversed & ((low > value) | (high < value)),
            "reversed": is_reversed,
            "no percent": is_percent & ((value < 0) | (value > 100)),
            "respondents": respondents < 1,
        }
        possible = ~np.logical_or.reduce(list(kinds.values()))
        step = 10.0**-cube.scale
        narrowest, widest = (_design_effect(value, high - low + off, respondents) for off in (-step, step))
        has_width = possible & (high > low)
        kinds |= {
            "no width": possible & (low == high),
            # Beyond what rounding explains.
            "narrow": is_percent & has_width & (widest < LEAST_DESIGN_EFFECT),
            "wide": is_percent & has_width & (narrowest > MOST_DESIGN_EFFECT),
            "suppressed": _are_suppressed(cube, picked.footnote),
            "code": _are_codes(picked.keys[:, _QUESTION], value),
            "proportions": _are_proportions(cube, questions, picked.keys, is_percent & possible, value),
        }
    return [DataProblem(kind, cells[has_it]) for kind, has_it in kinds.items() if has_it.any()]


def all_plausible(cube: Cube, questions: Sequence[QuestionMetadata], cells: Integers) -> bool:
    """Whether no cell has a problem, whichever of these it is looked at with.

    Of cells of one question and type of value. A code for a missing value is known by the others alone: 99 stands out
    among values below 9.9, so it may be one where there is a value below.
    """
    picked = cube.pick(cells)
    value = picked.means[picked.count > 0]
    codes = value[np.isin(value, _CODES)]
    if (value < 0).any() or (len(codes) and codes.max() > _FAR * value.min()):
        return False
    return not data_problems(cube, questions, cells)


class ProblemCounts:
    """How many cells have each kind of problem, with an example: of a table whose cells are not in memory together."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._values: dict[str, set[float]] = {}  # of the first cells that have it

    def add(self, cube: Cube, problems: Sequence[DataProblem]) -> None:
        """Count the problems of some of the table's cells."""
        for problem in problems:
            self._numbers[problem.kind] += len(problem.cells)
            self._examples.setdefault(problem.kind, _example(cube, int(problem.cells[0])))
            self._values.setdefault(problem.kind, set()).update(cube.pick(problem.cells[:_VALUES_SEEN]).means.tolist())

    def warnings(self) -> list[str]:
        """Say what the problems are, the impossible ones first, each with how many values have it and an example."""
        return [
            _warning(kind, self._numbers[kind], self._examples[kind], _listed_values(self._values[kind]))
            for kind in (*_IMPOSSIBLE, *_IMPLAUSIBLE)
            if kind in self._examples
        ]


def problem_warnings(cube: Cube, problems: Sequence[DataProblem]) -> list[str]:
    """Say what the problems of some cells are.

    >>> from meantime.dataset.samples import survey_example
    >>> about = survey_example.snapshot()
    >>> problem_warnings(about.cube, [DataProblem("excluded", np.array([0]))])[0].partition(" (")[0]
    '1 value is impossible: the limits exclude the value'
    """
    counts = ProblemCounts()
    counts.add(cube, problems)
    return counts.warnings()


def _listed_values(values: Collection[float]) -> str:
    """Write the values that a line of TOML lists.

    >>> _listed_values({999999.0, -9999.0})
    '-9999, 999999'
    """
    return ", ".join(f"{value:.15g}" for value in sorted(values)[:_VALUES_LISTED])


def _warning(kind: str, number: int, example: str, value: str) -> str:
    subject = "1 value is" if number == 1 else f"{number:,} values are"
    if kind not in _IMPOSSIBLE:
        return f"{subject} implausible (for example {example}). {_IMPLAUSIBLE[kind].format(value=value)}"
    them = "It is" if number == 1 else "They are"
    return f"{subject} impossible: {_IMPOSSIBLE[kind]} (for example {example}). {them} flagged and not tested."


def impossible_cells(problems: Sequence[DataProblem]) -> Integers:
    """Return the cells whose numbers cannot be right."""
    parts = [problem.cells for problem in problems if problem.is_impossible]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)


def _are_suppressed(cube: Cube, footnote: Integers) -> Booleans:
    """Mark the values whose footnote says that they are suppressed or not available."""
    # Most often there is none, and no footnote is read.
    if (footnote == ABSENT).all():
        return np.zeros(len(footnote), dtype=np.bool_)
    codes = [code for code, text in enumerate(cube.labels.footnotes) if _SUPPRESSED.search(text)]
    return np.isin(footnote, codes)


def _are_codes(question: Integers, value: Doubles) -> Booleans:
    """Mark the values that are probably codes for missing ones: far from all others of their question.

    A negative number of equal digits is one where no other value is negative, even if there is no other value; of one
    digit, beside some others.

    >>> _are_codes(np.array([0, 0, 1, 1, 2]), np.array([12.5, -999999.0, -99.0, -3.0, 999.0])).tolist()
    [False, True, True, False, False]
    >>> _are_codes(np.zeros(6), np.array([12.5, 9999.9, -9.0, 1.0, 2.0, 9999.9])).tolist()
    [False, True, True, False, False, True]
    """
    found = np.zeros(len(value), dtype=bool)
    # Most often none is. Values are looked up only where they may be codes: for all of them it takes long.
    may_be = np.flatnonzero((value < 0) | (value >= _LEAST_CODE))
    is_suspicious = np.isin(value[may_be], _CODES) | (value[may_be] < 0)
    if not is_suspicious.any():
        return found
    suspicious = np.unique(question[may_be[is_suspicious]])
    order = np.argsort(question, kind="stable")
    starts, ends = (np.searchsorted(question[order], suspicious, side=side) for side in ("left", "right"))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        own = order[start:end]
        numbers = value[own]
        is_code = np.isin(numbers, _CODES)
        for number in {*numbers[is_code].tolist(), float(np.nanmin(numbers))}:
            others = numbers[(numbers != number) & ~is_code]
            is_far = len(others) > 0 and abs(number) > _FAR * np.abs(others).max()
            is_only_negative = number < 0 and not (others < 0).any()
            is_short = number in _SHORT_CODES and len(others) >= _LEAST_OTHERS
            if (is_far and number in _CODES) or (is_only_negative and (is_far or is_short or number in _CODES)):
                found[own] |= numbers == number
    return found


def _is_percent(cube: Cube, questions: Sequence[QuestionMetadata], keys: Integers) -> Booleans:
    """Mark the cells of percents. Only their own questions are looked at: a table may have a hundred thousand."""
    present, at = distinct(keys[:, _QUESTION])
    units = [questions[question].unit for question in present.tolist()]
    is_known = np.array([bool(unit) for unit in units], dtype=bool)
    of_question = np.array([unit == PERCENT for unit in units], dtype=bool)
    of_type = np.array([kind.unit == PERCENT for kind in cube.labels.value_types], dtype=bool)
    return np.where(is_known[at], of_question[at], of_type[keys[:, _VALUE_TYPE]])


def _design_effect(value: Doubles, width: Doubles, respondents: Doubles) -> Doubles:
    """Return the implied design effect of percents from 1 to 99; NaN for others."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        se = np.maximum(width, 0) / (2 * _Z95)
        implied = se**2 * respondents / (value * (100 - value))
    return np.where((value >= 1) & (value <= 99), implied, np.nan)


def _are_proportions(
    cube: Cube, questions: Sequence[QuestionMetadata], keys: Integers, is_asked: Booleans, value: Doubles
) -> Booleans:
    """Mark those of some cells, of percents, whose question has no value above 1, in none of its cells."""
    code = keys[:, _QUESTION]
    asked, above = (np.bincount(code[which], minlength=1) > 0 for which in (is_asked, is_asked & (value > 1)))
    asked[: len(above)] &= ~above
    # Most often there is none, and no more cells are looked at.
    of_proportions = [each for each in np.flatnonzero(asked).tolist() if _is_of_proportions(cube, questions, each)]
    return is_asked & np.isin(code, of_proportions) if of_proportions else np.zeros_like(is_asked)


def _is_of_proportions(cube: Cube, questions: Sequence[QuestionMetadata], question: int) -> bool:
    cells = cube.block(question).cells
    own = (cells.moments.count > 0) & _is_percent(cube, questions, cells.keys)
    values = cells.moments.means(cube.scale, own)
    return len(values) >= _LEAST_PROPORTIONS and bool((values > 0).any()) and not (values > 1).any()


def _example(cube: Cube, cell: int) -> str:
    labels, picked = cube.labels, cube.pick(np.array([cell]))
    codes = dict(zip(AXES, picked.keys[0].tolist(), strict=True))
    when = ""
    if codes["period"] != ABSENT:
        first, last = labels.periods[codes["period"]]
        when = f" in {first}" if first == last else f" in {first}-{last}"
    stratum = "" if codes["stratum"] == ABSENT else f", {labels.strata[codes['stratum']]}"
    value = float(picked.means[0])
    numbers = [f"value {value:g}"]
    low, high, respondents = (float(array[0]) for array in (picked.low, picked.high, picked.sample_size))
    if low == low or high == high:
        numbers.append(f"limits {_number(low)} and {_number(high)}")
    if respondents == respondents:
        numbers.append(f"respondents {respondents:,.0f}")
    return f"{quoted(labels.locations[codes['location']])}{stratum}{when}: {listed(numbers)}"


def _number(number: float) -> str:
    return f"{number:.6g}" if number == number else "missing"
