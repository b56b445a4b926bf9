from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from meantime.web.explorer import drawing
from meantime.web.explorer.drawing import Drawing
from meantime.web.explorer.serving import Explorer
from tests.support.web_app import Answer, Served, served

STATIC = resources.files("meantime.web.explorer") / "static"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a chart library that has been made; only read."""
    folder = tmp_path_factory.mktemp("library")
    assert not Drawing(folder).is_loaded
    made = Drawing(folder)
    packed = made.gzip_bytes()
    assert made.is_loaded
    assert b"vegaEmbed" in gzip.decompress(packed)
    return folder


@pytest.fixture
def server(tmp_path: Path, library: Path) -> Iterator[Served]:
    shutil.copytree(library, tmp_path / "explorer")
    with served(tmp_path) as running:
        yield running


def files_named_in(page: Answer) -> list[str]:
    return re.findall(r'(?:href|src)="(/explorer/[^"]+)"', page.body.decode())


def test_the_page_names_every_file_that_is_needed_and_each_is_there(server: Served) -> None:
    named = files_named_in(server.ask("GET", "/"))
    modules = {path.split("/", 3)[3] for path in named if path.endswith(".js")}
    assert "modules/main.js" in modules
    assert "modules/views/home.js" in modules
    for path in named:
        answer = server.ask("GET", path)
        assert answer.status == 200, path
        assert answer.body


def test_every_import_of_a_module_leads_to_a_module(server: Served) -> None:
    named = {path for path in files_named_in(server.ask("GET", "/")) if path.endswith(".js")}
    for path in named:
        text = server.ask("GET", path).body.decode()
        for target in re.findall(r'^import .* from "([^"]+)";$', text, re.MULTILINE):
            assert target.startswith("."), f"{path} imports {target} from elsewhere"
            resolved = (Path(path).parent / target).as_posix()
            assert re.sub(r"/[^/.]+/\.\./", "/", resolved).replace("/./", "/") in named, f"{path}: {target}"


def test_files_never_change_at_their_address_and_may_be_kept_for_ever(server: Served) -> None:
    path = files_named_in(server.ask("GET", "/"))[0]
    answer = server.ask("GET", path)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    other = re.sub(r"[0-9a-f]{32}", "0" * 32, path)
    assert server.ask("GET", other).status == 404


@pytest.mark.parametrize(
    "name", ["../serving.py", "%2e%2e/serving.py", "index.html", "", "modules", "nope.js", "a" * 200]
)
def test_nothing_else_can_be_had_by_it(server: Served, name: str) -> None:
    digest = re.findall(r"/explorer/([0-9a-f]{32})/", server.ask("GET", "/").body.decode())[0]
    assert server.ask("GET", f"/explorer/{digest}/{name}").status == 404


def test_files_are_packed_for_whom_can_unpack_them(server: Served) -> None:
    path = next(path for path in files_named_in(server.ask("GET", "/")) if path.endswith("main.js"))
    plain = server.ask("GET", path)
    packed = server.ask("GET", path, headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert gzip.decompress(packed.body) == plain.body


def test_the_page_is_asked_after_and_not_sent_again(server: Served) -> None:
    first = server.ask("GET", "/")
    assert first.headers["cache-control"] == "no-cache"
    again = server.ask("GET", "/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert server.ask("GET", "/", headers={"If-None-Match": '"other"'}).status == 200


def test_its_policy_lets_in_nothing_from_elsewhere_and_nothing_in_line(server: Served) -> None:
    answer = server.ask("GET", "/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    page = answer.body.decode()
    assert not re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=|https?://", page)


def test_who_may_show_it_in_a_frame_is_a_setting(tmp_path: Path) -> None:
    one = Explorer(Drawing(tmp_path), frame_ancestors="'none'").index(if_none_match=None)
    other = Explorer(Drawing(tmp_path), frame_ancestors="https://example.org").index(if_none_match=None)
    [policy] = [value for name, value in other.headers if name == "content-security-policy"]
    assert policy.endswith("frame-ancestors https://example.org")
    assert dict(one.headers)["etag"] != dict(other.headers)["etag"]


def test_no_module_makes_markup_of_texts() -> None:
    modules = list(Path(str(STATIC)).rglob("*.js"))
    assert modules
    for path in modules:
        used = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
        )
        assert not used, path


def test_the_chart_library_is_made_once_and_kept_over_restarts(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", None)  # not called again
    [kept] = library.iterdir()
    assert Drawing(library).gzip_bytes() == kept.read_bytes()
    assert drawing.version() in kept.name


def test_a_chart_library_that_is_damaged_on_disk_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = subprocess.CompletedProcess("the child that makes it", 0, stdout=b"vegaEmbed", stderr=b"")
    monkeypatch.setattr("subprocess.run", lambda *_command, **_options: made)
    path = tmp_path / f"vega-{drawing.version()}.js.gz"
    sound = gzip.compress(bytes(range(256)) * 40)
    # Cut short, and with a flipped bit: in the middle it is an error of zlib, at the end one of the checksum.
    cut = sound[:-9]
    flips = [sound[:at] + bytes([sound[at] ^ 64]) + sound[at + 1 :] for at in (30, len(sound) - 6)]
    for damaged in (cut, *flips):
        with pytest.raises((EOFError, OSError, zlib.error)):
            gzip.decompress(damaged)
        path.write_bytes(damaged)
        assert Drawing(tmp_path)._read() is None
    assert gzip.decompress(Drawing(tmp_path).gzip_bytes()) == made.stdout
    assert gzip.decompress(path.read_bytes()) == made.stdout


def test_a_chart_library_that_cannot_be_made_is_an_error_that_says_what_the_child_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "no such python"))
    with pytest.raises(RuntimeError, match="cannot be made"):
        Drawing(tmp_path).gzip_bytes()


def test_the_chart_library_is_served_with_the_other_files(server: Served) -> None:
    path = re.sub(
        r"/modules/.*", "/vega.js", next(p for p in files_named_in(server.ask("GET", "/")) if "/modules/" in p)
    )
    answer = server.ask("GET", path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert b"vegaEmbed" in answer.body
