"""What statistics are asked with: the types of parameters, what their texts name, and how they are read from JSON.

A statistic's parameters are a frozen msgspec.Struct. Its fields are texts, numbers, or lists of these; what may be left
out has a default. A field that names something says so in its ``Annotated``, and ``check`` then sees to it
that the snapshot has it::

    location: Annotated[str, Names.LOCATION, msgspec.Meta(description="State, territory or the whole country.")]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from meantime.dataset.cube import Period
from meantime.did_you_mean import closest, suggestion
from meantime.errors import Problem
from meantime.text import json_pointer, ordinal, quoted

# Larger numbers are called a number.
_SHOWN = 10**15
# More of the same kind help nobody.
_MOST_PROBLEMS = 20


class Names(StrEnum):
    """What the text of a parameter names."""

    QUESTION = "question"  # in full, as in the file
    LOCATION = "location"  # likewise, as all labels
    CATEGORY = "category"  # "": the rows that have none
    STRATUM = "stratum"  # likewise
    PERIOD = "period"  # a year, or the first and the last one of a span: all periods that lie within
    COLUMN = "column"  # a column of the answer; with "-" in front where it says the order


class Leaf(NamedTuple):
    """A text somewhere in the parameters that names something."""

    names: Names
    text: str
    pointer: str


QuestionText = Annotated[
    str,
    Names.QUESTION,
    msgspec.Meta(
        description="The question, in full, as in the file.",
        examples=["Percent of adults aged 18 years and older who have obesity"],
    ),
]
LocationName = Annotated[
    str,
    Names.LOCATION,
    msgspec.Meta(
        description='State, territory or the whole country ("National"), as in the file.', examples=["Utah", "National"]
    ),
]

CategoryName = Annotated[
    str,
    Names.CATEGORY,
    msgspec.Meta(description="Stratification category, as in the file.", examples=["Total", "Age (years)"]),
]
StratumName = Annotated[
    str,
    Names.STRATUM,
    msgspec.Meta(description="Group within a stratification category, as in the file.", examples=["Total", "18 - 24"]),
]
Show = Annotated[
    Literal["locations", "figures"],
    msgspec.Meta(
        description="What the rows are: one for each location, or figures about all locations together.",
        examples=["figures"],
    ),
]
_PERIOD = r"^[0-9]{1,9}(-[0-9]{1,9})?$"
# As many digits as a year may have as text: more are none of a calendar, and would not fit where periods are kept.
Year = Annotated[int, msgspec.Meta(ge=0, le=999_999_999)]
PeriodText = Annotated[
    Year | Annotated[str, msgspec.Meta(pattern=_PERIOD)],
    Names.PERIOD,
    msgspec.Meta(
        description="A year, or the first and the last year of a span: all periods that lie within.",
        examples=[2020, "2018-2020"],
    ),
]


def period_of(text: str) -> Period:
    """Read what names a period.

    >>> period_of("2020"), period_of("2018-2020")
    (Period(first=2020, last=2020), Period(first=2018, last=2020))
    """
    first, _, last = text.partition("-")
    return Period(int(first), int(last or first))


def period_text(period: Period) -> str:
    """Write a period as it is named.

    >>> period_text(Period(2018, 2020)), period_text(Period(2020, 2020))
    ('2018-2020', '2020')
    """
    first, last = period
    return f"{first}" if first == last else f"{first}-{last}"


@cache
def fields(parameters: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Return the fields of a type of parameters."""
    return msgspec.structs.fields(parameters)


def described(field: msgspec.structs.FieldInfo) -> tuple[str, Any]:
    """Return the description of a field and its first example, as the JSON Schema has them: 2 ms sooner than that.

    >>> described(msgspec.structs.FieldInfo("location", "location", LocationName))
    ('State, territory or the whole country ("National"), as in the file.', 'Utah')
    """
    metas = [each for each in get_args(field.type) if isinstance(each, msgspec.Meta)]
    description = next(each.description for each in reversed(metas) if each.description)
    example = next(each.examples[0] for each in reversed(metas) if each.examples)
    return description, example


