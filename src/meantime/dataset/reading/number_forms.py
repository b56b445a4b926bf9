"""How numbers are written in a column: the facts about its texts, and which mark is the decimal one.

The *shape* of a text has a 0 for each digit: "2,288" and "1,047" have the shape "0,000". A column has few shapes
however many rows it has, and the shapes of a table are the union of those of its parts, so that a table cut anywhere is
decided as a whole. Only two marks can be mistaken for each other, the comma and the point:

* "0,5", "12,25" and "1234,567": the comma can only be the decimal mark.
* "1,234,567" and "1,234.5": it can only separate thousands.
* "2,288": it can be either. Beside "194" it separates thousands, since a column with decimals would have "194,000", or
  now and then a number with fewer decimals. Without such a number nothing shows which, and Meantime asks.
* "2.288": a decimal. But beside "194", of people, and in a table whose fields are separated by semicolons, as where the
  comma is the decimal mark, it can be either as well.

Spaces and apostrophes between groups of three digits can only separate thousands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from meantime.dataset.reading.values import SPACES
from meantime.text import quoted

# Spaces that separate thousands: plain, no-break, narrow no-break, thin and figure space. And apostrophes.
THOUSANDS_SPACES = " \u00a0\u202f\u2009\u2007"
APOSTROPHES = "'\u2019"

# Flags before a number: marks, as the Australian Bureau of Statistics writes them, "p" (provisional), "r" (revised).
# And the sign of margins of error, as the Census Bureau writes it.
LEADING_FLAG = "[*\u2020\u2021#^~\u2248]{1,2}|[pr](?=[0-9])|\u00b1|[+]/?-"
# Longer texts are no numbers, nor numbers with a flag or an interval.
_LONGEST = 60
# How many shapes of a column are kept, the first by order: a column of numbers has dozens, a column of arbitrary texts
# as many as it has rows.
MOST_SHAPES = 2_000
# Before a shape: its text begins with the digit 0, which no number with separated thousands does.
_LEADING_ZERO = "z"

Kind = Literal["decimal", "thousands", "either", "short", "long", "neither"]


class Written(NamedTuple):
    """How often a shape occurs."""

    example: str  # the first text by order
    rows: int


# Shape -> its texts.
NumberForms = Mapping[str, Written]


class Marks(NamedTuple):
    """The decimal mark, and what separates thousands besides spaces and apostrophes; "" where nothing else does."""

    decimal: str = "."
    thousands: str = ""


@dataclass(frozen=True, slots=True)
class MarksFound:
    """The marks, or else a text that may be read in two ways; ``warning`` names texts that fit neither."""

    marks: Marks | None
    is_shown: bool = True  # by the texts, or declared; otherwise the column has no number with a mark
    ambiguous: str = ""  # a text that may be read in two ways
    warning: str = ""


def shape_sql(column: str) -> str:
    """Return the SQL of the shape of a column's text: what ``shape`` returns, "" for texts without a digit."""
    text = f"trim({column}, '{_sql_spaces()}')"
    digits = f"translate({text}, '123456789', '000000000')"
    return (
        f"CASE WHEN NOT contains({digits}, '0') OR length({text}) > {_LONGEST} THEN '' "
        f"WHEN starts_with(ltrim({text}, '+-'), '0') THEN '{_LEADING_ZERO}' || {digits} ELSE {digits} END"
    )


def shape(text: str) -> str:
    """Return the shape of a text.

    >>> shape(" 2,288 "), shape("-0.5"), shape("38.1 e"), shape("n/a")
    ('0,000', 'z-0.0', '00.0 e', '')
    """
    text = text.strip(SPACES)
    digits = text.translate(_DIGITS)
    if "0" not in digits or len(text) > _LONGEST:
        return ""
    return _LEADING_ZERO + digits if text.lstrip("+-").startswith("0") else digits


def forms_of(texts: Iterable[str]) -> dict[str, Written]:
    """Return the forms of some texts, each counted as one row."""
    found: dict[str, Written] = {}
    for text in texts:
        of_text = {shape(text): Written(text, 1)}
        found = join_forms(found, of_text)
    return found


