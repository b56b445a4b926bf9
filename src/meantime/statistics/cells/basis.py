"""Which people a value describes: everyone, or a stratum of a category."""

from __future__ import annotations

import msgspec
import numpy as np

from meantime.dataset.cube import ABSENT, Cube, Integers
from meantime.statistics.cells.draft import CATEGORY, STRATUM, Draft
from meantime.statistics.cells.selection import Booleans, DefaultGroup, is_group_of_people
from meantime.text import listed, quoted

# How overall strata are called, in lower case. Data of the kind that belongs beside the spellings of columns.
_OVERALL = frozenset({"total", "overall", "all", "all adults", "all students"})


def has_total(cube: Cube, question: int) -> bool:
    """Whether a question has values for everyone, so that a request need not name a basis."""
    pairs = _pairs(cube, cube.cells.keys[cube.starts[question] : cube.starts[question + 1]])
    return any(pair == (ABSENT, ABSENT) or _is_overall(cube, *pair) for pair in pairs)


def _pairs(cube: Cube, keys: Integers) -> list[tuple[int, int]]:
    """Return the different categories and strata of some cells, in the order of their codes."""
    # As one number each: to sort twenty thousand rows of two takes 9 ms, to tell as many numbers apart 0.25 ms.
    strata = len(cube.labels.strata) + 1
    joined = (keys[:, CATEGORY].astype(np.int64) - ABSENT) * strata + (keys[:, STRATUM] - ABSENT)
    return [(pair // strata + ABSENT, pair % strata + ABSENT) for pair in np.unique(joined).tolist()]


def _is_overall(cube: Cube, category: int, stratum: int) -> bool:
    labels = cube.labels
    names = [table[code] for table, code in ((labels.categories, category), (labels.strata, stratum)) if code >= 0]
    return bool(names) and all(name.casefold().strip() in _OVERALL for name in names)


def basis_cells(draft: Draft) -> Booleans:
    """Mark the cells of the group of people that the request names, or of everyone."""
    parameters = draft.parameters
    if draft.by_stratum:
        return _of_every_stratum(draft)
    if parameters.basis == "all_rows":
        detail = (
            "The mean of all rows has no standard error, because categories overlap. Only estimate supports the"
            ' basis "all_rows".'
        )
        draft.refuse("/basis", "no-standard-error", detail)
    elif parameters.basis == "total" and (parameters.category is not None or parameters.stratum is not None):
        draft.refuse(
            "/basis",
            "contradiction",
            'The basis "total" takes neither category nor stratum. Remove them, or choose the basis "stratum".',
        )
    elif parameters.stratum is not None and parameters.category is not None:
        return _of_stratum(draft, parameters.category, parameters.stratum)
    elif parameters.basis == "stratum" or parameters.category is not None or parameters.stratum is not None:
        detail = f"The basis needs both a category and a stratum. {_choices(draft)}"
        draft.refuse("/stratum" if parameters.stratum is None else "/category", "missing", detail)
    else:
        return _of_total(draft)
    return draft.every(kept=False)


def _of_every_stratum(draft: Draft) -> Booleans:
    kept = draft.every(kept=True)
    if draft.parameters.category is not None:
        kept &= draft.keys[:, CATEGORY] == _code(draft, "categories", draft.parameters.category)
    if draft.parameters.stratum is not None:
        kept &= draft.keys[:, STRATUM] == _code(draft, "strata", draft.parameters.stratum)
    if not kept.any():
        draft.refuse("/category", "absent", f"The question does not have this stratum. {_choices(draft)}")
    return kept


def _of_stratum(draft: Draft, category: str, stratum: str) -> Booleans:
    kept: Booleans = np.asarray(draft.keys[:, CATEGORY] == _code(draft, "categories", category))
    kept &= draft.keys[:, STRATUM] == _code(draft, "strata", stratum)
    if not kept.any():
        draft.refuse("/stratum", "absent", f"The question does not have this stratum. {_choices(draft)}")
    draft.notes.append(f"Basis: the stratum {quoted(stratum)} of {quoted(category)}.")
    return kept


def _of_total(draft: Draft) -> Booleans:
    pairs = draft.keys[:, [CATEGORY, STRATUM]]
    overall = [pair for pair in _pairs(draft.cube, draft.keys) if _is_overall(draft.cube, *pair)]
    # A table without categories has nothing but totals; beside one that is called so, rows without a category are
    # what is left of something else.
    wanted = overall[0] if overall else (ABSENT, ABSENT)
    kept: Booleans = np.asarray((pairs == wanted).all(axis=1))
    if not kept.any():
        if draft.parameters.basis is None and len(draft.keys):
            return _of_default_group(draft)
        detail = f"The question has no overall total. Name a category and a stratum. {_choices(draft)}"
        draft.refuse("/basis", "missing", detail)
    draft.notes.append("Basis: the total, as published.")
    return kept


def _of_default_group(draft: Draft) -> Booleans:
    """Mark the cells of the first stratum of the first category, in the order in which the data set lists them.

    Not in the order of the file's rows: the same content has the same answers, whatever the order of its rows.
    """
    by_category = strata_by_category(draft, draft.keys[draft.has_value] if draft.has_value.any() else draft.keys)
    groups = [(category, stratum) for category, strata in by_category.items() for stratum in strata]
    category, stratum = next((group for group in groups if is_group_of_people(group[1])), groups[0])
    others = (
        (name, tuple(each for each in strata if (name, each) != (category, stratum)))
        for name, strata in by_category.items()
    )
    draft.default_group = DefaultGroup(category, stratum, tuple((name, strata) for name, strata in others if strata))
    # Whatever else is selected for the answer is of the same group.
    draft.parameters = msgspec.structs.replace(draft.parameters, basis="stratum", category=category, stratum=stratum)
    named = "; ".join(f"{quoted(name)}: {listed(map(quoted, strata))}" for name, strata in draft.default_group.others)
    draft.warnings.append(
        "No group was named and the question has no overall total, so this answer is about the stratum "
        f"{quoted(stratum)}{f' of {quoted(category)}' if category else ''}."
        + (f" The others are, by category: {named}." if named else "")
    )
    return _of_stratum(draft, category, stratum)


def strata_by_category(draft: Draft, keys: Integers) -> dict[str, list[str]]:
    """Return the strata of some cells by their category, in the order in which the data set lists them."""
    labels = draft.cube.labels
    categories, strata = (*labels.categories, ""), (*labels.strata, "")
    by_category: dict[str, list[str]] = {}
    for category, stratum in _pairs(draft.cube, keys):
        by_category.setdefault(categories[category], []).append(strata[stratum])
    return by_category


def _choices(draft: Draft) -> str:
    named = (
        f"{quoted(category)}: {listed(map(quoted, members))}"
        for category, members in strata_by_category(draft, draft.keys).items()
    )
    return f"There are, by category: {'; '.join(named)}."


def _code(draft: Draft, labels: str, name: str) -> int:
    """Return the code of a category or stratum: ABSENT for "", and one that no row has for an unknown name."""
    known = getattr(draft.cube.labels, labels)
    return ABSENT if not name else known.index(name) if name in known else len(known)
