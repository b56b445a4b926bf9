"""A data set whose files are in object storage: fetched when they are to be read, and known by their ETags."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Failed, Ready, ReloadOutcome
from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.source import Source, parse_source
from meantime.dataset.source_downloads import SourceDownloads
from meantime.errors import DataError, LoadCancelled, LoadFailed, MeantimeError, SourceChanged, SourceUnreadable
from tests.support import factories
from tests.support.catalogs import Workspace
from tests.support.file_server import Answer, file_server, sends
from tests.support.object_storage import Bucket
from tests.support.waiting import PATIENCE_S

SAMPLE = Path(__file__).parents[2] / "fixtures"
HEADER = "Question,LocationDesc,YearStart,Data_Value\n"


def table(*values: str) -> bytes:
    return json.dumps([factories.row(value=value) for value in values]).encode()


def csv(*values: str) -> bytes:
    return (HEADER + "".join(f"Obesity,Utah,{2000 + number},{value}\n" for number, value in enumerate(values))).encode()


@pytest.fixture
def source(bucket: Bucket) -> Source:
    bucket.put("tables/a.json", table("1"))
    return parse_source(f"stored={bucket.address('tables/a.json')}")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def downloads(tmp_path: Path) -> SourceDownloads:
    return SourceDownloads(tmp_path / "downloads", limit_mb=1)


def refresh(downloads: SourceDownloads, source: Source) -> None:
    downloads.refresh(source, lambda _: None, threading.Event(), must_be_newest=True)


def fetch(downloads: SourceDownloads, source: Source) -> Path:
    downloads.fetch(source, lambda _: None, threading.Event())
    return Path(source.path)


def test_an_object_is_read_again_only_when_it_has_changed(workspace: Workspace, bucket: Bucket, source: Source) -> None:
    with workspace.serving(source) as catalog:
        first = catalog.snapshot("stored").fingerprint
        assert catalog.reload("stored").result(PATIENCE_S) is ReloadOutcome.UNCHANGED
        bucket.put("tables/a.json", table("2"))
        assert catalog.reload("stored").result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert catalog.snapshot("stored").fingerprint != first
    assert workspace.ingestor.read == ["stored", "stored"]


def test_an_unchanged_object_is_neither_fetched_nor_read_at_a_restart(workspace: Workspace, source: Source) -> None:
    with workspace.serving(source) as catalog:
        first = catalog.snapshot("stored").fingerprint
    for files in (workspace.folder / "state" / "downloads").glob("*/files"):
        shutil.rmtree(files)
    with workspace.serving(source) as catalog:
        assert catalog.snapshot("stored").fingerprint == first
    assert workspace.ingestor.read == ["stored"]
    assert not list((workspace.folder / "state" / "downloads").glob("*/files"))


def test_an_object_that_is_replaced_before_it_is_fetched_is_looked_for_again(
    downloads: SourceDownloads, bucket: Bucket, source: Source
) -> None:
    [located] = downloads.located([source])
    refresh(downloads, located)
    bucket.put("tables/a.json", table("2"))
    assert fetch(downloads, located).read_bytes() == table("2")


def test_an_object_that_is_replaced_again_and_again_is_refused(
    downloads: SourceDownloads, bucket: Bucket, source: Source
) -> None:
    del source
    values = iter(range(10, 100))

    def replace(_: object) -> None:
        for name in ("0", "a"):
            bucket.put(f"tables/{name}.json", table(str(next(values))))

    # Whenever the first one was fetched, both are replaced.
    bucket.put("tables/0.json", table("0"))
    [both] = downloads.located([parse_source(f"both={bucket.address('tables/*.json')}")])
    refresh(downloads, both)
    with pytest.raises(SourceChanged, match=r"tables/a\.json was replaced while"):
        downloads.fetch(both, replace, threading.Event())


def test_of_several_objects_those_that_have_changed_are_fetched_and_those_gone_removed(
    downloads: SourceDownloads, bucket: Bucket
) -> None:
    for name in ("a", "b", "c"):
        bucket.put(f"tables/{name}.csv", csv("1"))
    [several] = downloads.located([parse_source(bucket.address("tables/"))])
    refresh(downloads, several)
    folder = fetch(downloads, several)
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert sorted(before) == ["a.csv", "b.csv", "c.csv"]
    bucket.put("tables/b.csv", csv("2"))
    bucket.delete("tables/c.csv")
    refresh(downloads, several)
    fetch(downloads, several)
    after = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert sorted(after) == ["a.csv", "b.csv"]
    assert after["a.csv"] == before["a.csv"]
    assert (folder / "b.csv").read_bytes() == csv("2")


@pytest.mark.parametrize(
    "shape", ["one file", "packed", "a folder", "a glob", "a glob of folders", "with a description"]
)
def test_a_table_in_object_storage_has_the_fingerprint_of_the_same_files_here(
    tmp_path: Path, bucket: Bucket, shape: str
) -> None:
    files: dict[str, bytes]
    path, files = {
        "one file": ("a.csv", {"a.csv": csv("1", "2"), "b.csv": csv("3")}),
        "packed": ("a.csv.gz", {"a.csv.gz": gzip.compress(csv("1", "2"), mtime=0)}),
        "a folder": ("", {"a.csv": csv("1"), "b.csv": csv("2"), "read.me": b"no", ".c.csv": b"no", "x/d.csv": b"no"}),
        "a glob": ("*-1.csv", {"a-1.csv": csv("1"), "b-1.csv": csv("2"), "c-2.csv": b"no"}),
        "a glob of folders": ("**/[ab].csv", {"a.csv": csv("1"), "x/y/b.csv": csv("2"), "x/.y/a.csv": b"no"}),
        "with a description": (
            "a.csv",
            {"a.csv": csv("1").replace(b"Data_Value", b"N"), "a.csv.toml": b'[columns]\nvalue = "N"\n'},
        ),
    }[shape]
    here = tmp_path / "tables"
    for name, body in files.items():
        bucket.put(f"tables/{name}", body)
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(body)
    bucket.put("tables-of-others/a.csv", b"no")
    stored = _fingerprint(tmp_path / "stored", parse_source(bucket.address(f"tables/{path}")))
    assert stored == _fingerprint(tmp_path / "local", parse_source(f"{here}/{path}"))


def _fingerprint(folder: Path, source: Source) -> str:
    decided = threading.Event()
    catalog = Catalog(
        [source],
        folder=folder,
        ingestor=DataIngestor(memory_mb=512, rejected_limit=0.05),
        on_death=lambda *_: decided.set(),
        downloads=SourceDownloads(folder / "downloads", limit_mb=1),
    )
    catalog.on_open(lambda _: decided.set())
    catalog.start()
    try:
        assert decided.wait(PATIENCE_S), "nothing was read"
        status = catalog.status(source.name)
        assert isinstance(status, Ready), status
        return status.snapshot.fingerprint
    finally:
        catalog.close()


def test_what_was_read_before_is_served_where_the_storage_is_away(
    workspace: Workspace, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace.serving(source) as catalog:
        first = catalog.snapshot("stored").fingerprint
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with workspace.serving(source) as catalog:
        assert catalog.snapshot("stored").fingerprint == first
        with pytest.raises(LoadFailed, match=r"cannot be reached.* Check that it is running"):
            catalog.reload("stored").result(PATIENCE_S)


def test_a_storage_that_is_away_at_the_first_start_is_waited_for(
    workspace: Workspace, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with workspace.settled(source) as catalog:
        status = catalog.status("stored")
        assert isinstance(status, Failed)
        assert not status.is_by_files


@pytest.mark.parametrize("key", ["none.csv", "none/", "none/*.csv"])
def test_where_nothing_is_one_line_says_so(downloads: SourceDownloads, bucket: Bucket, key: str) -> None:
    assert "\n" not in _refused(downloads, bucket.address(key)).operator_reason


@pytest.mark.parametrize("key", ["a.csv", "tables/", "*.csv"])
def test_a_bucket_that_is_not_there_is_named(downloads: SourceDownloads, bucket: Bucket, key: str) -> None:
    del bucket
    error = _refused(downloads, f"s3://no-such-bucket/{key}")
    assert error.reason.startswith("There is no bucket 'no-such-bucket'")


def test_a_folder_without_data_files_says_what_is_there(downloads: SourceDownloads, bucket: Bucket) -> None:
    bucket.put("tables/read.me", b"Read me")
    assert 'but 1 other object: "read.me"' in _refused(downloads, bucket.address("tables/")).reason


def test_without_credentials_it_says_which_to_set(
    downloads: SourceDownloads, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "There are no credentials to read" in _refused(downloads, bucket.address("a.csv")).reason


def test_half_of_the_credentials_is_none(
    downloads: SourceDownloads, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "AWS_SECRET_ACCESS_KEY" in _refused(downloads, bucket.address("a.csv")).reason


def test_an_object_larger_than_the_limit_is_refused_before_it_is_fetched(
    downloads: SourceDownloads, bucket: Bucket
) -> None:
    bucket.put("a.csv", bytes(2**20 + 1))
    assert "larger than 1 MB" in _refused(downloads, bucket.address("a.csv")).reason


def _says(status: int, code: str) -> Answer:
    # Amazon quotes the key in its answer to a wrong signature.
    body = f"<Error><Code>{code}</Code><AWSAccessKeyId>AKIDTESTING</AWSAccessKeyId></Error>".encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    ("key", "status", "code", "kind", "says"),
    [
        ("a.csv", 403, "SignatureDoesNotMatch", SourceUnreadable, "refuses the credentials"),
        ("a.csv", 403, "InvalidAccessKeyId", SourceUnreadable, "refuses the credentials"),
        ("a.csv", 400, "ExpiredToken", SourceUnreadable, "refuses the credentials"),
        ("a.csv", 403, "AccessDenied", SourceUnreadable, "no permission to read s3://health/a.csv"),
        ("", 403, "AccessDenied", SourceUnreadable, "no permission to list s3://health/"),
        ("a.csv", 301, "PermanentRedirect", SourceUnreadable, "Set AWS_REGION"),
        ("a.csv", 400, "AuthorizationHeaderMalformed", SourceUnreadable, "Set AWS_REGION"),
        ("a.csv", 418, "Teapot", SourceUnreadable, "cannot read s3://health/a.csv (418 Teapot)"),
        ("a.csv", 503, "SlowDown", LoadFailed, "in trouble or busy"),
    ],
)
def test_what_the_storage_refuses_is_one_line_without_the_key(
    downloads: SourceDownloads,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    status: int,
    code: str,
    kind: type[MeantimeError],
    says: str,
) -> None:
    del bucket
    path = f"/health/{key}" if key else "/health?list-type=2"
    with file_server({path: _says(status, code)}) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        error = _refused(downloads, f"s3://health/{key}")
    assert isinstance(error, kind)
    assert says in error.reason
    assert "\n" not in error.operator_reason
    assert url.removeprefix("http://") in error.operator_reason
    assert "AKIDTESTING" not in error.operator_reason


def test_a_storage_that_sends_less_than_it_says_is_noticed(
    downloads: SourceDownloads, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    del bucket
    # All but one byte, and then the connection ends.
    with file_server({"/health/a.csv": sends(csv("1")[:-1], version='"1"', length=len(csv("1")))}) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        [located] = downloads.located([parse_source("s3://health/a.csv")])
        refresh(downloads, located)
        with pytest.raises(LoadFailed):
            fetch(downloads, located)
    assert not Path(located.path).exists()


def test_fetching_can_be_cancelled(downloads: SourceDownloads, source: Source) -> None:
    [located] = downloads.located([source])
    refresh(downloads, located)
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(LoadCancelled):
        downloads.fetch(located, lambda _: None, cancelled)


def _refused(downloads: SourceDownloads, address: str) -> MeantimeError:
    [located] = downloads.located([parse_source(address)])
    with pytest.raises((DataError, LoadFailed)) as refused:
        refresh(downloads, located)
    return refused.value