def join_forms(*parts: NumberForms) -> dict[str, Written]:
    """Return the forms of a column from those of its parts, in any order."""
    joined: dict[str, Written] = {}
    for part in parts:
        for each, (example, rows) in part.items():
            known = joined.get(each)
            joined[each] = Written(min(example, known.example), rows + known.rows) if known else Written(example, rows)
    return {each: joined[each] for each in sorted(joined)[:MOST_SHAPES]}


def find_marks(
    forms: NumberForms,
    *,
    decimal: str | None = None,
    thousands: str | None = None,
    otherwise: Marks | None = None,
    whole: bool = False,
    semicolons: bool = False,
) -> MarksFound:
    """Decide which mark is the decimal one in a column of these forms.

    ``decimal`` and ``thousands`` are declared by people. ``otherwise`` is what other columns of the table have, for a
    column that does not show it. ``whole``: the column has whole numbers, such as people asked. ``semicolons``
    separate the fields of the table.

    >>> [find_marks(forms_of(texts)).marks for texts in (["2,288", "194"], ["1.234.567"], ["41,5", "1.500"], ["0.5"])]
    [Marks(decimal='.', thousands=','), Marks(decimal=',', thousands='.'), Marks(decimal=',', thousands='.'), \
Marks(decimal='.', thousands=',')]
    >>> find_marks(forms_of(["2,288", "1,047"]))
    MarksFound(marks=None, is_shown=False, ambiguous='1,047', warning='')
    >>> points = forms_of(["2.288", "1.047"])
    >>> find_marks(points).marks, find_marks(points, semicolons=True).ambiguous
    (Marks(decimal='.', thousands=','), '1.047')
    """
    if decimal or thousands in (",", "."):
        mark = decimal or _other(str(thousands))
        separator = _other(mark) if thousands is None or thousands == _other(mark) else ""
        return MarksFound(Marks(mark, separator))
    votes = _Votes(forms)
    comma = votes.first("decimal", ",") or votes.first("thousands", ".")
    point = votes.first("decimal", ".") or votes.first("thousands", ",")
    if comma and point:
        return MarksFound(
            Marks("."),
            warning=f"The comma is the decimal mark in {quoted(comma)}, and cannot be in {quoted(point)}. Numbers with "
            'a comma are not read. If it is the decimal mark, write decimal_mark = "," in the TOML file next to the '
            "data.",
        )
    if comma or point:
        return MarksFound(Marks(",", ".") if comma else Marks(".", ","))
    comma, point = votes.first("either", ","), votes.first("either", ".")
    if not comma and not point:
        return MarksFound(otherwise or Marks(".", ","), is_shown=False)
    if comma and point:
        return MarksFound(None, is_shown=False, ambiguous=min(comma, point))
    mark, text = (",", comma) if comma else (".", point)
    if whole and mark == ",":
        return MarksFound(Marks(".", ","))
    if votes.are_thousands and (mark == "," or whole):
        return MarksFound(Marks(_other(mark), mark))
    if otherwise:
        return MarksFound(otherwise)
    if mark == "." and not (votes.are_thousands or semicolons or whole):
        return MarksFound(Marks(".", ","))
    return MarksFound(None, is_shown=False, ambiguous=text)


