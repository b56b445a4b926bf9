"""Which files pytest looks for doctests in, and how many processes run the tests."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.doctest import DoctestModule

# What extras need is not installed everywhere; where CI=true, it has to be.
_EXTRAS = (
    ("distributed", "src/meantime/dataset/reading/cluster/dask_workers.py"),
    ("obstore", "src/meantime/dataset/object_storage/*.py"),
    ("obstore", "src/meantime/stores/postgres/result_shelf.py"),
    ("psycopg", "src/meantime/stores/postgres/*.py"),
    ("sqlalchemy", "src/meantime/dataset/database/*.py"),
)

collect_ignore_glob = [
    files for package, files in _EXTRAS if importlib.util.find_spec(package) is None and os.environ.get("CI") != "true"
]


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Look for doctests where there are some: to import each file, and each test file twice, takes seconds."""
    collectors = yield
    without = file_path.suffix == ".py" and b">>>" not in file_path.read_bytes()
    return [each for each in collectors if not (without and isinstance(each, DoctestModule))]


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Let ``-n auto`` be a process more than there are processors: one waits for a disk, a browser or a server."""
    return (yield) + ("PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ)
