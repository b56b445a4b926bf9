"""Which type of value a request is about, where a question has several."""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import ABSENT, ValueType
from meantime.dataset.facts.units import normalized_unit
from meantime.statistics.cells.draft import VALUE_TYPE, Draft
from meantime.statistics.cells.selection import Booleans
from meantime.text import quoted


def chosen_value_type(draft: Draft, chosen: Booleans) -> int:
    """Return the code of the type of value; types are never mixed, so where there are several one must be named."""
    kinds = draft.cube.labels.value_types
    there = (np.flatnonzero(np.bincount(draft.keys[chosen, VALUE_TYPE] - ABSENT)) + ABSENT).tolist()
    wanted = draft.parameters.value_type and _normalized(draft.parameters.value_type)
    fitting = [code for code in there if wanted is None or wanted in (kinds[code].name, value_type_text(kinds[code]))]
    if len(fitting) == 1:
        return int(fitting[0])
    if there:
        names = ", ".join(quoted(value_type_text(kinds[code])) for code in there)
        why = (
            "has values of several types, which are never mixed. Choose one" if fitting else "has no such type of value"
        )
        draft.refuse("/value_type", "mixed" if fitting else "unknown", f"The question {why}. There are: {names}.")
    return ABSENT


def _normalized(value_type: str) -> str:
    """Give the unit in the text of a type of value its one spelling: "Crude in %" is "Crude in percent"."""
    name, separator, unit = value_type.rpartition(" in ")
    return f"{name}{separator}{normalized_unit(unit)}"


def value_type_text(value_type: ValueType) -> str:
    """Write a type of value with its unit.

    >>> value_type_text(ValueType("Crude Prevalence", "%")), value_type_text(ValueType("", ""))
    ('Crude Prevalence in %', 'unnamed')
    """
    return " in ".join(filter(None, value_type)) or "unnamed"
