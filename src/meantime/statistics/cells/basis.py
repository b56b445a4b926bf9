"""Which people a value describes: everyone, or a stratum of a category."""

from __future__ import annotations

import msgspec
import numpy as np

from meantime.dataset.cube import ABSENT
from meantime.dataset.facts.titles import is_called_everybody, title_of
from meantime.statistics.cells.default_groups import (
    default_group,
    every_pair,
    is_overall,
    names_of,
    strata_by_category,
    with_values,
)
from meantime.statistics.cells.draft import CATEGORY, STRATUM, Draft
from meantime.statistics.cells.refusals import groups_to_choose
from meantime.statistics.cells.selection import Booleans
from meantime.statistics.words import defaults as words
from meantime.statistics.words.subject import Subject


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
    elif parameters.stratum is not None and (category := _category(draft)) is not None:
        draft.parameters = msgspec.structs.replace(parameters, category=category)
        return _of_stratum(draft, category, parameters.stratum)
    elif parameters.basis == "stratum" or parameters.category is not None or parameters.stratum is not None:
        detail = f"The basis needs both a category and a stratum. {_choices(draft)}"
        draft.refuse("/stratum" if parameters.stratum is None else "/category", "missing", detail)
    else:
        return _of_total(draft)
    return draft.every(kept=False)


def _category(draft: Draft) -> str | None:
    """Return the category that is named, or the only one that has the stratum; None if several have it, or none."""
    parameters = draft.parameters
    if parameters.category is not None:
        return parameters.category
    by_category = strata_by_category(draft.cube, every_pair(draft.cube, draft.question))
    having = [category for category, strata in by_category.items() if parameters.stratum in strata]
    return having[0] if len(having) == 1 else None


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
    return kept


def _of_total(draft: Draft) -> Booleans:
    overall = [pair for pair in every_pair(draft.cube, draft.question) if is_overall(draft.cube, *pair)]
    # "Both sexes" of "Sex" is everyone too, but "Total" of "Total" says so twice.
    overall.sort(key=lambda pair: not is_called_everybody(names_of(draft.cube, *pair)[0]))
    # A table without categories has nothing but totals; beside one that is called so, rows without a category are
    # what is left of something else.
    category, stratum = overall[0] if overall else (ABSENT, ABSENT)
    kept: Booleans = np.asarray((draft.keys[:, CATEGORY] == category) & (draft.keys[:, STRATUM] == stratum))
    if not kept.any():
        if draft.parameters.basis is None and len(draft.keys):
            return _of_default_group(draft)
        detail = f"The question has no overall total. Name a category and a stratum. {_choices(draft)}"
        draft.refuse("/basis", "missing", detail)
    return kept


def _of_default_group(draft: Draft) -> Booleans:
    """Mark the cells of the group that stands for those that the request does not name."""
    by_category = strata_by_category(draft.cube, with_values(draft.cube, draft.question))
    chosen = default_group(by_category)
    every = [(category, stratum) for category, strata in by_category.items() for stratum in strata]
    subject = Subject(title=title_of(draft.parameters.question))
    draft.by_default = words.default_group(subject, chosen, [each for each in every if each != chosen])
    # Whatever else is selected for the answer is of the same group.
    category, stratum = chosen
    draft.parameters = msgspec.structs.replace(draft.parameters, basis="stratum", category=category, stratum=stratum)
    return _of_stratum(draft, category, stratum)


def _choices(draft: Draft) -> str:
    return groups_to_choose(strata_by_category(draft.cube, every_pair(draft.cube, draft.question)))


def _code(draft: Draft, labels: str, name: str) -> int:
    """Return the code of a category or stratum: ABSENT for "", and one that no row has for an unknown name."""
    known = getattr(draft.cube.labels, labels)
    return ABSENT if not name else known.index(name) if name in known else len(known)
