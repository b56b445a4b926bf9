"""How numbers, intervals, years, names and lists are written for people: one rule for sentences, charts and tables.

Percents and percentage points have one decimal, percentage points a year two. All other values (rates, counts, means,
ages, ratios) have as many decimals as the largest of those written together needs: none from 1,000 on, one from 10 on,
two from 1 on, and below that two significant digits. Thousands have commas, and the minus sign is U+2212.

Data keeps every digit and a hyphen. The explorer writes by the same rule (``format.js``), in the reader's own locale;
one table of cases tests both.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal

PERCENT = "percent"
POINTS = "percentage points"
POINTS_A_YEAR = "percentage points a year"

_DECIMALS = {PERCENT: 1, POINTS: 1, POINTS_A_YEAR: 2}
# Beyond these, zeros would be all that one sees of a number.
_DECIMALS_AT_MOST = 7
_DIGITS_AT_MOST = 15
_IS_P = re.compile(r"(^|_)p(_adjusted)?$")
_IS_YEAR = re.compile("year|period")

# Control characters of both kinds, which can command a terminal or end a line; the separators that end a line for some
# readers; marks that turn the direction of writing, or hide a text; halves of characters, which cannot be written.
ACTING = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
_ACTING = re.compile(f"[{ACTING}]")

# A dozen names are read; of more, how many there are is enough.
_NAMES_LISTED = 12
# What was sent is repeated in the reason, so that its sender knows it; a megabyte of it would help nobody.
_QUOTED_CHARACTERS = 200
_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}


# Numbers


def decimals(values: Iterable[float | None], unit: str | None = None) -> int:
    """Return how many decimals values have that are written together, such as a column or both ends of an interval.

    A percent that one decimal would round to 0 is written as a value without a unit is.

    >>> decimals([31.04, 8.2], "percent"), decimals([0.7], "percentage points a year"), decimals([0.04], "percent")
    (1, 2, 3)
    >>> [decimals([value]) for value in (7312.4, 31.04, 3.1, 0.97, 0.0123, 0.0)]
    [0, 1, 2, 2, 3, 1]
    """
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    fixed = _DECIMALS.get(unit or "")
    if fixed is not None and (_rounded(largest, fixed) or largest < 10**-_DECIMALS_AT_MOST):
        return fixed
    if largest == 0:
        return 1
    exponent = _decimal(largest).adjusted()  # 0 from 1 to below 10, -1 from 0.1 to below 1
    if exponent < 0:
        return 1 - exponent
    return (2, 1, 1)[exponent] if exponent < 3 else 0


def number(value: float, places: int | None = None) -> str:
    """Write a number with so many decimals, or with those that it needs by itself.

    >>> number(7312.4), number(-0.97), number(31.05, 1), number(-0.04, 1), number(3.6e-15), number(1e300)
    ('7,312', '−0.97', '31.1', '0.0', '3.6e−15', '1.0e300')
    """
    places = decimals([value]) if places is None else places
    if places > _DECIMALS_AT_MOST or abs(value) >= 10**_DIGITS_AT_MOST:
        mantissa, exponent = f"{value:.1e}".split("e")
        return _with_minus(f"{mantissa}e{int(exponent)}")
    return _with_minus(f"{_rounded(value, places):,}")


def amount(value: float, unit: str | None = None, *, places: int | None = None) -> str:
    """Write a value with its unit.

    >>> amount(31.04, "percent"), amount(-3.14, "percentage points"), amount(3.14, "cups"), amount(3.14)
    ('31.0%', '−3.1 percentage points', '3.14 cups', '3.14')
    """
    written = number(value, decimals([value], unit) if places is None else places)
    if not unit:
        return written
    return f"{written}%" if unit == PERCENT else f"{written} {unit}"


def interval(low: float, high: float, unit: str | None = None, *, level: int = 95, places: int | None = None) -> str:
    """Write a confidence interval, both ends with as many decimals.

    >>> interval(29.96, 32.1, "percent"), interval(-0.3, 12.0), interval(0.68, 0.9, level=90)
    ('95% CI 30.0 to 32.1', '95% CI −0.3 to 12.0', '90% CI 0.68 to 0.90')
    """
    places = decimals([low, high], unit) if places is None else places
    return f"{level}% CI {number(low, places)} to {number(high, places)}"


def with_interval(
    value: float, low: float | None, high: float | None, unit: str | None = None, *, kind: str = ""
) -> str:
    """Write a value with its interval in parentheses; alone where it has none. ``kind`` says what interval it is.

    >>> with_interval(31.04, 29.96, 32.1, "percent"), with_interval(31.04, None, None, "percent")
    ('31.0% (95% CI 30.0 to 32.1)', '31.0%')
    >>> with_interval(3.14, 1.94, 10.26, "cups", kind="unadjusted")
    '3.1 cups (unadjusted 95% CI 1.9 to 10.3)'
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return amount(value, unit)
    places = decimals([value, low, high], unit)
    named = f"{kind} " if kind else ""
    return f"{amount(value, unit, places=places)} ({named}{interval(low, high, places=places)})"


