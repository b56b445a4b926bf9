"""A server whose data set is a table in a real PostgreSQL."""

from __future__ import annotations

import importlib.util
import os
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.postgresql import PASSWORD, PostgresServer, postgresql
from tests.support.server_process import RunningServer
from tests.support.waiting import poll

__all__ = ["postgresql"]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sqlalchemy") is None and os.environ.get("CI") != "true",
    reason="the extra sql is not installed: make cluster",
)


def test_a_table_is_served_followed_and_shown_and_the_password_is_nowhere(
    postgresql: PostgresServer, tmp_path: Path
) -> None:
    import psycopg

    database = postgresql.new_database()
    with psycopg.connect(database, password=PASSWORD) as connection:
        connection.execute('CREATE TABLE t ("Question" text, "LocationDesc" text, "Data_Value" numeric, name text)')
        connection.execute(
            "INSERT INTO t VALUES ('Q', 'Utah', 1, 'Ada'), ('Q', 'Utah', 1, 'Bo'), ('Q', 'Ohio', 4, 'Cy')"
        )
    state = tmp_path / "state"
    with closing(RunningServer(f"health={database}?table=t", state_dir=state, PGPASSWORD=PASSWORD)) as server:
        server.ready()
        answer = server.client.get("/v1/statistics/states_mean?question=Q").json()
        assert [(row["location"], row["mean"]) for row in answer["rows"]] == [("Utah", 1.0), ("Ohio", 4.0)]
        rows = "/v1/statistics/states_mean/rows.csv?question=Q&key=Utah"
        assert "Ada" not in server.client.get(rows).text
        assert server.client.get(f"{rows}&in_database=yes").text.count(",2,2,0.5,Q,Utah,1,") == 2
        with psycopg.connect(database, password=PASSWORD) as connection:
            connection.execute("DELETE FROM t WHERE name = 'Bo'")
        changed = server.client.get(f"{rows}&in_database=yes").text
        assert ",2,1,0.5,Q,Utah,1,Ada" in changed
        server.client.post("/v1/datasets/health/reload").raise_for_status()
        poll(lambda: server.client.get("/v1/datasets/health").json()["rows"], lambda number: number == 2)
        with psycopg.connect(database, password=PASSWORD) as connection:
            connection.execute("DROP TABLE t")
        refused = server.client.get(f"{rows}&in_database=yes")
        assert (refused.status_code, refused.json()["code"]) == (424, "table-not-readable")
        everything = [answer, refused.text, server.client.get("/v1/datasets").text, *server.output]
    written = [path.read_bytes() for path in state.rglob("*") if path.is_file()]
    assert not any(PASSWORD in str(each) for each in everything)
    assert not any(PASSWORD.encode() in each for each in written)
