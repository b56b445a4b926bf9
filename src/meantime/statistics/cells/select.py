"""From a request to the cells that it is about: basis, value type, years and locations are decided here, step by step.

Refused, with everything that is wrong at once: a basis that the table does not have (the choices are listed), years
that it does not have, locations that it does not have, value types that would be mixed, and cells of several rows, of
which nobody can say which is the estimate.
"""

from __future__ import annotations

import msgspec
import numpy as np

from meantime.dataset.cube import ABSENT
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.cells.basis import basis_cells
from meantime.statistics.cells.cell_parameters import CellParameters
from meantime.statistics.cells.chosen_periods import chosen_periods, refuse_shared_years
from meantime.statistics.cells.draft import LOCATION, PERIOD, VALUE_TYPE, Draft
from meantime.statistics.cells.grid import grid_of, without_row
from meantime.statistics.cells.locations import wanted_locations
from meantime.statistics.cells.refusals import raise_problems
from meantime.statistics.cells.selection import Booleans, Rows, Selection
from meantime.statistics.cells.standardized import standardized
from meantime.statistics.cells.standards import chosen_standard, standard_of
from meantime.statistics.cells.value_types import chosen_value_type
from meantime.text import count, listed, quoted


def select(
    snapshot: Snapshot,
    parameters: CellParameters,
    *,
    by_stratum: bool = False,
    also: str | None = None,
    each_period: bool = False,
) -> Selection:
    """Return the cells of a request.

    ``by_stratum``: those of every stratum (of the category, where one is named). ``also``: of this location too.
    ``each_period``: each period is told by itself, so that they may have years in common. Of a request with a standard
    population: the standardized values, each of several cells.

    Four of the five locations have 2020, which is not nine in ten of them; of the years, 2019 is the last that all
    have:

    >>> from meantime.dataset.samples import survey_example
    >>> chosen = select(survey_example.snapshot(), CellParameters(question=survey_example.SOUP))
    >>> chosen.years, chosen.names, chosen.value.ravel().tolist()
    ('2019', ['Avalon', 'Borduria', 'Cockaigne', 'Dorado', 'Erewhon'], [20.9, 26.6, 31.0, 25.9, 24.1])

    What is withheld is empty, and ``pool_periods`` leaves its location out by name:

    >>> chosen = select(survey_example.snapshot(), CellParameters(question=survey_example.SOUP, years="2018..2019"))
    >>> chosen.value[2]
    array([nan, 31.])
    >>> from meantime.statistics.cells.pooled import pool_periods
    >>> pool_periods(chosen).left_out
    (LeftOut(location='Cockaigne', reason='is suppressed or missing in 2018 ("~")'),)

    Raises:
        RequestInvalid: it cannot be answered from this snapshot; carries all problems.
        KeyError: the snapshot does not have the question.
    """
    if standard_of(parameters) and not by_stratum:
        standard = chosen_standard(Draft(snapshot, parameters))
        own = msgspec.structs.replace(parameters, category=standard.category)
        strata = select(snapshot, own, by_stratum=True, also=also, each_period=each_period)
        return standardized(strata, standard)
    draft = Draft(snapshot, parameters, by_stratum=by_stratum, also=also)
    wanted = wanted_locations(draft)
    of_basis = basis_cells(draft)
    value_type = chosen_value_type(draft, of_basis)
    of_basis &= draft.keys[:, VALUE_TYPE] == value_type
    chosen = of_basis & draft.having(LOCATION, wanted)
    periods = chosen_periods(draft, of_basis, chosen)
    chosen &= draft.having(PERIOD, periods)
    if not each_period:
        refuse_shared_years(draft, periods)
    _refuse_mixed(draft, chosen)
    raise_problems(draft.problems)
    return grid_of(draft, chosen, wanted, draft.cube.labels.value_types[value_type], periods)


def select_rows(snapshot: Snapshot, parameters: CellParameters) -> Rows:
    """Return all cells of a question, over all categories: what the basis ``all_rows`` averages.

    Raises:
        RequestInvalid: as ``select``.
    """
    draft = Draft(snapshot, parameters)
    wanted = wanted_locations(draft)
    every = draft.every(kept=True)
    value_type = chosen_value_type(draft, every)
    every &= draft.keys[:, VALUE_TYPE] == value_type
    chosen = every & draft.having(LOCATION, wanted)
    periods = chosen_periods(draft, every, chosen)
    chosen &= draft.having(PERIOD, periods) & draft.has_value
    raise_problems(draft.problems)
    positions, labels = np.flatnonzero(chosen), draft.cube.labels
    locations = draft.keys[positions, LOCATION]
    return Rows(
        cells=positions + draft.start,
        locations=locations,
        periods=tuple(labels.periods[code] for code in periods if code != ABSENT),
        unit=draft.unit_of(labels.value_types[value_type]),
        left_out=without_row(draft, locations, wanted, periods),
        notes=tuple(draft.notes),
        warnings=tuple(draft.warnings),
    )


def _refuse_mixed(draft: Draft, chosen: Booleans) -> None:
    rows = draft.cells.different[chosen]
    mixed = np.flatnonzero(rows > 1)
    if not len(mixed):
        _note_copies(draft, chosen)
        return
    about, labels = draft.snapshot.about, draft.cube.labels
    key = draft.keys[chosen][mixed[0]]
    first = f"{quoted(labels.locations[key[LOCATION]])}, {int(rows[mixed[0]]):,} rows"
    others = about.rows_differ_in or [name for name in about.columns if name not in set(about.roles.values())]
    where = f"the columns {listed(map(quoted, others))}" if others else "their values alone"
    detail = (
        f"{len(mixed):,} of the {len(rows):,} cells have several rows (the first: {first}), and nothing says which "
        "row is the estimate. The rows of a cell have the same question, location, group, value type and years, and "
        f"may differ in {where}. Two things help: ask a statistic that averages rows (summary, estimate with the basis "
        "all_rows, or one of the nine classic means, such as states_mean), or keep one row of each cell in the file."
    )
    if about.synthetic:
        detail += " A synthetic sample has one row of each cell, unless it is written with --rows-per-cell."
    draft.refuse("/question", "mixed", detail)


def _note_copies(draft: Draft, chosen: Booleans) -> None:
    """Say that a row that is there several times counted once; in a tally that is what it says."""
    copied = int((draft.cells.copies[chosen] > 0).sum())
    if not copied or "row_count" in draft.snapshot.about.roles:
        return
    draft.notes.append(
        f"{count(copied, 'value')} {'is' if copied == 1 else 'are'} in the table several times, in rows that are exact "
        "copies; each counts once."
    )