def p_value(p: float) -> str:
    """Write a p-value: two decimals, three where it is small; one below 0.05 never reads as 0.05.

    >>> [p_value(p) for p in (0.5, 0.0312, 0.0496, 0.0042, 1e-9, 0.9999)]
    ['0.50', '0.03', '0.049', '0.004', '<0.001', '>0.99']
    """
    if p < 0.001:
        return "<0.001"
    if p >= 0.995:
        return ">0.99"
    if 0.045 <= p < 0.05:
        return f"{math.floor(p * 1000) / 1000:.3f}"
    return str(_rounded(p, 3 if p < 0.01 else 2))


def p_equals(p: float) -> str:
    """Write a p-value with its sign.

    >>> p_equals(0.0312), p_equals(1e-9)
    ('p = 0.03', 'p < 0.001')
    """
    written = p_value(p)
    return f"p {written[0]} {written[1:]}" if written[0] in "<>" else f"p = {written}"


def share(part: float) -> str:
    """Write a share from 0 to 1 as whole percent; what is not all never reads as all, nor something as nothing.

    >>> share(0.924), share(0.999), share(0.001), share(1.0)
    ('92%', '>99%', '<1%', '100%')
    """
    if 0 < part < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= part < 1 else f"{_rounded(100 * part, 0)}%"


def count(things: int, noun: str) -> str:
    """Count things; the noun is in the singular.

    >>> count(1, "other"), count(2000, "row")
    ('1 other', '2,000 rows')
    """
    return f"{things:,} {noun}{'' if things == 1 else 's'}"


def column_format(name: str, unit: str | None, values: Iterable[float | None]) -> Callable[[float], str]:
    """Return how the numbers of a column are written: all with as many decimals, so that one can compare them.

    A column whose name ends in ``p`` or ``p_adjusted`` has p-values; years have no commas.

    >>> [column_format("mean", None, [1200.5, 3.25])(value) for value in (1200.5, 3.25)]
    ['1,201', '3']
    >>> column_format("p_adjusted", None, [0.5])(0.0312), column_format("first_year", None, [2011])(2011)
    ('0.03', '2011')
    """
    if _IS_P.search(name):
        return p_value
    if _IS_YEAR.search(name):
        return str
    numbers = list(values)
    if all(isinstance(value, int) for value in numbers if value is not None):
        return lambda value: _with_minus(f"{value:,}")  # however many digits it has
    places = decimals(numbers, unit)
    return lambda value: number(value, places)


def spreadsheet_format(name: str, unit: str | None, values: Iterable[float | None]) -> str:
    """Return the number format of a spreadsheet's column, by which it shows numbers as ``column_format`` writes them.

    >>> spreadsheet_format("mean", "percent", [31.04]), spreadsheet_format("respondents", None, [2141])
    ('#,##0.0', '#,##0')
    >>> spreadsheet_format("first_year", None, [2011]), spreadsheet_format("p", None, [0.03])
    ('0', '[<0.001]"<0.001";[<0.01]0.000;0.00')
    """
    if _IS_P.search(name):
        return '[<0.001]"<0.001";[<0.01]0.000;0.00'
    if _IS_YEAR.search(name):
        return "0"
    numbers = list(values)
    places = 0 if all(isinstance(value, int) for value in numbers if value is not None) else decimals(numbers, unit)
    return f"#,##0.{'0' * places}" if places else "#,##0"


# Units and years


def unit_of_difference(unit: str | None) -> str | None:
    """Return the unit of a difference: two percents differ by percentage points.

    >>> unit_of_difference("percent"), unit_of_difference("cups")
    ('percentage points', 'cups')
    """
    return POINTS if unit == PERCENT else unit


