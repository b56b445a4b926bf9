"""Stores of jobs in a PostgreSQL of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.postgresql import PASSWORD, PostgresServer

if TYPE_CHECKING:
    from meantime.stores.postgres.store import PostgresJobStore


@pytest.fixture
def jobs_database(postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a database without jobs; its password is in the environment."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return emptied(postgresql)


def emptied(server: PostgresServer) -> str:
    """Empty the database of a server, and return its address: quicker than a new one for each test."""
    address = server.url()
    execute(address, "DROP SCHEMA IF EXISTS meantime CASCADE")
    return address


def execute(address: str, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one statement, as somebody with psql would."""
    import psycopg

    with psycopg.connect(address, autocommit=True, password=PASSWORD) as connection:
        cursor = connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


def postgres_store(database: str, *, name: str = "one", **more: Any) -> PostgresJobStore:
    """A host's store in a database."""
    from meantime.stores.postgres.store import PostgresJobStore

    def died(role: str, error: BaseException) -> None:
        raise AssertionError(f"{role} died") from error

    settings: dict[str, Any] = {
        "address": "http://127.0.0.1:1",
        "lease_s": 15.0,
        "on_broken": lambda error: pytest.fail(str(error)),
        "on_death": died,
    }
    return PostgresJobStore(database, name=name, **(settings | more))
