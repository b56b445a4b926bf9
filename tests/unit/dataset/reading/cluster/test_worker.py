"""A worker compares versions and the file before it reads, and says what differs, where, and what to do."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec

from meantime.dataset.reading.cluster.gathering import _order_for
from meantime.dataset.reading.cluster.orders import TallyOrder, TallyReply
from meantime.dataset.reading.cluster.worker import carried_out, digest_of
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.source import Source
from tests.support.table_files import HEADER, write


def order_for(path: Path) -> TallyOrder:
    order = TallyOrder(
        source=Source(name="test", path=str(path)),
        description=Description(),
        columns_by_hand={},
        title="Test",
        described_in="test.toml",
        rejected_limit=0.5,
        memory_mb=512,
    )
    return _order_for(order, path)


def reply_to(order: TallyOrder, folder: Path, digest: str | None = None) -> TallyReply:
    with carried_out(order, folder / "work", worker="w1", cancelled=threading.Event(), digest=digest) as (reply, _):
        return reply


def refusal(reply: TallyReply) -> str:
    assert reply.error is not None
    assert reply.error.kind == "LoadFailed"
    return reply.error.operator_message


def test_a_worker_without_the_file_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\nTea,Avalon,1\n")
    order = order_for(path)
    path.unlink()
    said = refusal(reply_to(order, tmp_path))
    assert said.startswith(f"The worker w1 has no file {path}. Each worker needs the files under the same path")


def test_a_file_of_another_size_is_another_file(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\nTea,Avalon,1\n")
    order = msgspec.structs.replace(order_for(path), size_bytes=10)
    said = refusal(reply_to(order, tmp_path))
    assert f"is not the file of this server: it has {path.stat().st_size} bytes there and 10 here. Copy" in said


def test_a_copy_of_another_time_is_as_good_if_its_bytes_are_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\nTea,Avalon,1\n")
    order = order_for(path)
    os.utime(path, ns=(1, 1))
    asked = reply_to(order, tmp_path)
    assert (asked.error, asked.tallied, asked.digest) == (None, None, digest_of(path))
    found = reply_to(order, tmp_path, digest=digest_of(path))
    assert found.tallied is not None
    assert found.tallied.table.roles["value"] == "Data_Value"
    assert "it has other bytes there. Copy the file again" in refusal(reply_to(order, tmp_path, digest="0" * 64))


def test_a_worker_of_another_version_reads_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\nTea,Avalon,1\n")
    order = order_for(path)
    versions = order.versions | {"python": "2.7", "duckdb": "0.1"}
    said = refusal(reply_to(msgspec.structs.replace(order, versions=versions), tmp_path))
    assert said.startswith("The worker w1 has python 3.")
    assert "instead of 2.7 and duckdb" in said
    assert "install those of this server there" in said
