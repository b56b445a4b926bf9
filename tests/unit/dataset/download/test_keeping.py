"""Downloads from a server on the loopback interface: whole and right, or a clear error and nothing left."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from meantime.dataset.download import transfer
from meantime.dataset.download.address import Address, parse_address
from meantime.dataset.download.keeping import Downloaded, fetch_table
from meantime.dataset.reading.description import read_description
from meantime.errors import LoadCancelled, LoadFailed, MeantimeError, SourceUnreadable
from tests.support.file_server import Answer, fails, file_server, redirects, sends

TABLE = b"County,Percent\nAda,31.5\nBoise,28.0\n"
PORTAL: dict[str, Answer] = {
    "/api/views/abcd-1234.json": sends(
        json.dumps(
            {
                "name": "Obesity by county",
                "attribution": "CDC",
                "license": {"name": "Public Domain"},
                "rowsUpdatedAt": 1717113600,
            }
        ).encode(),
        content_type="application/json",
    ),
    "/resource/abcd-1234.json?$select=count(*)": sends(b'[{"count":"2"}]', content_type="application/json"),
    "/api/views/abcd-1234/rows.csv?accessType=DOWNLOAD": sends(TABLE),
}


@pytest.fixture
def answers() -> dict[str, Answer]:
    return dict(PORTAL)


@pytest.fixture
def site(answers: Mapping[str, Answer]) -> Iterator[str]:
    with file_server(answers) as url:
        yield url


def address_of(text: str) -> Address:
    address = parse_address(text)
    assert address is not None
    return address


def fetch(text: str, folder: Path, *, limit_mb: int = 1, if_changed: bool = False) -> Downloaded:
    return fetch_table(address_of(text), folder / "table.csv", limit_mb=limit_mb, if_changed=if_changed)


def assert_refused(text: str, folder: Path, kind: type[MeantimeError], words: str) -> None:
    with pytest.raises(kind, match=words):
        fetch(text, folder)
    assert list(folder.iterdir()) == []


def test_a_file_is_downloaded_once_until_it_changes(answers: dict[str, Answer], site: str, tmp_path: Path) -> None:
    answers["/a.csv"] = sends(TABLE, version='"1"')
    first = fetch(f"{site}/a.csv", tmp_path, if_changed=True)
    assert first == Downloaded(tmp_path / "table.csv", len(TABLE), None, is_new=True)
    state = first.path.stat()
    assert not fetch(f"{site}/a.csv", tmp_path, if_changed=True).is_new
    assert first.path.stat().st_ino == state.st_ino
    answers["/a.csv"] = sends(TABLE + b"Canyon,30\n", version='"2"')
    assert fetch(f"{site}/a.csv", tmp_path, if_changed=True).is_new
    assert first.path.read_bytes() == TABLE + b"Canyon,30\n"


@pytest.mark.parametrize("suffix", ["", ".csv"])
def test_a_long_name_in_letters_of_several_bytes_is_shortened(
    answers: dict[str, Answer], site: str, tmp_path: Path, suffix: str
) -> None:
    path = f"/{'%E7%B5%B1' * 100}{suffix}"
    answers[path] = sends(TABLE, version='"1"')
    address = address_of(f"{site}{path}")
    assert fetch_table(address, tmp_path / address.file_name, limit_mb=1).is_new
    assert not fetch_table(address, tmp_path / address.file_name, limit_mb=1, if_changed=True).is_new


def test_a_file_that_somebody_has_changed_is_downloaded_again(
    answers: dict[str, Answer], site: str, tmp_path: Path
) -> None:
    answers["/a.csv"] = sends(TABLE, version='"1"')
    fetch(f"{site}/a.csv", tmp_path).path.write_bytes(TABLE[:-1])
    assert fetch(f"{site}/a.csv", tmp_path, if_changed=True).is_new
    assert (tmp_path / "table.csv").read_bytes() == TABLE


def test_a_table_of_a_portal_comes_with_what_the_portal_says_of_it(
    answers: dict[str, Answer], site: str, tmp_path: Path
) -> None:
    downloaded = fetch(f"{site}/d/abcd-1234", tmp_path)
    assert (downloaded.rows, downloaded.path.read_bytes()) == (2, TABLE)
    description = tmp_path / "table.csv.toml"
    lines = description.read_text(encoding="utf-8").splitlines()[1:]
    assert lines == [
        'title = "Obesity by county"',
        'publisher = "CDC"',
        f'url = "{site}/d/abcd-1234"',
        'license = "Public Domain"',
        'updated = "2024-05-31"',
    ]
    assert read_description(description).publisher == "CDC"
    answers["/api/views/abcd-1234/rows.csv?accessType=DOWNLOAD"] = fails(500)
    assert not fetch(f"{site}/d/abcd-1234", tmp_path, if_changed=True).is_new
    # What somebody has written about the table stays.
    description.write_text('title = "Mine"\n', encoding="utf-8")
    answers.update(PORTAL)
    fetch(f"{site}/d/abcd-1234", tmp_path)
    assert description.read_text(encoding="utf-8") == 'title = "Mine"\n'


def test_rows_that_are_missing_are_noticed(answers: dict[str, Answer], site: str, tmp_path: Path) -> None:
    answers["/api/views/abcd-1234/rows.csv?accessType=DOWNLOAD"] = sends(TABLE[: TABLE.index(b"Boise")])
    answers["/resource/abcd-1234.json?$select=count(*)"] = sends(b'[{"count_1":"3"}]')
    assert_refused(f"{site}/d/abcd-1234", tmp_path, LoadFailed, "Only 2 of the 3 rows of .*/abcd-1234 arrived")


def test_a_site_that_is_no_portal_is_named(answers: dict[str, Answer], site: str, tmp_path: Path) -> None:
    answers["/api/views/abcd-1234.json"] = sends(b"<html>", content_type="text/plain")
    assert_refused(f"{site}/d/abcd-1234", tmp_path, SourceUnreadable, "is no table of a Socrata portal")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (fails(404), SourceUnreadable, r"There is nothing at .*/a.csv \(404\). Check the address."),
        (fails(403), SourceUnreadable, "may not be read without logging in"),
        (fails(418), SourceUnreadable, "its server answered 418"),
        (fails(503), LoadFailed, r"in trouble or busy \(503\)"),
        (sends(TABLE, length=1000), LoadFailed, "ended before the file was complete"),
        (sends(b"<!DOCTYPE html><title>Sign in</title>"), SourceUnreadable, "is a web page, not a table"),
        (sends(b"Sign in", content_type="text/html; charset=utf-8"), SourceUnreadable, "is a web page, not a table"),
        (sends(b"1\n" * 600_000), SourceUnreadable, "larger than 1 MB, which is the limit"),
    ],
)
def test_what_is_no_whole_table_leaves_nothing(
    answers: dict[str, Answer], site: str, tmp_path: Path, answer: Answer, kind: type[MeantimeError], words: str
) -> None:
    answers["/a.csv"] = answer
    assert_refused(f"{site}/a.csv", tmp_path, kind, words)


def test_what_was_there_stays_if_the_new_version_does_not_arrive(
    answers: dict[str, Answer], site: str, tmp_path: Path
) -> None:
    answers["/a.csv"] = sends(TABLE, version='"1"')
    fetch(f"{site}/a.csv", tmp_path)
    answers["/a.csv"] = sends(TABLE, version='"2"', length=1000)
    with pytest.raises(LoadFailed):
        fetch(f"{site}/a.csv", tmp_path, if_changed=True)
    assert (tmp_path / "table.csv").read_bytes() == TABLE


def test_a_file_that_never_ends_is_ended(answers: dict[str, Answer], site: str, tmp_path: Path) -> None:
    def for_ever(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"Ada,31.5\n" * 1000)
        except OSError:
            request.close_connection = True

    answers["/a.csv"] = for_ever
    assert_refused(f"{site}/a.csv", tmp_path, SourceUnreadable, "larger than 1 MB")


def test_a_file_that_only_trickles_is_ended(
    answers: dict[str, Answer], site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_PERIOD_S", 0.0)
    monkeypatch.setattr(transfer, "_LEAST_BYTES_PER_S", 10**12)
    answers["/a.csv"] = sends(TABLE)
    assert_refused(f"{site}/a.csv", tmp_path, LoadFailed, "bytes a second")


def test_a_download_is_cancelled_while_its_server_is_silent(
    answers: dict[str, Answer], site: str, tmp_path: Path
) -> None:
    cancelled, end = threading.Event(), threading.Event()

    def silent(_request: BaseHTTPRequestHandler) -> None:
        cancelled.set()
        assert end.wait(60)

    answers["/a.csv"] = silent
    try:
        with pytest.raises(LoadCancelled):
            fetch_table(address_of(f"{site}/a.csv"), tmp_path / "a.csv", limit_mb=1, cancelled=cancelled)
    finally:
        end.set()
    assert list(tmp_path.iterdir()) == []


def test_redirects_are_followed_on_the_same_host_only_a_few_times(
    answers: dict[str, Answer], site: str, tmp_path: Path
) -> None:
    answers.update({"/old.csv": redirects("/a.csv"), "/a.csv": sends(TABLE), "/loop.csv": redirects("/loop.csv")})
    assert fetch(f"{site}/old.csv", tmp_path / "followed").is_new
    (tmp_path / "refused").mkdir()
    assert_refused(f"{site}/loop.csv", tmp_path / "refused", SourceUnreadable, "redirects more than 5 times")


@pytest.mark.parametrize(
    "host", ["wiki.example", "127.0.0.2", "[::1]", "10.1.2.3", "169.254.169.254", "[::ffff:192.168.0.1]"]
)
def test_no_redirect_leads_into_a_private_network(
    answers: dict[str, Answer], site: str, tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not even "localhost" is a name that every machine knows.
    resolve = socket.getaddrinfo

    def resolve_as_inside(name: str, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if name == "wiki.example" else name, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_as_inside)
    asked = []
    answers["/a.csv"] = redirects(f"http://{host}:{site.rpartition(':')[2]}/secret.csv")
    answers["/secret.csv"] = lambda request: asked.append(request.path)
    assert_refused(f"{site}/a.csv", tmp_path, SourceUnreadable, "an address of a private network")
    assert not asked


def test_no_redirect_leads_to_another_kind_of_address(answers: dict[str, Answer], site: str, tmp_path: Path) -> None:
    answers["/a.csv"] = redirects("file:///etc/passwd")
    assert_refused(f"{site}/a.csv", tmp_path, SourceUnreadable, "does not begin with https://")


def test_a_server_that_is_not_there_may_come_back(tmp_path: Path) -> None:
    with file_server({}) as gone:
        pass
    assert_refused(f"{gone}/a.csv", tmp_path, LoadFailed, "cannot be reached")


def test_a_disk_that_is_nearly_full_is_kept_from_filling(
    answers: dict[str, Answer], site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meantime.dataset.disk_reserve._LOOK_EVERY_BYTES", 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, free=10**6))
    answers["/a.csv"] = sends(TABLE)
    with pytest.raises(LoadFailed, match="kept free for jobs"):
        fetch_table(address_of(f"{site}/a.csv"), tmp_path / "a.csv", limit_mb=1, reserve_mb=256)
    assert list(tmp_path.iterdir()) == []
