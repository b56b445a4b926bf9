from __future__ import annotations

from typing import Any

import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.statistics.cells.strata import OfCategory, names, strata, without_reference
from tests.support import factories

GROUPS: dict[str, dict[str, float | None]] = {
    "Ohio": {"A": 20.0, "B": 30.0, "Data not reported": 50.0},
    "Utah": {"A": 20.0, "B": None},
    "Iowa": {"A": 25.0},
}


def made(groups: dict[str, dict[str, float | None]] = GROUPS) -> Snapshot:
    rows = []
    for place, values in groups.items():
        for name, value in values.items():
            limits: dict[str, Any] = {} if value is None else {"low": value - 2.0, "high": value + 2.0}
            told = None if value is None else f"{value:.1f}"
            rows.append(factories.row(location=place, category="Race", stratum=name, value=told, reason="~", **limits))
    return factories.snapshot(rows)


def asked(**more: Any) -> OfCategory:
    return OfCategory(**{"question": "Q", "category": "Race", "reference_stratum": "B", **more})


def problem(**more: Any) -> tuple[str, str, str]:
    with pytest.raises(RequestInvalid) as caught:
        strata(made(), asked(**more))
    (found,) = caught.value.problems
    return found.pointer, found.code, found.detail


def test_what_is_withheld_is_left_out_by_group_and_location() -> None:
    found = strata(made(), asked())
    assert list(zip(found.groups.names, names(found.groups), strict=True)) == [
        ("Iowa", "A"),
        ("Ohio", "A"),
        ("Ohio", "B"),
        ("Ohio", "Data not reported"),
        ("Utah", "A"),
    ]
    assert found.left_out == (("B in Utah", 'is suppressed or missing ("~")'),)
    assert without_reference(found, "B") == 'Not compared: Iowa and Utah have no value for "B".'
    assert without_reference(found, "A") == ""


def test_with_a_stratum_there_are_that_one_and_the_reference() -> None:
    assert names(strata(made(), asked(stratum="A")).groups) == ["A", "A", "B", "A"]


def test_what_is_no_group_of_the_category_is_refused_and_the_groups_are_told() -> None:
    pointer, code, detail = problem(reference_stratum="C")
    assert (pointer, code) == ("/reference_stratum", "absent")
    assert detail == '"C" is not a group of "Race" there. There are: "A", "B".'
    assert problem(stratum="Data not reported")[2].startswith('"Data not reported" is not a group of people.')
    assert problem(stratum="B")[:2] == ("/stratum", "contradiction")
    assert problem(basis="total")[:2] == ("/basis", "contradiction")