def read(
    statistic: str, parameters: type[msgspec.Struct], raw: Mapping[str, object], *, refuse_unknown: bool
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the values that have the right form, and everything that is wrong with the others.

    Field by field, since converting the whole would stop at the first problem.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in fields(parameters):
        if field.name not in raw:
            if field.required:
                problems.append(_missing(statistic, parameters, field.name))
            continue
        try:
            values[field.name] = msgspec.convert(raw[field.name], field.type)
        except msgspec.ValidationError:
            wrong = _wrong(field.type, raw[field.name], f"/{field.name}", f'"{field.name}"')
            problems += capped(wrong, f"/{field.name}")
    if refuse_unknown:
        known = tuple(field.name for field in fields(parameters))
        problems += capped((_unknown_key(statistic, key, known) for key in raw if key not in known), "")
    return values, problems


def leaves(parameters: type[msgspec.Struct], values: Mapping[str, Any]) -> Iterator[Leaf]:
    """Go through the texts that name something, in the order of the fields."""
    for name, names, is_list in _naming(parameters):
        if name in values and (value := values[name]) is not None:
            if is_list:
                for index, each in enumerate(value):
                    yield Leaf(names, str(each), f"/{name}/{index}")
            else:
                yield Leaf(names, str(value), f"/{name}")


def naming(parameters: type[msgspec.Struct], names: Names) -> str | None:
    """Return the field that names one thing of a kind, and not a list of them; None where there is no such field."""
    found = (name for name, kind, is_list in _naming(parameters) if kind is names and not is_list)
    return next(found, None)


def capped(problems: Iterator[Problem], pointer: str) -> Iterator[Problem]:
    """Go through some problems of one kind, and then say that there are more."""
    for index, problem in enumerate(problems):
        if index == _MOST_PROBLEMS:
            detail = f"There may be more problems of this kind; only the first {_MOST_PROBLEMS} are listed."
            yield Problem(pointer=pointer, code="too-many", detail=detail)
            return
        yield problem


@cache
def item_of(kind: Any) -> Any:
    """Return the type of a list's items; None where a type is no list.

    >>> item_of(tuple[str, ...]), item_of(Annotated[list[int], msgspec.Meta(max_length=3)] | None), item_of(str)
    (<class 'str'>, <class 'int'>, None)
    """
    kind = _bare(kind)
    return get_args(kind)[0] if get_origin(kind) in (list, tuple) else None


@cache
def text_is_meant(kind: Any) -> bool:
    """Whether a text stands for itself in this type, and not for a number or one of several words.

    >>> [text_is_meant(kind) for kind in (str, Annotated[int | str, Names.PERIOD], float, Literal["a"], str | None)]
    [True, True, False, False, True]
    """
    bare = _bare(kind)
    return bare is str or any(text_is_meant(each) for each in get_args(bare) if not isinstance(each, str))


@cache
def _naming(parameters: type[msgspec.Struct]) -> tuple[tuple[str, Names, bool], ...]:
    found = []
    for field in fields(parameters):
        item = item_of(field.type)
        if (names := _names_of(field.type if item is None else item)) is not None:
            found.append((field.name, names, item is not None))
    return tuple(found)


def _names_of(kind: Any) -> Names | None:
    if get_origin(kind) is Annotated:
        base, *marks = get_args(kind)
        return next((mark for mark in marks if isinstance(mark, Names)), None) or _names_of(base)
    return next((names for each in get_args(kind) if (names := _names_of(each)) is not None), None)


def _bare(kind: Any) -> Any:
    """Take away what is said beside a type, and that it may be null."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    others = [each for each in get_args(kind) if each is not type(None)]
    if type(None) in get_args(kind) and len(others) == 1:
        return _bare(others[0])
    return kind


def _missing(statistic: str, parameters: type[msgspec.Struct], field: str) -> Problem:
    needed = " and ".join(f'"{each.name}"' for each in fields(parameters) if each.required)
    return Problem(
        pointer=f"/{field}",
        code="missing",
        detail=f'"{field}" is missing: {statistic} needs {needed}.',
    )


def _unknown_key(statistic: str, key: str, known: Sequence[str]) -> Problem:
    near = closest(key, known)
    takes = ", ".join(known)
    return Problem(
        pointer=json_pointer(key),
        code="unknown-key",
        detail=f"{statistic} has no parameter {quoted(key)}. {suggestion(near) or f'It takes {takes}. '}".rstrip(),
        closest=near,
    )


def _wrong(kind: Any, value: Any, pointer: str, what: str) -> Iterator[Problem]:
    """Say what is wrong with a value: item by item where it is a list and its items are what is wrong."""
    item = item_of(kind)
    is_reported = False
    if item is not None and isinstance(value, (list, tuple)):
        for index, each in enumerate(value):
            if not _is_a(item, each):
                is_reported = True
                yield from _wrong(item, each, f"{pointer}/{index}", f"The {ordinal(index + 1)} value of {what}")
    if not is_reported:
        yield _of_wrong_type(kind, value, pointer, what)


def _is_a(kind: Any, value: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _of_wrong_type(kind: Any, value: Any, pointer: str, what: str) -> Problem:
    if _names_of(kind) is Names.PERIOD and item_of(kind) is None:
        must_be = "a year such as 2020, or the first and the last year of a span: 2018-2020"
        return Problem(pointer=pointer, code="type", detail=f"{what} must be {must_be}.")
    info = _info(kind)
    choices = _choices(info)
    near = closest(value, choices) if isinstance(value, str) else ()
    or_null = ", or null" if _may_be_null(info) else ""
    detail = f"{what} must be {_must_be(info)}{or_null}, not {_found(info, value)}. {suggestion(near)}".rstrip()
    return Problem(pointer=pointer, code="type", detail=detail, closest=near)


def _info(kind: Any) -> msgspec.inspect.Type:
    info = msgspec.inspect.type_info(kind)
    return info.type if isinstance(info, msgspec.inspect.Metadata) else info


def _alternatives(info: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    each = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    return [one.type if isinstance(one, msgspec.inspect.Metadata) else one for one in each]


def _may_be_null(info: msgspec.inspect.Type) -> bool:
    return any(isinstance(each, msgspec.inspect.NoneType) for each in _alternatives(info))


def _choices(info: msgspec.inspect.Type) -> tuple[str, ...]:
    """Return the words that a value must be one of; none where it may be something else too."""
    for each in _alternatives(info):
        if isinstance(each, msgspec.inspect.LiteralType):
            return tuple(map(str, each.values))
        if isinstance(each, msgspec.inspect.EnumType):
            return tuple(str(one.value) for one in each.cls)
    return ()


def _must_be(info: msgspec.inspect.Type) -> str:
    """Say what a value must be, in words.

    >>> [_must_be(_info(kind)) for kind in (Annotated[int, msgspec.Meta(ge=1)], bool | None, Literal["a", "b"])]
    ['a whole number from 1', 'true or false', 'one of a, b']
    >>> _must_be(_info(Year | str | None))
    'a year such as 2020, or a text that names several'
    >>> _must_be(_info(Annotated[tuple[float, ...], msgspec.Meta(max_length=3)]))
    'a list of at most 3 values'
    """
    if choices := _choices(info):
        return f"one of {', '.join(choices)}"
    kinds = [each for each in _alternatives(info) if not isinstance(each, msgspec.inspect.NoneType)]
    # What may be a number or a text are years.
    return _one_kind(kinds[0]) if len(kinds) == 1 else "a year such as 2020, or a text that names several"


def _one_kind(info: msgspec.inspect.Type) -> str:
    match info:
        case msgspec.inspect.IntType():
            return f"a whole number{_bounds(info)}"
        case msgspec.inspect.FloatType():
            return f"a number{_bounds(info)}"
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.StrType():
            return "a text"
        case _:  # a list: no parameter has another type
            most = getattr(info, "max_length", None)
            return f"a list of at most {most:,} values" if most else "a list"


def _bounds(info: msgspec.inspect.IntType | msgspec.inspect.FloatType) -> str:
    """Write the bounds of a number, with a space before them.

    >>> [_bounds(_info(Annotated[float, msgspec.Meta(**meta)])) for meta in ({}, {"gt": 0}, {"ge": 0.1, "le": 100})]
    ['', ' above 0', ' from 0.1 to 100']
    >>> _bounds(_info(Annotated[float, msgspec.Meta(gt=0.05, lt=1)]))
    ' above 0.05 and below 1'
    """
    above = ("above", info.gt) if info.gt is not None else ("from", info.ge)
    below = ("and below", info.lt) if info.lt is not None else ("to", info.le)
    return "".join(f" {word} {bound:,}" for word, bound in (above, below) if bound is not None)


def _found(info: msgspec.inspect.Type, value: object) -> str:
    """Write the value itself where that shows what is wrong, else what it is."""
    if isinstance(value, str):
        return quoted(value)
    is_of_numbers = any(
        isinstance(each, msgspec.inspect.IntType | msgspec.inspect.FloatType) for each in _alternatives(info)
    )
    if is_of_numbers and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _SHOWN:
        return str(value)
    if isinstance(value, list | tuple) and isinstance(info, msgspec.inspect.VarTupleType):
        return f"one of {len(value):,}"
    return _kind(value)


def _kind(value: object) -> str:
    # The order matters: to Python, true is a number.
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        ((int, float), "a number"),
        (Mapping, "an object"),
        ((list, tuple), "a list"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")
