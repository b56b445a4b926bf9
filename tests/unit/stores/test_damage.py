"""A damaged database: a record is told as it was, or as damaged, and never as another one."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from meantime.engine.ports import Transition
from meantime.errors import Failure, JobCancelled, StoreError
from meantime.model import IdempotencyKey, JobRecord, Receipt
from meantime.stores.sqlite import SqliteJobStore
from tests.support.engine_fakes import request
from tests.support.waiting import PATIENCE_S

COLUMNS = [
    *("state", "attempts", "dataset", "statistic", "parameters", "view", "fingerprint", "created_at_s", "started_at_s"),
    *("ended_at_s", "failure", "receipt", "label", "once_key", "once_digest", "submitted_by", "checksum"),
]
# Values that a column may have as well, but that no row of these tests has.
OTHERS: dict[str, Any] = {
    "state": "failed",
    "attempts": 7,
    "created_at_s": 9.5,
    "started_at_s": 9.5,
    "ended_at_s": 9.5,
    "checksum": 7,
}


def opened(path: Path) -> SqliteJobStore:
    return SqliteJobStore(path, on_broken=lambda error: pytest.fail(str(error)))


def filled(path: Path) -> list[JobRecord]:
    """Make a store with a job that waits, one that is done and one that was cancelled; return their records."""
    store = opened(path)
    key = IdempotencyKey(key="k", digest="d")
    labelled = msgspec.structs.replace(request(question="Qué?"), label="mine", submitted_by="3f9a1c20")
    one, two, three = store.add([labelled] * 3, at_s=1.0, idempotency_key=key).result(PATIENCE_S)
    started = two.start(at_s=2.0)
    done = started.finish(Receipt(checksum="00", size_bytes=7, method_version=1), at_s=3.0)
    cancelled = three.cancel(Failure.of(JobCancelled("Not needed.")), at_s=3.0)
    store.update([Transition(two, started), Transition(started, done), Transition(three, cancelled)]).result(PATIENCE_S)
    assert list(store.jobs()) == [one, done, cancelled]
    store.close()
    return [one, done, cancelled]


def changed(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement, values)


# By later versions of the table, in this order.
_ADDED = ("label", "once_key", "once_digest", "submitted_by", "checksum")


def test_the_table_has_these_columns(tmp_path: Path) -> None:
    filled(tmp_path / "jobs.sqlite3")
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite3")) as other:
        assert [row[1] for row in other.execute("PRAGMA table_info(jobs)")] == [
            "number",
            *(column for column in COLUMNS if column not in _ADDED),
            *_ADDED,
        ]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_row_with_any_value_changed_is_set_aside_and_the_others_are_served(tmp_path: Path, column: str) -> None:
    one, done, cancelled = filled(tmp_path / "jobs.sqlite3")
    changed(tmp_path / "jobs.sqlite3", f"UPDATE jobs SET {column} = ? WHERE number = 2", OTHERS.get(column, "other"))
    store = opened(tmp_path / "jobs.sqlite3")
    assert list(store.jobs()) == [one, JobRecord.damaged(2), cancelled]
    assert store.get(2) == JobRecord.damaged(2)
    assert done not in store.accepted_under("k")
    store.close()


def test_a_row_under_another_number_is_damaged(tmp_path: Path) -> None:
    one, _, cancelled = filled(tmp_path / "jobs.sqlite3")
    changed(tmp_path / "jobs.sqlite3", "UPDATE jobs SET number = 66 WHERE number = 2")
    store = opened(tmp_path / "jobs.sqlite3")
    assert list(store.jobs()) == [one, cancelled, JobRecord.damaged(66)]
    store.close()


def test_bytes_that_are_no_text_are_a_damaged_record(tmp_path: Path) -> None:
    one, _, cancelled = filled(tmp_path / "jobs.sqlite3")
    changed(tmp_path / "jobs.sqlite3", "UPDATE jobs SET dataset = CAST(x'ff41' AS TEXT) WHERE number = 2")
    store = opened(tmp_path / "jobs.sqlite3")
    assert list(store.jobs()) == [one, JobRecord.damaged(2), cancelled]
    store.close()


def test_a_damaged_job_can_be_removed_whatever_its_row_says(tmp_path: Path) -> None:
    one, _, cancelled = filled(tmp_path / "jobs.sqlite3")
    changed(tmp_path / "jobs.sqlite3", "UPDATE jobs SET state = 'queued' WHERE number = 2")
    store = opened(tmp_path / "jobs.sqlite3")
    assert store.remove([1, 2]).result(PATIENCE_S) == [JobRecord.damaged(2)]
    assert list(store.jobs()) == [one, cancelled]
    store.close()


def test_a_key_whose_jobs_are_damaged_may_make_them_anew(tmp_path: Path) -> None:
    filled(tmp_path / "jobs.sqlite3")
    changed(tmp_path / "jobs.sqlite3", "UPDATE jobs SET view = 'other'")
    store = opened(tmp_path / "jobs.sqlite3")
    assert store.accepted_under("k") == []
    store.close()


def test_a_damaged_index_is_made_again(tmp_path: Path) -> None:
    records = filled(tmp_path / "jobs.sqlite3")
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite3", isolation_level=None)) as other:
        [(page,)] = other.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'jobs_by_once_key'").fetchall()
        [(size,)] = other.execute("PRAGMA page_size").fetchall()
    content = bytearray((tmp_path / "jobs.sqlite3").read_bytes())
    at = content.index(b"k", (page - 1) * size + size - 40)  # the key in the last entry of the page
    content[at] ^= 1
    (tmp_path / "jobs.sqlite3").write_bytes(content)
    with capture_logs() as events:
        store = opened(tmp_path / "jobs.sqlite3")
    assert [event["log_level"] for event in events] == ["warning"]
    assert store.accepted_under("k") == records
    store.close()


def read(path: Path) -> list[JobRecord]:
    store = SqliteJobStore(path, on_broken=lambda _error: None)
    try:
        return list(store.jobs())
    finally:
        store.close()


@pytest.mark.parametrize("seed", range(8))
def test_no_flipped_bit_makes_a_record_another_one_or_a_traceback(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - which bits are flipped is no secret
    path = tmp_path / "jobs.sqlite3"
    records = {record.number: record for record in filled(path)}
    sound = path.read_bytes()
    # The pages that hold something: most of a small file is empty, and a flip there tells nothing.
    used = [at for at, byte in enumerate(sound) if byte]
    damaged = refused = 0
    for _ in range(60):
        bits = bytearray(sound)
        bits[rng.choice(used)] ^= 1 << rng.randrange(8)
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(bits)
        try:
            found = read(path)
        except StoreError:
            refused += 1
        else:
            for record in found:
                assert record in (records.get(record.number), JobRecord.damaged(record.number))
                damaged += record.is_damaged
    assert damaged
    assert refused


def test_no_job_is_hidden_by_a_damaged_page(tmp_path: Path) -> None:
    """Each byte that says what a page is, or where its cells are: the store does not open, or has every job."""
    path, copy = tmp_path / "jobs.sqlite3", tmp_path / "copy.sqlite3"
    store = opened(path)
    store.add([request(text="x" * 200)] * 60, at_s=1.0).result(PATIENCE_S)
    store.close()
    sound, refused = path.read_bytes(), 0
    with closing(sqlite3.connect(path)) as connection:
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    for page in range(1, len(sound) // page_bytes):
        for offset in (0, 3, 4, 5, 8, 9, 11):
            damaged = bytearray(sound)
            damaged[page * page_bytes + offset] ^= 1 << offset % 8
            copy.write_bytes(damaged)
            try:
                store = opened(copy)
            except StoreError:
                refused += 1
                continue
            numbers = sorted(job.number for job in store.jobs())
            store.close()
            assert numbers == list(range(1, 61)), (page, offset)
    assert refused
