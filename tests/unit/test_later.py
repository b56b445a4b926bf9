"""Libraries that are imported when they are first used."""

from __future__ import annotations

import gc
import sys

import pytest

from meantime import later
from meantime.later import quick_imports
from tests.support.imports import imported_by
from tests.support.waiting import PATIENCE_S


def test_a_library_is_used_as_if_it_had_been_imported() -> None:
    import duckdb
    from scipy import special

    assert later.duckdb.Error is duckdb.Error
    assert later.special.ndtr(0.0) == special.ndtr(0.0) == 0.5
    with pytest.raises(AttributeError, match="nothing_like_this"):
        later.duckdb.nothing_like_this  # type: ignore[attr-defined]  # noqa: B018 - asking is what is tested


def test_a_replaced_function_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert later.special.ndtr(0.0) == 0.5
    monkeypatch.setattr("scipy.special.ndtr", lambda _x: 2.0)
    assert later.special.ndtr(0.0) == 2.0


def test_threads_that_are_the_first_together_all_get_the_whole_library() -> None:
    code = f"""
import sys
from threading import Barrier, Thread
from meantime.later import special
together, got = Barrier(8), []
def use():
    together.wait({PATIENCE_S})
    got.append(float(special.ndtr(0.0)))
threads = [Thread(target=use) for _ in range(8)]
assert "scipy" not in sys.modules
for each in threads: each.start()
for each in threads: each.join({PATIENCE_S})
assert got == [0.5] * 8, got
"""
    assert "scipy.special._ufuncs" in imported_by("-c", code)


def test_what_many_requests_need_is_imported_on_demand() -> None:
    needed = {"rapidfuzz", "scipy.special._ufuncs", "xlsxwriter", "nanoarrow"}
    assert not needed & imported_by("-c", "import meantime.later")
    imported = imported_by("-c", "import meantime.later; meantime.later.import_soon()")
    assert needed <= imported
    assert "duckdb" not in imported


def test_a_machine_that_is_short_of_descriptors_is_no_library_that_is_broken() -> None:
    code = """
import errno, resource, sys
from meantime import later
limit = resource.getrlimit(resource.RLIMIT_NOFILE)
for descriptors in range(4, 12):
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors - 1, limit[1]))
    try:
        later.import_soon()
    except OSError as error:
        assert error.errno == errno.EMFILE, error
resource.setrlimit(resource.RLIMIT_NOFILE, limit)
later.import_soon()
assert later.special.ndtr(0.0) == 0.5
"""
    assert "scipy.special._ufuncs" in imported_by("-c", code)


def test_what_is_imported_does_without_a_library_in_the_block_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with quick_imports(without="this"):
        assert not gc.isenabled()
        with pytest.raises(ImportError):
            __import__("this")
    assert gc.isenabled()
    assert "this" not in sys.modules
    with quick_imports(without="sys"):  # imported before: nobody must lose it
        assert __import__("sys") is sys


def test_garbage_stays_uncollected_where_it_was() -> None:
    gc.disable()
    try:
        with quick_imports(without="this"):
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_scipys_functions_are_imported_alone_and_the_rest_is_there_for_whoever_asks_for_it() -> None:
    code = f"""
import sys
from threading import Barrier, Thread
from meantime.later import special
assert float(special.ndtr(0.0)) == 0.5
assert "scipy._lib._array_api" not in sys.modules
together, got = Barrier(4), []
def use():
    together.wait({PATIENCE_S})
    from scipy.special import logsumexp  # no compiled function
    got.append(float(logsumexp([0.0])))
threads = [Thread(target=use) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join({PATIENCE_S})
assert got == [0.0] * 4, got
import scipy.special
assert scipy.special.ndtr is special.ndtr and scipy.special.orthogonal
assert not hasattr(scipy.special, "nothing_like_this")
"""
    assert "scipy._lib._array_api" in imported_by("-c", code)


def test_a_scipy_that_has_its_functions_elsewhere_is_imported_whole() -> None:
    code = """
from meantime.later import special
import meantime.later
meantime.later.find_spec = lambda name: None
assert float(special.ndtr(0.0)) == 0.5
"""
    assert "scipy._lib._array_api" in imported_by("-c", code)