def unit_a_year(unit: str | None) -> str:
    """Return the unit of a change a year, for a sentence.

    >>> unit_a_year("percent"), unit_a_year("cups"), unit_a_year(None)
    ('percentage points a year', 'cups a year', 'a year')
    """
    return f"{unit_of_difference(unit) or ''} a year".lstrip()


def years(first: int, last: int) -> str:
    """Write a range of years.

    >>> years(2021, 2023), years(2023, 2023)
    ('2021–2023', '2023')
    """
    return str(first) if first == last else f"{first}\N{EN DASH}{last}"


# Names and lists


def ordinal(number: int) -> str:
    """Write a place in an order.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 113)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '113th']
    """
    return f"{number}{'th' if number % 100 in (11, 12, 13) else _SUFFIXES.get(number % 10, 'th')}"


def listed(names: Iterable[str], *, most: int | None = _NAMES_LISTED, conjunction: str = "and") -> str:
    """List names: the first ones, and how many more there are; all of them where ``most`` is None.

    >>> listed(["Guam"]), listed(["Guam", "Ohio"]), listed(["Guam", "Ohio", "Utah"], conjunction="or")
    ('Guam', 'Guam and Ohio', 'Guam, Ohio, or Utah')
    >>> listed(["Guam", "Iowa", "Ohio", "Utah"], most=2), listed(["Dover, Delaware", "Ohio", "Utah"])
    ('Guam, Iowa, and 2 more', 'Dover, Delaware; Ohio; and Utah')
    """
    shown = list(names)
    if most is not None and len(shown) > most:
        shown = [*shown[:most], f"{len(shown) - most:,} more"]
    between = "; " if any(", " in name for name in shown) else ", "
    if len(shown) < 2 or (len(shown) == 2 and between == ", "):
        return f" {conjunction} ".join(shown)
    return f"{between.join(shown[:-1])}{between}{conjunction} {shown[-1]}"


def quoted(name: str, characters: int = _QUOTED_CHARACTERS) -> str:
    r"""Put in quotation marks, cut short, with whatever cannot be seen or written as its escape.

    >>> print(quoted("Utah\n\x00"), quoted("Percent of adults who nap", 10))
    "Utah\n\x00" "Percent of…"
    """
    shown = name[:characters]
    if not shown.isprintable():
        shown = "".join(map(_visible, shown))
    return f'"{shown}…"' if len(name) > characters else f'"{shown}"'


def visible(text: str, *, keep: str = "") -> str:
    r"""Write as escapes the characters that act on the text around them; ``keep`` are some that may.

    For terminals, logs and pages: a name comes from a file or a request that anybody may have made. Markup is for the
    place to escape that knows it, as HTML does.

    >>> print(visible("Utah\x1b[2J\n"), visible("a\u202eb"), visible("a\nb", keep="\n") == "a\nb")
    Utah\x1b[2J\n a\u202eb True
    """
    return _ACTING.sub(lambda match: match[0] if match[0] in keep else _escape(match[0]), text)


def writable(text: str) -> str:
    r"""Return a text that can be written as UTF-8: the name of a file may hold bytes that are no text.

    >>> print(writable("data\udcff.csv"))
    data\udcff.csv
    """
    return text.encode("utf-8", "backslashreplace").decode()


def is_utf8(encoding: str) -> bool:
    """Whether the name of an encoding is one of UTF-8.

    >>> is_utf8("UTF_8"), is_utf8("utf-8-sig"), is_utf8("cp1252")
    (True, True, False)
    """
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")


def json_pointer(key: str) -> str:
    """Return the JSON pointer (RFC 6901) to what an object has under a key; a long key is cut.

    >>> json_pointer("a/b")
    '/a~1b'
    """
    return "/" + key[:_QUOTED_CHARACTERS].replace("~", "~0").replace("/", "~1")


def toml_text(text: str) -> str:
    r"""Return a text as TOML writes it: as JSON does, but for the delete character.

    >>> print(toml_text('café "b"'), toml_text("\x7f"))
    "café \"b\"" "\u007f"
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _rounded(value: float, places: int) -> Decimal:
    """Round as browsers do: the shortest decimal that means this value, ties away from zero. No zero is negative."""
    if abs(value) >= 10**_DIGITS_AT_MOST:
        return _decimal(value)
    rounded = _decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return rounded if rounded else abs(rounded)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))  # float: numpy's numbers have another repr


def _with_minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def _visible(character: str) -> str:
    return character if character.isprintable() else _escape(character)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
