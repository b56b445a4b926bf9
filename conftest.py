"""Which files of the package pytest may import for its doctests, and how many processes run the tests."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Generator

import pytest

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


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Let ``-n auto`` be a process more than there are processors: one waits for a disk, a browser or a server."""
    return (yield) + ("PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ)
