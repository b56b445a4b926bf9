"""A result goes from its owner to whoever proves to be of the same group, and is asked of the owner alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

pytest.importorskip("psycopg", reason="the extra postgres is not installed: make cluster")

from meantime.engine.ports import EncodedResult, Transition
from meantime.errors import StoreBroken, StorePaused
from meantime.model import JobRecord, Receipt
from meantime.stores.memory import MemoryResultStore
from meantime.stores.postgres.host_results import PROOF_HEADER, PostgresResults
from tests.support.engine_fakes import FULL, request
from tests.support.postgres_store import postgres_store
from tests.support.waiting import PATIENCE_S, wait_until

if TYPE_CHECKING:
    from meantime.stores.postgres.store import PostgresJobStore

RESULT = EncodedResult(b"{}", 1)
Stores = tuple["PostgresJobStore", "PostgresJobStore"]


@pytest.fixture
def stores(jobs_database: str) -> Iterator[Stores]:
    one, two = postgres_store(jobs_database), postgres_store(jobs_database, name="two", address="")
    yield one, two
    one.close()
    two.close()


def done(store: PostgresJobStore) -> JobRecord:
    """A job that the host of this store has done."""
    [job] = store.add([request()], at_s=1.0).result(PATIENCE_S)
    started = job.start(at_s=2.0, host=store.me)
    ended = started.finish(RESULT.receipt(), at_s=3.0)
    store.update([Transition(job, started)]).result(PATIENCE_S)
    store.update([Transition(started, ended)]).result(PATIENCE_S)
    return ended


def asking(store: PostgresJobStore, owner: PostgresResults | None, **more: Any) -> PostgresResults:
    """The results as the host of this store sees them, with a network in which all addresses are the owner's."""

    def answer(asked: httpx.Request) -> httpx.Response:
        if owner is None:
            raise httpx.ConnectError("nobody there")
        number = int(asked.url.path.rsplit("_", 1)[1])
        body = owner.read(number, asked.headers[PROOF_HEADER])
        return httpx.Response(404) if body is None else httpx.Response(200, content=body)

    return PostgresResults(store, MemoryResultStore(), transport=httpx.MockTransport(answer), **more)


def test_a_result_is_fetched_from_its_owner(stores: Stores) -> None:
    one, two = stores
    record, files = done(one), MemoryResultStore()
    owner = PostgresResults(one, files)
    other = asking(two, owner)
    assert other.fetch(record) is None  # the owner has lost it
    files.put(record.number, RESULT)
    assert other.fetch(record) == RESULT.body
    assert owner.read(record.number, "0" * 64) is None
    assert owner.read(99, "0" * 64) is None
    owner.close()
    other.close()


def test_what_is_ones_own_or_nobodys_is_not_asked_for(stores: Stores) -> None:
    one, two = stores
    mine, other = done(one), done(two)
    results = asking(one, None)
    assert results.fetch(mine) is None
    assert results.fetch(other) is None  # it has no address
    [waiting] = one.add([request()], at_s=1.0).result(PATIENCE_S)
    assert results.fetch(waiting) is None
    assert results.read(waiting.number, "") is None


def test_an_owner_that_does_not_answer_is_waited_for_unless_it_is_lost(stores: Stores) -> None:
    one, two = stores
    record = done(one)
    results = asking(two, None)
    with pytest.raises(StorePaused) as paused:
        results.fetch(record)
    assert "http://127.0.0.1:1" in paused.value.operator_reason
    assert "http" not in paused.value.reason
    list(two.jobs())
    two.join(lambda _: None, dict)
    one.close()
    assert one.me is not None
    me = one.me
    wait_until(lambda: two.is_lost(me), "the owner still counts as there")
    assert results.fetch(record) is None


class Failing(MemoryResultStore):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def open(self, *_: Any) -> bytes | None:
        raise self.error


@pytest.mark.parametrize("error", [FULL, StoreBroken("gone")])
def test_an_owner_that_cannot_read_says_so_or_that_it_has_nothing(stores: Stores, error: Exception) -> None:
    one, two = stores
    record = done(one)
    proofs: list[str] = []

    def note(asked: httpx.Request) -> httpx.Response:
        proofs.append(asked.headers[PROOF_HEADER])
        return httpx.Response(404)

    asked = PostgresResults(two, MemoryResultStore(), transport=httpx.MockTransport(note))
    assert asked.fetch(record) is None
    owner = PostgresResults(one, Failing(error))
    read: Callable[[], bytes | None] = lambda: owner.read(record.number, proofs[0])  # noqa: E731
    if isinstance(error, StorePaused):
        with pytest.raises(StorePaused):
            read()
    else:
        assert read() is None


class Shelf:
    """A shelf with one result."""

    def __init__(self, record: JobRecord | None) -> None:
        self._record = record
        self.kept: list[int] = []

    def get(self, record: JobRecord, _: Receipt) -> bytes | None:
        return RESULT.body if record == self._record else None

    def keep(self, jobs: Callable[[], Iterator[JobRecord]], read: Callable[[int, Receipt], bytes | None]) -> None:
        self.kept = [job.number for job in jobs() if job.receipt and read(job.number, job.receipt)]


@pytest.mark.parametrize("owner_has_lost_it", [False, True])
def test_a_result_that_its_owner_does_not_send_is_looked_for_on_the_shelf(
    stores: Stores, owner_has_lost_it: bool
) -> None:
    one, two = stores
    there, absent = done(one), done(one)
    owner = PostgresResults(one, MemoryResultStore()) if owner_has_lost_it else None
    results = asking(two, owner, shelf=Shelf(there))
    assert results.fetch(there) == RESULT.body
    if owner_has_lost_it:
        assert results.fetch(absent) is None
    else:
        with pytest.raises(StorePaused):
            results.fetch(absent)


def test_a_host_that_stops_puts_what_it_can_read_on_the_shelf(stores: Stores) -> None:
    one, _ = stores
    here, damaged, files = done(one), done(one), MemoryResultStore()
    files.put(here.number, RESULT)
    files.put(damaged.number, EncodedResult(b"[]", 1))
    shelf: Any = Shelf(None)
    results = PostgresResults(one, files, shelf=shelf)
    one.close()
    results.close()
    assert shelf.kept == [here.number]