def kinds(token: str) -> dict[str, Kind]:
    """Return what each mark of a number's shape can be; the key of a number without marks is "".

    >>> kinds("00,0"), kinds("0,000"), kinds("0.000,0"), kinds("z0,000"), kinds("000")
    ({',': 'decimal'}, {',': 'either'}, {',': 'decimal', '.': 'thousands'}, {',': 'decimal'}, {'': 'short'})
    """
    number = token.removeprefix(_LEADING_ZERO).lstrip("+-\u2212")
    number, _, exponent = number.lower().partition("e")
    grouped = False
    for space in (*THOUSANDS_SPACES, *APOSTROPHES):
        if space in number:
            whole, mark, fraction = _split_at_last(number, ",.") if re.search("[,.]", number) else (number, "", "")
            if not re.fullmatch(rf"0{{1,3}}(?:{re.escape(space)}000)+", whole):
                return {"": "neither"}
            number, grouped = whole.replace(space, "") + mark + fraction, True
    marks = re.sub("[^.,]", "", number)
    if not re.fullmatch("[0.,]*0[0.,]*", number):
        return {"": "neither"}
    if not marks:
        is_zero = token.startswith(_LEADING_ZERO) and len(number) == 1
        return {"": "neither" if is_zero else "long" if len(number) > 3 else "short"}
    whole, last, fraction = _split_at_last(number, ",.")
    if len(set(marks)) == 2:
        others = marks[:-1]
        is_right = len(set(others)) == 1 and _is_grouped(whole, others[0]) and others[0] != last
        return {last: "decimal", others[0]: "thousands"} if is_right else {"": "neither"}
    if len(marks) > 1:
        return {last: "thousands"} if _is_grouped(number, last) and not exponent else {"": "neither"}
    if not fraction:
        return {"": "neither"}
    may_be_thousands = _is_grouped(number, last) and not (exponent or grouped or token.startswith(_LEADING_ZERO))
    return {last: "either" if may_be_thousands else "decimal"}


class _Votes:
    """For each kind and mark, the first text that shows it."""

    def __init__(self, forms: NumberForms) -> None:
        self._first: dict[tuple[Kind, str], str] = {}
        for each, (example, _) in forms.items():
            for token in tokens(each):
                for mark, kind in kinds(token).items():
                    known = self._first.get((kind, mark))
                    self._first[kind, mark] = example if known is None else min(known, example)

    def first(self, kind: Kind, mark: str) -> str:
        return self._first.get((kind, mark), "").strip(SPACES)

    @property
    def are_thousands(self) -> bool:
        """Whether numbers without a mark show that the mark of the others separates thousands."""
        return ("short", "") in self._first and ("long", "") not in self._first


def tokens(of_shape: str) -> Sequence[str]:
    """Return the numbers of a shape that show its marks: the first, or those of an interval without a value.

    >>> tokens("00.0 (00.0, 00.0)"), tokens("[0,000-0,000]"), tokens("00,0-00,0"), tokens("0000-00-00")
    (['00.0'], ['0,000', '0,000'], ['00,0', '00,0'], [])
    >>> tokens("*00.0"), tokens("p00")
    (['00.0'], ['00'])
    """
    of_shape = _LEADING_FLAG.sub("", of_shape)
    if not (match := _SIMPLE.match(of_shape)):
        return [each for each in _BETWEEN.split(of_shape.strip("()[]")) if each] if of_shape[:1] in "([" else []
    rest = of_shape[match.end() :]
    if not rest or rest.lstrip(THOUSANDS_SPACES)[:1] not in ("-", "\u2013", "\u2014", "\u2212"):
        return [match[0]]
    parts = _BETWEEN.split(of_shape)
    return parts if len(parts) == 2 and all(map(_SIMPLE.fullmatch, parts)) else []


_DIGITS = str.maketrans("123456789", "000000000")
_NUMBER = rf"z?[+\-\u2212]?[0.,](?:[0.,{THOUSANDS_SPACES}{APOSTROPHES}]*[0.,])?(?:[eE][+-]?0+)?"
_SIMPLE = re.compile(_NUMBER)
_LEADING_FLAG = re.compile(rf"^(?:{LEADING_FLAG})[{THOUSANDS_SPACES}]*")
_BETWEEN = re.compile(rf"[{THOUSANDS_SPACES}]*(?:[\-\u2013\u2014;]|, |\bto\b)[{THOUSANDS_SPACES}]*")


def _other(mark: str) -> str:
    return "," if mark == "." else "."


def _is_grouped(number: str, mark: str) -> bool:
    """Whether a mark separates groups of three digits; or, as in India, of two and at last of three."""
    at = re.escape(mark)
    return bool(re.fullmatch(rf"0{{1,3}}(?:{at}000)+|0{{1,2}}(?:{at}00)+{at}000", number))


def _split_at_last(number: str, marks: str) -> tuple[str, str, str]:
    at = max(number.rfind(mark) for mark in marks)
    return number[:at], number[at], number[at + 1 :]


def _sql_spaces() -> str:
    return SPACES.replace("'", "''")
