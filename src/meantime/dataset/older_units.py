"""Snapshots of versions that kept units as files spell them: their units get the one spelling when they are opened.

They keep their fingerprint, by which jobs and results name them. A file is not read again only for the spelling.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from meantime.dataset.cube import AXES, Cells, Cube, Labels, ValueType
from meantime.dataset.facts.units import normalized_unit
from meantime.dataset.rolling_up import cube_of, roll_up
from meantime.dataset.snapshot import About

_VALUE_TYPE = list(AXES).index("value_type")


def with_normalized_units(labels: Labels, cells: Cells, about: About, *, scale: int) -> tuple[Cube, About]:
    """Return the cube of canonical cells, and its facts, with one spelling for each unit."""
    questions = tuple(
        msgspec.structs.replace(question, unit=question.unit and normalized_unit(question.unit))
        for question in about.questions
    )
    about = msgspec.structs.replace(about, questions=questions)
    kinds = [ValueType(kind.name, normalized_unit(kind.unit)) for kind in labels.value_types]
    if tuple(kinds) == labels.value_types:
        return cube_of(labels, cells, scale=scale), about
    # Two spellings may have been two types of value: their cells are then the same, and are merged.
    distinct = tuple(dict.fromkeys(kinds))
    keys = cells.keys.copy()
    for code, kind in enumerate(kinds):
        keys[cells.keys[:, _VALUE_TYPE] == code, _VALUE_TYPE] = distinct.index(kind)
    return roll_up(replace(labels, value_types=distinct), replace(cells, keys=keys), scale=scale), about
