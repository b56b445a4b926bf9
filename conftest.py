"""Which files of the package pytest may import for its doctests."""

from __future__ import annotations

import importlib.util
import os

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
