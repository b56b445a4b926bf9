"""A damaged database: a record is told as it was, or as damaged, and never as another one."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from meantime.engine.ports import Transition
from meantime.errors import Failure, JobCancelled, StoreBroken, StoreError
from meantime.model import IdempotencyKey, JobRecord, Receipt
from meantime.stores.sqlite import SqliteJobStore
from tests.support.engine_fakes import request
from tests.support.examples import one_case_in
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


@pytest.mark.parametrize("seed", one_case_in(3, range(8)))
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


def cells(content: bytes) -> Iterator[int]:
    """Return where the numbers of rows are in a database: each leaf of the table has a list of its cells."""
    page_bytes = int.from_bytes(content[16:18])
    for page in range(page_bytes, len(content), page_bytes):
        if content[page] == 13 and b"echo" in content[page : page + page_bytes]:
            count = int.from_bytes(content[page + 3 : page + 5])
            for at in range(page + 8, page + 8 + 2 * count, 2):
                cell = page + int.from_bytes(content[at : at + 2])
                yield cell + 1 + (content[cell] > 127)  # after the size of the row, of one or two bytes


def test_a_job_whose_number_was_damaged_is_there_under_its_own_and_hides_no_other(tmp_path: Path) -> None:
    path, copy = tmp_path / "jobs.sqlite3", tmp_path / "copy.sqlite3"
    store = opened(path)
    key = IdempotencyKey(key="k", digest="d")
    # These are in no index, which would tell that their numbers are wrong.
    unindexed = msgspec.structs.replace(request("echo"), fingerprint=None)
    store.add([unindexed] * 2, at_s=1.0).result(PATIENCE_S)
    store.add([request("echo", text="x" * 900)] * 8, at_s=1.0, idempotency_key=key).result(PATIENCE_S)
    store.add([unindexed] * 2, at_s=1.0).result(PATIENCE_S)
    records = list(store.jobs())
    store.close()
    sound = path.read_bytes()
    numbers = list(cells(sound))
    assert len(numbers) == len(records)
    for at in numbers:
        for bit in range(7):
            copy.write_bytes(flipped(sound, at, 1 << bit))
            with closing(opened(copy)) as store:
                assert list(store.jobs()) == records, (at, bit)
                assert [store.get(record.number) for record in records] == records, (at, bit)
                assert store.accepted_under("k") == records[2:10]


def flipped(content: bytes, at: int, bits: int) -> bytes:
    return content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :]


def test_of_two_rows_with_one_number_the_sound_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    one, _, cancelled = filled(path)
    content = path.read_bytes()
    second = list(cells(content))[1]
    claims_to_be_the_first = flipped(content, second, 2 ^ 1)
    path.write_bytes(flipped(claims_to_be_the_first, content.index(b"mine", second), 1))
    with closing(opened(path)) as store:
        assert list(store.jobs()) == [one, cancelled]


def test_of_a_row_under_a_wrong_number_that_no_table_may_hold_the_number_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    one, _, cancelled = filled(path)
    content = path.read_bytes()
    second = list(cells(content))[1]
    out_of_order = flipped(content, second, 64)
    path.write_bytes(flipped(out_of_order, content.index(b"mine", second), 128))  # no text
    with closing(opened(path)) as store:
        assert list(store.jobs()) == [one, cancelled, JobRecord.damaged(66)]
        assert store.get(3) == cancelled


def with_a_log(path: Path, *, commits: int) -> list[JobRecord]:
    """Make a database whose last jobs are in its log, a commit each, as a killed server leaves it; return all jobs."""
    made = path.parent / "made"
    made.mkdir()
    store = opened(made / path.name)
    records = [store.add([request("echo")], at_s=1.0).result(PATIENCE_S)[0] for _ in range(commits)]
    for file in made.iterdir():
        shutil.copy(file, path.parent)
    store.close()
    return records


def test_a_log_that_was_damaged_after_it_was_written_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    records = with_a_log(path, commits=3)
    log = tmp_path / "jobs.sqlite3-wal"
    sound = log.read_bytes()
    for at in range(0, len(sound), 251):
        log.write_bytes(damaged := flipped(sound, at, 1 << at % 8))
        with pytest.raises(StoreBroken) as caught:
            opened(path).close()
        assert "(jobs.sqlite3-wal) is damaged" in caught.value.reason, at
        assert str(tmp_path) in caught.value.operator_reason
        assert log.read_bytes() == damaged
    log.write_bytes(sound)
    with closing(opened(path)) as store:
        assert list(store.jobs()) == records


@pytest.mark.parametrize("is_noted", [True, False])
def test_the_last_commit_of_a_log_is_missed_if_somebody_was_told_of_it(tmp_path: Path, *, is_noted: bool) -> None:
    path = tmp_path / "jobs.sqlite3"
    records = with_a_log(path, commits=3)
    log = tmp_path / "jobs.sqlite3-wal"
    content = log.read_bytes()
    log.write_bytes(flipped(content, len(content) - 5, 1))
    if is_noted:
        with pytest.raises(StoreBroken):
            opened(path)
        return
    # As a power cut leaves it, which nobody was told of.
    (tmp_path / "last-number").unlink()
    with closing(opened(path)) as store:
        assert list(store.jobs()) == records[:2]


def test_a_log_beside_a_new_database_is_none_of_its_own(tmp_path: Path) -> None:
    with_a_log(tmp_path / "jobs.sqlite3", commits=2)
    (tmp_path / "jobs.sqlite3").unlink()
    with closing(opened(tmp_path / "jobs.sqlite3")) as store:
        assert list(store.jobs()) == []
        assert store.add([request("echo")], at_s=1.0).result(PATIENCE_S)[0].number == 3


def test_an_empty_log_lacks_nothing(tmp_path: Path) -> None:
    records = filled(tmp_path / "jobs.sqlite3")
    (tmp_path / "jobs.sqlite3-wal").touch()
    with closing(opened(tmp_path / "jobs.sqlite3")) as store:
        assert list(store.jobs()) == records
