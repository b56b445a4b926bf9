"""How numbers are written, case by case: what ``meantime.text`` writes, and the explorer's ``format.js`` in English."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Case(NamedTuple):
    """A function by its name in Python, what it is called with, and what it writes."""

    function: str
    arguments: Sequence[object]
    written: str


CASES: tuple[Case, ...] = (
    # A value that is neither a percent nor points: as many decimals as its size needs.
    Case("number", [0.97], "0.97"),
    Case("number", [0.0], "0.0"),
    Case("number", [-0.0], "0.0"),
    Case("number", [0.0123], "0.012"),
    Case("number", [0.1], "0.10"),
    Case("number", [1.0], "1.00"),
    Case("number", [9.996], "10.00"),
    Case("number", [10.0], "10.0"),
    Case("number", [312.44], "312.4"),
    Case("number", [999.96], "1,000.0"),
    Case("number", [7312.4], "7,312"),
    Case("number", [1234567.8], "1,234,568"),
    Case("number", [-3.14159], "−3.14"),
    Case("number", [3.6e-15], "3.6e−15"),
    Case("number", [-1e300], "−1.0e300"),
    # Ties go away from zero, of the decimal that one sees and not of the binary number behind it.
    Case("number", [29.95, 1], "30.0"),
    Case("number", [1.005, 2], "1.01"),
    Case("number", [2.5, 0], "3"),
    Case("number", [-2.5, 0], "−3"),
    Case("number", [0.125, 2], "0.13"),
    # What is rounded to zero has no sign.
    Case("number", [-0.04, 1], "0.0"),
    Case("number", [-0.05, 1], "−0.1"),
    Case("number", [1e-9, 3], "0.000"),
    # Percents and percentage points.
    Case("amount", [0.97, "percent"], "1.0%"),
    Case("amount", [31.04, "percent"], "31.0%"),
    Case("amount", [100.0, "percent"], "100.0%"),
    Case("amount", [-3.16, "percentage points"], "−3.2 percentage points"),
    Case("amount", [1234.5, "percent"], "1,234.5%"),
    Case("amount", [0.724, "percentage points a year"], "0.72 percentage points a year"),
    Case("amount", [-0.7, "percentage points a year"], "−0.70 percentage points a year"),
    # One decimal would make nothing of these; what a computation leaves behind is nothing.
    Case("amount", [0.05, "percent"], "0.1%"),
    Case("amount", [0.04, "percent"], "0.040%"),
    Case("amount", [0.004, "percentage points a year"], "0.0040 percentage points a year"),
    Case("amount", [3.6e-15, "percentage points"], "0.0 percentage points"),
    # Other units, and none.
    Case("amount", [0.97, None], "0.97"),
    Case("amount", [3.14, "cups"], "3.14 cups"),
    Case("amount", [412.0, "per 100,000"], "412.0 per 100,000"),
    # Both ends of an interval have as many decimals.
    Case("interval", [29.96, 32.1, "percent"], "95% CI 30.0 to 32.1"),
    Case("interval", [29.96, 32.1, None], "95% CI 30.0 to 32.1"),
    Case("interval", [0.68, 0.9, None], "95% CI 0.68 to 0.90"),
    Case("interval", [-0.5, 12.0, None], "95% CI −0.5 to 12.0"),
    Case("interval", [0.041, 2.0, None], "95% CI 0.04 to 2.00"),
    Case("interval", [-1.06, 0.04, "percentage points"], "95% CI −1.1 to 0.0"),
    Case("interval", [980.0, 1020.0, None], "95% CI 980 to 1,020"),
    Case("interval", [0.5, 0.904, "percentage points a year"], "95% CI 0.50 to 0.90"),
    # p-values.
    Case("p_value", [0.5], "0.50"),
    Case("p_value", [0.0312], "0.03"),
    Case("p_value", [0.0504], "0.05"),
    Case("p_value", [0.0496], "0.049"),
    Case("p_value", [0.0449], "0.04"),
    Case("p_value", [0.01], "0.01"),
    Case("p_value", [0.0042], "0.004"),
    Case("p_value", [0.001], "0.001"),
    Case("p_value", [0.00099], "<0.001"),
    Case("p_value", [0.0], "<0.001"),
    Case("p_value", [0.994], "0.99"),
    Case("p_value", [1.0], ">0.99"),
    # Shares of a whole.
    Case("share", [0.0], "0%"),
    Case("share", [0.001], "<1%"),
    Case("share", [0.005], "1%"),
    Case("share", [0.924], "92%"),
    Case("share", [0.994], "99%"),
    Case("share", [0.999], ">99%"),
    Case("share", [1.0], "100%"),
    # Years.
    Case("years", [2021, 2023], "2021–2023"),
    Case("years", [2023, 2023], "2023"),
    # A column by its name, unit and values; what is written is its first cell.
    Case("column", ["estimate", "percent", [0.97, 31.0]], "1.0"),
    Case("column", ["estimate", None, [0.97, 31.0]], "1.0"),
    Case("column", ["estimate", None, [0.97, None]], "0.97"),
    Case("column", ["slope", "percentage points a year", [0.7]], "0.70"),
    Case("column", ["p_adjusted", None, [0.0312]], "0.03"),
    Case("column", ["gap_p", None, [0.00001]], "<0.001"),
    Case("column", ["p_best", None, [0.25]], "0.25"),
    Case("column", ["first_year", None, [2011]], "2011"),
    Case("column", ["respondents", None, [12345]], "12,345"),
    Case("column", ["mean", None, [3.25, 1200.5]], "3"),
)
