from __future__ import annotations

import pickle
import re
from collections.abc import Iterator

import pytest

from meantime import errors
from meantime.errors import Fault, MeantimeError, QueueFull, RolesMissing


def _below(kind: type[MeantimeError]) -> Iterator[type[MeantimeError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith(f"{errors.__name__}."):
            yield from _below(child)


ALL = list(_below(MeantimeError))


def _drawn() -> Iterator[tuple[str, str | None, str | None]]:
    """Each class in the drawing: its name, its parent's, and the fault where one is written."""
    path = ["MeantimeError"]
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ((?:[│ ]   )*)[├└]── (\w+) +(caller|data|operator|server)?", line):
            depth = len(match[1]) // 4 + 1
            path[depth:] = [match[2]]
            yield match[2], path[depth - 1], match[3]


def test_the_tree_at_the_top_of_the_file_is_the_tree() -> None:
    drawn = {name: parent for name, parent, _ in _drawn()}
    assert drawn == {kind.__name__: kind.__mro__[1].__name__ for kind in ALL if kind is not MeantimeError}


def test_the_faults_in_the_drawing_are_the_faults() -> None:
    by_name = {kind.__name__: kind for kind in ALL}
    for name, _, fault in _drawn():
        if fault is not None:
            assert by_name[name].fault == fault


def test_codes_are_unique_and_fit_for_machines() -> None:
    codes = [kind.code for kind in ALL]
    assert sorted(codes) == sorted(set(codes))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_every_error_says_whose_fault_it_is_and_what_is_the_matter() -> None:
    for kind in ALL:
        assert kind.fault in Fault
        assert kind.__doc__


@pytest.mark.parametrize("kind", ALL)
def test_an_error_comes_whole_through_a_pipe_between_processes(kind: type[MeantimeError]) -> None:
    error = kind("The reason.")
    error.extra = "kept"  # type: ignore[attr-defined]  # any field that a kind may carry
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(again), again.reason, vars(again)) == (kind, "The reason.", vars(error))


def test_an_error_may_have_a_second_text_for_who_runs_the_server() -> None:
    error = MeantimeError("a.csv cannot be read.")
    assert error.operator_reason == error.reason
    assert error.for_operator("/srv/a.csv cannot be read.") is error
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (again.reason, again.operator_reason) == ("a.csv cannot be read.", "/srv/a.csv cannot be read.")
    assert errors.Failure.of(again).reason == "a.csv cannot be read."


def test_errors_carry_data() -> None:
    missing = RolesMissing("No column for value.", roles=["value"], columns=["Question"])
    assert (missing.reason, missing.roles, missing.columns) == ("No column for value.", ("value",), ("Question",))
    assert QueueFull("Full.").retry_after_s == 1
    assert QueueFull("Full.", retry_after_s=30).retry_after_s == 30
