"""A shelf of snapshots that servers share: what one has read, the others take; what is not sound is read afresh."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from structlog.testing import capture_logs

from meantime.dataset import source_snapshots
from meantime.dataset.load_status import ReloadOutcome
from meantime.dataset.reading.source import Source, parse_source
from meantime.dataset.row_files import measure
from meantime.dataset.shelf_identity import shelf_identity
from meantime.dataset.snapshot_parts import seal, unseal
from meantime.errors import SettingInvalid
from tests.support.catalogs import Workspace
from tests.support.object_storage import Bucket
from tests.support.shelves import AnyShelf, BucketShelf, FolderShelf, needs_object_storage
from tests.support.waiting import PATIENCE_S, join

if TYPE_CHECKING:
    from meantime.dataset.object_storage.shelf import SnapshotShelf

pytestmark = needs_object_storage


@pytest.fixture
def folder_shelf(tmp_path: Path) -> FolderShelf:
    return FolderShelf(tmp_path / "shelf")


@pytest.fixture
def server(tmp_path: Path) -> Callable[[AnyShelf], Workspace]:
    """Make servers, each with a state directory of its own."""

    def make(shelf: AnyShelf) -> Workspace:
        folder = tmp_path / f"server-{len(list(tmp_path.glob('server-*')))}"
        folder.mkdir()
        workspace = Workspace(folder)
        workspace.shelf = opened(shelf.address)
        return workspace

    return make


def opened(address: str, **more: Any) -> SnapshotShelf:
    from meantime.dataset.object_storage.shelf import SnapshotShelf

    return SnapshotShelf(address, **more)


def load(server: Workspace, source: Source) -> str:
    """Have a source loaded, and put on the shelf if it was read; return its fingerprint."""
    with server.serving(source) as catalog:
        # The loader comes to this when it has put what it has read.
        assert catalog.reload(source.name).result(PATIENCE_S) is ReloadOutcome.UNCHANGED
        return catalog.snapshot(source.name).fingerprint


def test_a_second_server_takes_what_the_first_has_read(
    shelf: AnyShelf, server: Callable[[AnyShelf], Workspace]
) -> None:
    one, other = server(shelf), server(shelf)
    first = load(one, one.source("a", "1", "2"))
    # Another file of the same content, elsewhere.
    with capture_logs() as events:
        assert load(other, other.source("a", "1", "2")) == first
    assert (one.ingestor.read, other.ingestor.read) == (["a"], [])
    assert [event["event"] for event in events] == ["a snapshot was taken from the shelf"]
    assert contents(other.snapshots) == contents(one.snapshots)


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "sources.json")
    return {path.relative_to(folder).as_posix(): measure(path).digest for path in files}


def test_the_files_are_read_for_their_name_once_before_they_are_read_and_once_before_it_is_put(
    folder_shelf: FolderShelf, server: Callable[[AnyShelf], Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[str] = []

    def counted(source: Source, **how: Any) -> str:
        named.append(source.name)
        return shelf_identity(source, **how)

    monkeypatch.setattr(source_snapshots, "shelf_identity", counted)
    one = server(folder_shelf)
    load(one, one.source("a", "1"))
    assert named == ["a", "a"]


def test_of_objects_neither_the_rows_nor_the_file_are_fetched_by_the_second_server(
    bucket: Bucket, server: Callable[[AnyShelf], Workspace]
) -> None:
    shelf = BucketShelf(bucket)
    one, other = server(shelf), server(shelf)
    bucket.put("tables/a.json", Path(one.source("a", "1").path).read_bytes())
    source = parse_source(bucket.address("tables/a.json"))
    assert load(one, source) == load(other, source)
    assert other.ingestor.read == []
    assert not list((other.folder / "state" / "downloads").glob("*/files"))


def test_what_was_taken_is_known_at_the_next_start(
    folder_shelf: FolderShelf, server: Callable[[AnyShelf], Workspace]
) -> None:
    one, other = server(folder_shelf), server(folder_shelf)
    load(one, one.source("a", "1"))
    source = other.source("a", "1")
    load(other, source)
    other.shelf = None
    load(other, source)
    assert other.ingestor.read == []


@pytest.mark.parametrize("what", ["content", "name", "column", "setting", "description", "limit"])
def test_what_is_read_otherwise_is_something_else(
    folder_shelf: FolderShelf, server: Callable[[AnyShelf], Workspace], what: str
) -> None:
    one, other = server(folder_shelf), server(folder_shelf)
    load(one, one.source("a", "1"))
    source: Source = other.source("a", "2" if what == "content" else "1", file="b" if what == "name" else None)
    if what == "column":
        source = msgspec.structs.replace(source, columns={"value": "value"})
    elif what == "setting":
        source = msgspec.structs.replace(source, settings={"title": "Another"})
    elif what == "description":
        Path(f"{source.path}.toml").write_text('title = "Another"\n')
    elif what == "limit":
        other.ingestor.rejected_limit = 0.5
    load(other, source)
    assert other.ingestor.read == ["a"]


def flipped(body: bytes) -> bytes:
    return bytes([body[0] ^ 1]) + body[1:]


@pytest.mark.parametrize("harm", ["removed", "flipped", "cut", "emptied"])
def test_whatever_is_damaged_or_missing_is_read_afresh_and_put_again(
    shelf: AnyShelf, server: Callable[[AnyShelf], Workspace], harm: str
) -> None:
    one = server(shelf)
    first = load(one, one.source("a", "1"))
    whole = {name: shelf.read(name) for name in shelf.names()}
    assert len(whole) == 5  # the entry, two manifests, cells, rows
    for name, body in whole.items():
        if harm == "removed":
            shelf.remove(name)
        else:
            shelf.write(name, {"flipped": flipped(body), "cut": body[:-1], "emptied": b""}[harm])
        other = server(shelf)
        assert load(other, other.source("a", "1")) == first
        assert other.ingestor.read == ["a"], name
        assert {each: shelf.read(each) for each in shelf.names()} == whole, name


def test_an_entry_that_names_files_elsewhere_is_not_followed(
    folder_shelf: FolderShelf, server: Callable[[AnyShelf], Workspace], tmp_path: Path
) -> None:
    one = server(folder_shelf)
    load(one, one.source("a", "1"))
    [entry] = folder_shelf.names("sources/")
    said = msgspec.json.decode(unseal(folder_shelf.read(entry)) or b"")
    for key, value in (("folder", "../../outside"), ("identity", "0" * 64)):
        folder_shelf.write(entry, seal(msgspec.json.encode(said | {key: value})))
        other = server(folder_shelf)
        load(other, other.source("a", "1"))
        assert other.ingestor.read == ["a"]
    said["files"][0]["name"] = "../../../outside"
    folder_shelf.write(entry, seal(msgspec.json.encode(said)))
    other = server(folder_shelf)
    load(other, other.source("a", "1"))
    assert other.ingestor.read == ["a"]
    assert not list(tmp_path.rglob("outside"))


def test_files_that_are_sound_but_not_of_one_snapshot_are_read_afresh(
    folder_shelf: FolderShelf, server: Callable[[AnyShelf], Workspace]
) -> None:
    one = server(folder_shelf)
    load(one, one.source("a", "1"))
    [entry] = folder_shelf.names("sources/")
    load(one, one.source("b", "2"))
    [another] = set(folder_shelf.names("sources/")) - {entry}
    said, others = (msgspec.json.decode(unseal(folder_shelf.read(each)) or b"") for each in (entry, another))
    folder_shelf.write(entry, seal(msgspec.json.encode(said | {"files": others["files"]})))
    other = server(folder_shelf)
    load(other, other.source("a", "1"))
    assert other.ingestor.read == ["a"]


def test_several_servers_that_put_at_once_leave_one_usable_snapshot(
    shelf: AnyShelf, server: Callable[[AnyShelf], Workspace]
) -> None:
    servers = [server(shelf) for _ in range(4)]
    barrier = threading.Barrier(len(servers))

    def meet(_source: Source, _cancelled: threading.Event) -> None:
        barrier.wait(PATIENCE_S)

    for each in servers:
        each.ingestor.midway = meet
    with ThreadPoolExecutor(len(servers)) as pool:
        found = set(pool.map(lambda each: load(each, each.source("a", "1")), servers))
    assert [each.ingestor.read for each in servers] == [["a"]] * len(servers)
    other = server(shelf)
    assert {load(other, other.source("a", "1"))} == found
    assert other.ingestor.read == []


def test_a_file_of_several_megabytes_is_put_in_parts(shelf: AnyShelf, server: Callable[[AnyShelf], Workspace]) -> None:
    one, other = server(shelf), server(shelf)
    values = [str(number) for number in range(150_000)]
    load(one, one.source("a", *values))
    assert max(len(shelf.read(name)) for name in shelf.names("files/")) > 5 * 2**20
    load(other, other.source("a", *values))
    assert other.ingestor.read == []


def test_a_shelf_that_is_away_costs_a_line_in_the_log(
    bucket: Bucket, server: Callable[[AnyShelf], Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    one = server(BucketShelf(bucket))
    with capture_logs() as events:
        load(one, one.source("a", "1"))
    assert [event["event"] for event in events] == [
        "the shelf cannot be used; the source is read",
        "a snapshot could not be put on the shelf",
    ]
    assert all("cannot be reached" in event["reason"] for event in events)


@pytest.mark.parametrize(
    ("address", "says"),
    [("/no/such/folder", "a folder that is there"), ("https://example.org/", "s3://BUCKET/PREFIX"),
     ("s3://KEY:hidden@bucket/", "s3://BUCKET/")],
)  # fmt: skip
def test_a_shelf_that_cannot_be_one_is_refused_at_the_start(address: str, says: str) -> None:
    with pytest.raises(SettingInvalid, match=says) as refused:
        opened(address)
    assert "hidden" not in refused.value.operator_reason


PUT = """
import sys, threading
from pathlib import Path
from meantime.dataset.object_storage.shelf import SnapshotShelf
SnapshotShelf(sys.argv[1]).put(sys.argv[2], Path(sys.argv[3]), threading.Event())
"""


class Forwarder:
    """Hands requests on to the storage, and kills a process when it puts its object number ``kill_at``."""

    def __init__(self, storage: str, *, kill_at: int, before: bool) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.puts = 0
        host = storage.removeprefix("http://")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler) -> None:  # noqa: N805 - self is the forwarder's
                is_put = handler.command == "PUT"
                self.puts += is_put
                if is_put and self.puts == kill_at and before:
                    self.kill()
                body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
                connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
                connection.request(handler.command, handler.path, body, dict(handler.headers))
                answer = connection.getresponse()
                sent = answer.read()
                if is_put and self.puts == kill_at:
                    self.kill()
                handler.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        handler.send_header(name, value)
                handler.send_header("Content-Length", str(len(sent)))
                handler.end_headers()
                handler.wfile.write(sent)

            do_PUT = do_HEAD = do_POST = do_GET  # noqa: N815 - as the server of the library calls them

            def log_message(handler, *_: Any) -> None:  # noqa: N805 - as above
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        join(self._thread)


@pytest.mark.thorough
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("kill_at", [1, 3, 5])
def test_a_server_that_is_killed_while_it_puts_leaves_a_shelf_that_is_used(
    bucket: Bucket, server: Callable[[AnyShelf], Workspace], tmp_path: Path, kill_at: int, before: bool
) -> None:
    shelf = BucketShelf(bucket)
    alone = Workspace(tmp_path)
    source = alone.source("a", "1")
    first = load(alone, source)
    name = shelf_identity(
        source, rejected_limit=alone.ingestor.rejected_limit, with_paths=False, cancelled=threading.Event()
    )
    forwarder = Forwarder(bucket.storage.url, kill_at=kill_at, before=before)
    try:
        forwarder.process = subprocess.Popen(
            [sys.executable, "-c", PUT, shelf.address, name, str(alone.snapshots / first)],
            env={**os.environ, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{forwarder.server.server_port}"},
        )
        assert forwarder.process.wait(PATIENCE_S) == -signal.SIGKILL
    finally:
        forwarder.close()
    is_whole = kill_at == 5
    one, other = server(shelf), server(shelf)
    assert load(one, one.source("a", "1")) == first
    assert one.ingestor.read == ([] if is_whole else ["a"])
    assert load(other, other.source("a", "1")) == first
    assert other.ingestor.read == []
