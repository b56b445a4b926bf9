"""Snapshots of versions that kept units as files spell them: their units get the one spelling when they are opened.

They keep their fingerprint, by which jobs and results name them. A file is not read again only for the spelling.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from meantime.dataset.cube import AXES, Cube, ValueType, roll_up
from meantime.dataset.facts.units import normalized_unit
from meantime.dataset.snapshot import About

_VALUE_TYPE = list(AXES).index("value_type")


def with_normalized_units(cube: Cube, about: About) -> tuple[Cube, About]:
    """Return a cube and its facts with one spelling for each unit; the same ones where they have it already."""
    kinds = [ValueType(kind.name, normalized_unit(kind.unit)) for kind in cube.labels.value_types]
    if tuple(kinds) != cube.labels.value_types:
        # Two spellings may have been two types of value: their cells are then the same, and are merged.
        distinct = tuple(dict.fromkeys(kinds))
        keys = cube.cells.keys.copy()
        for code, kind in enumerate(kinds):
            keys[cube.cells.keys[:, _VALUE_TYPE] == code, _VALUE_TYPE] = distinct.index(kind)
        labels = replace(cube.labels, value_types=distinct)
        cube = roll_up(labels, replace(cube.cells, keys=keys), scale=cube.scale)
    questions = tuple(
        msgspec.structs.replace(question, unit=question.unit and normalized_unit(question.unit))
        for question in about.questions
    )
    return cube, msgspec.structs.replace(about, questions=questions)
