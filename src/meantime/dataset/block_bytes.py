"""The cells of a question as bytes: compact, and the same for the same content.

Codes count the question's own labels, so that the bytes do not depend on what other questions have; sums are at the
smallest scale that holds them. What follows from other numbers is left out: a cell of one row has its value as sum,
minimum and maximum, and its square as sum of squares. Each array is a column::

    {"columns": [["location", {"length": 3, "type": "<i1"}], ["period", {"length": 3, "all": "0"}], ...], "scale": 1}
    the bytes of the columns, one after the other

Integers have the smallest type that holds them all; no bytes at all if they are equal; and text if they are too large
for 64 bits. Published numbers are there only where a row has them: as integers with a power of ten if that gives back
every double exactly, which decimal numbers with a few digits do; otherwise as doubles. Copies of rows are there only
where a question has some.

The fingerprint covers these bytes: whoever changes them changes ``snapshot.FINGERPRINT_VERSION``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import ABSENT, AXES, FEW, Block, Cells, Labels, make_block
from meantime.dataset.moments import Doubles, Exact, Integers, Moments, distinct, exact, narrow

# What the codes of a question mean: the axes of a key but the first, and what else has labels.
CODED: Mapping[str, str] = {
    **{axis: name for axis, name in AXES.items() if axis != "question"},
    "reason": "reasons",
    "footnote": "footnotes",
}
_PUBLISHED = ("low", "high", "sample_size")
_TYPES = ("<i1", "<i2", "<i4", "<i8")
# Doubles that are no decimal numbers of so many digits after the point are kept as doubles.
_MOST_DECIMALS = 6
# Up to this number, every integer is a double.
_DOUBLE_EXACT = 2**53
# Not msgspec's JSON: its escaping may change between versions, and a fingerprint must not.
_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":"))


class BlockBytes(NamedTuple):
    """The cells of a question, and the labels that their codes count."""

    labels: Labels
    cells: Cells  # with these codes
    body: bytes
    content: str  # SHA-256 of labels and body, hexadecimal: the content of the question


def encode_block(labels: Labels, cells: Cells, *, scale: int) -> BlockBytes:
    """Write the cells of one question. Codes index ``labels``, which are sorted, and may be those of a whole table."""
    own, cells = _with_own_codes(labels, cells)
    moments, scale = _at_smallest_scale(cells.moments, scale)
    several = moments.count > 1
    columns: dict[str, npt.NDArray[Any]] = {axis: cells.keys[:, n] for n, axis in enumerate(AXES) if n}
    columns |= {"count": moments.count, "withheld": moments.withheld, "total": moments.total}
    columns |= {f"{name}_of_several": getattr(moments, name)[several] for name in ("squares", "minimum", "maximum")}
    columns |= {name: getattr(cells, name) for name in _PUBLISHED}
    columns |= {
        "footnote": cells.footnote,
        # A cell usually has one reason, so the steps between them are small.
        "withheld_step": np.diff(cells.withheld_cell, prepend=0),
        "withheld_reason": cells.withheld_reason,
        "withheld_count": cells.withheld_count,
    }
    if cells.copies.any():  # without, the bytes are those of versions that did not know copies
        columns["copies"] = cells.copies
    body = encode_columns(columns, scale=scale)
    digest = hashlib.sha256(_json({field.name: getattr(own, field.name) for field in fields(Labels)}) + b"\n")
    digest.update(body)
    return BlockBytes(own, cells, body, digest.hexdigest())


def decode_block(
    body: bytes, codes_of_labels: Mapping[str, Integers], *, question: int, start: int, scale: int
) -> Block:
    """Read what ``encode_block`` wrote, with the codes that the question's own labels have in the whole table.

    Raises:
        ValueError, KeyError, IndexError: the bytes are not those of a block.
    """
    columns, own_scale = decode_columns(body)
    # One more entry, at the end, which the code -1 (ABSENT) indexes.
    known = {name: np.append(codes, ABSENT) for name, codes in codes_of_labels.items()}
    count: Integers = columns["count"]
    keys = np.empty((len(count), len(AXES)), dtype=np.int64)
    keys[:, 0] = question
    for index, axis in enumerate(list(AXES)[1:], 1):
        keys[:, index] = known[axis][columns[axis]]
    return make_block(
        Cells(
            keys=keys,
            moments=_moments(columns, by=10 ** (scale - own_scale)),
            **{name: columns[name] for name in _PUBLISHED},
            footnote=known["footnote"][columns["footnote"]],
            copies=columns.get("copies", np.zeros(len(count), dtype=np.int64)),
            withheld_cell=np.cumsum(columns["withheld_step"]),
            withheld_reason=known["reason"][columns["withheld_reason"]],
            withheld_count=columns["withheld_count"],
        ),
        start=start,
        scale=scale,
    )


def encode_columns(columns: Mapping[str, npt.NDArray[Any]], **more: int) -> bytes:
    """Write arrays of integers and of doubles, one after the other."""
    described, pieces = [], []
    for name, numbers in columns.items():
        description, piece = _doubles(numbers) if numbers.dtype == np.float64 else _integers(numbers)
        described.append([name, description])
        pieces.append(piece)
    return b"".join((_json({"columns": described, **more}), b"\n", *pieces))


def decode_columns(body: bytes) -> tuple[dict[str, npt.NDArray[Any]], int]:
    """Read what ``encode_columns`` wrote: int64, or Python integers where they are needed, and doubles; the scale."""
    header, _, _ = body.partition(b"\n")
    described = json.loads(header)
    at = len(header) + 1
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, description in described["columns"]:
        columns[name], at = _read_column(body, at, description)
    return columns, described.get("scale", 0)


def _with_own_codes(labels: Labels, cells: Cells) -> tuple[Labels, Cells]:
    """Return the labels that the cells use, and the cells with codes that count those."""
    own: dict[str, tuple[Any, ...]] = {}

    def counted(name: str, codes: Integers) -> Integers:
        every = getattr(labels, name)
        if len(codes) <= FEW:
            used = sorted(set(codes.tolist()) - {ABSENT})
            places = {code: place for place, code in enumerate(used)}
            own_codes = np.array([places.get(code, ABSENT) for code in codes.tolist()], dtype=np.int64)
        else:
            found, at = distinct(codes - ABSENT)
            has_absent = int(found[0] == 0)
            used = (found[has_absent:] + ABSENT).tolist()
            own_codes = at - has_absent
        own[name] = every if len(used) == len(every) else tuple(every[code] for code in used)
        return own_codes

    keys = np.stack([counted(name, cells.keys[:, n]) for n, name in enumerate(AXES.values())], axis=1)
    recoded = replace(
        cells,
        keys=keys,
        footnote=counted("footnotes", cells.footnote),
        withheld_reason=counted("reasons", cells.withheld_reason),
    )
    return Labels(**own), recoded


def _at_smallest_scale(moments: Moments, scale: int) -> tuple[Moments, int]:
    """Return the same sums at the smallest scale at which they are integers, whichever scale the table has."""
    numbers = {name: getattr(moments, name) for name in ("total", "squares", "minimum", "maximum")}
    powers = {"total": 10, "squares": 100, "minimum": 10, "maximum": 10}
    while scale and not any((array % powers[name]).any() for name, array in numbers.items()):
        numbers = {name: array // powers[name] for name, array in numbers.items()}
        scale -= 1
    numbers = {name: narrow(array) if array.dtype == object else array for name, array in numbers.items()}
    return Moments(count=moments.count, withheld=moments.withheld, **numbers), scale


def _moments(columns: Mapping[str, npt.NDArray[Any]], *, by: int) -> Moments:
    """Return the sums, multiplied by this power of ten."""
    count, total = columns["count"], _times(columns["total"], by)
    several = count > 1
    # Below this, squares fit; of the few numbers that are larger, they are Python's.
    is_small = total.dtype != object and (not len(total) or int(np.abs(total).max()) < 2**31)
    full = {
        "squares": total * total if is_small else exact([number * number for number in total.tolist()]),
        "minimum": total,
        "maximum": total,
    }
    for name, numbers in full.items():
        own = _times(columns[f"{name}_of_several"], by * by if name == "squares" else by)
        if len(own):
            wide = object if object in (numbers.dtype, own.dtype) else np.int64
            full[name] = numbers.astype(wide)
            full[name][several] = own
    return Moments(
        count=count, total=total, withheld=columns["withheld"], **{name: narrow(each) for name, each in full.items()}
    )


def _times(numbers: Exact, factor: int) -> Exact:
    if factor == 1 or not numbers.any():
        return numbers
    if numbers.dtype != object and int(np.abs(numbers).max()) * factor < 2**62:
        return numbers * factor
    return narrow(numbers.astype(object) * factor)


def _integers(numbers: Exact) -> tuple[dict[str, Any], bytes]:
    length = len(numbers)
    if not length:
        return {"length": 0, "all": "0"}, b""
    if length <= FEW:
        few = numbers.tolist()
        least, most = min(few), max(few)
    else:
        least, most = int(numbers.min()), int(numbers.max())
    if least == most:
        return {"length": length, "all": f"{least:x}"}, b""
    for kind in _TYPES:
        bound = 2 ** (8 * int(kind[2]) - 1)
        if -bound <= least and most < bound:
            return {"length": length, "type": kind}, numbers.astype(kind).tobytes()
    # Hexadecimal, because Python refuses decimal text of more than 4,300 digits.
    text = "\n".join(f"{number:x}" for number in numbers.tolist()).encode()
    return {"length": length, "text": len(text)}, text


def _doubles(numbers: Doubles) -> tuple[dict[str, Any], bytes]:
    is_there = ~np.isnan(numbers)
    there = numbers[is_there]
    where = b"" if len(there) in (0, len(numbers)) else np.packbits(is_there).tobytes()
    description: dict[str, Any] = {"length": len(numbers), "there": len(there)}
    if not len(there):
        return {**description, "tens": 0, "integers": _integers(there)[0]}, b""
    for tens in range(_MOST_DECIMALS + 1):
        with np.errstate(over="ignore"):
            scaled = np.rint(there * 10.0**tens)
        is_small = float(np.abs(scaled).max()) < _DOUBLE_EXACT
        if is_small and (scaled / 10.0**tens == there).all():
            integers, piece = _integers(scaled.astype(np.int64))
            return {**description, "tens": tens, "integers": integers}, where + piece
    return description, where + there.astype("<f8").tobytes()


def _read_column(body: bytes, at: int, description: Mapping[str, Any]) -> tuple[npt.NDArray[Any], int]:
    """Return a column, and where the next one begins."""
    if "there" in description:
        return _read_doubles(body, at, description)
    length = description["length"]
    if "all" in description:
        value = int(description["all"], 16)
        return np.full(length, value, dtype=np.int64 if abs(value) < 2**62 else object), at
    if "text" in description:
        end = at + description["text"]
        return exact([int(line, 16) for line in body[at:end].split(b"\n")]), end
    kind = np.dtype(description["type"])
    numbers = np.frombuffer(body, dtype=kind, count=length, offset=at).astype(np.int64)
    return narrow(numbers), at + length * kind.itemsize


def _read_doubles(body: bytes, at: int, description: Mapping[str, Any]) -> tuple[Doubles, int]:
    length, there = description["length"], description["there"]
    is_there = np.full(length, there > 0)
    if 0 < there < length:
        packed = np.frombuffer(body, dtype=np.uint8, count=-(-length // 8), offset=at)
        is_there, at = np.unpackbits(packed, count=length).astype(bool), at + len(packed)
    if "tens" in description:
        integers, at = _read_column(body, at, description["integers"])
        values = integers.astype(np.float64) / 10.0 ** description["tens"]
    else:
        values = np.frombuffer(body, dtype="<f8", count=there, offset=at).astype(np.float64)
        at += 8 * there
    numbers = np.full(length, np.nan)
    numbers[is_there] = values
    return numbers, at


def _json(value: Any) -> bytes:
    return _JSON.encode(value).encode()
