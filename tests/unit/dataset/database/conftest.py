"""Tests of tables in databases: a real PostgreSQL server, and SQLite. They need the extra sql."""

from __future__ import annotations

import importlib.util
import os

from tests.support.postgresql import postgresql

__all__ = ["postgresql"]

collect_ignore_glob = [
    "test_*.py" for _ in [0] if importlib.util.find_spec("sqlalchemy") is None and os.environ.get("CI") != "true"
]
