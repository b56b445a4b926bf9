"""Tables that people upload: kept, read, served after a restart, removed; only by those who may, within limits."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from meantime.dataset import uploads as uploads_module
from meantime.dataset.load_status import Failed, Loading
from meantime.dataset.uploads import MOST_UPLOADS, Uploads
from meantime.errors import DatasetNameTaken, StoreFull
from tests.support import factories
from tests.support.catalogs import ReadGate, Workspace
from tests.support.v1_requests import KEY, DatasetClient, serving
from tests.support.waiting import wait_until
from tests.support.web_app import Answer

TABLE = json.dumps([factories.row(value="7")]).encode()
FILE = {"content-type": "application/octet-stream"}
OWN_PAGE = {"host": "localhost:5000", "origin": "http://localhost:5000", "sec-fetch-site": "same-origin"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def upload(ask: DatasetClient, *, body: Any = TABLE, headers: Any = FILE, **query: str) -> Answer:
    return ask(f"/v1/datasets?{urlencode({'file': 'tea.csv', **query})}", "POST", body=body, headers=headers)


def loaded(ask: DatasetClient, name: str) -> None:
    wait_until(lambda: not isinstance(ask.catalog.status(name), Loading), f"{name} is not read")


def names(ask: DatasetClient) -> list[str]:
    return [each["name"] for each in ask("/v1/datasets").json["datasets"]]


def kept(workspace: Workspace) -> list[str]:
    folder = workspace.folder / "state" / "uploads"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_an_upload_is_kept_read_and_removed(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        reply = upload(ask)
        assert (reply.status, reply.headers["location"]) == (202, "/v1/datasets/tea")
        assert (reply.json["name"], reply.json["uploaded"], reply.json["is_default"]) == ("tea", True, False)
        loaded(ask, "tea")
        assert ask.catalog.snapshot("tea").cube.by_question.mean.tolist() == [7.0]
        assert kept(workspace) == ["tea/tea.csv"]
        removed = ask("/v1/datasets/tea", "DELETE")
        assert (removed.status, [each["name"] for each in removed.json["datasets"]]) == (200, ["a"])
        assert ask("/v1/datasets/tea").status == 404
        assert kept(workspace) == []


def test_uploads_are_served_again_after_a_restart(workspace: Workspace, tmp_path: Path) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        upload(ask)
    folder = tmp_path / "state" / "uploads"
    # What a crash leaves of an upload that was not complete.
    (folder / ".part-x").mkdir()
    (folder / ".part-x" / "half.json").write_bytes(TABLE[:5])
    [source] = Uploads(folder, limit_mb=1, reserve_mb=0).sources()
    assert (source.name, source.path) == ("tea", str(folder / "tea" / "tea.csv"))
    assert kept(workspace) == ["tea/tea.csv"]


def test_a_name_that_is_taken_is_refused_and_one_that_nobody_chose_is_made_another(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("tea", "1")) as ask:
        refused = upload(ask, name="tea")
        assert (refused.status, refused.json["code"]) == (409, "dataset-name-taken")
        assert upload(ask).json["name"] == "tea-2"
        assert upload(ask).json["name"] == "tea-3"
        assert upload(ask, name="chai").json["name"] == "chai"
        assert names(ask) == ["tea", "tea-2", "tea-3", "chai"]


def test_a_file_that_is_no_table_says_so_and_can_be_removed(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        upload(ask, body=b"[]")
        loaded(ask, "tea")
        assert isinstance(ask.catalog.status("tea"), Failed)
        shown = ask("/v1/datasets/tea").json
        assert (shown["status"], shown["failure"]["code"]) == ("failed", "source-empty")
        assert ask("/v1/datasets/tea", "DELETE").status == 200


def test_an_upload_is_removed_while_it_is_read(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        way = ReadGate(workspace)
        upload(ask)
        way.wait_entered()
        assert ask("/v1/datasets/tea", "DELETE").status == 200
        way.let_on(2)
        assert names(ask) == ["a"]
        # The next upload under the name is read, and not what was being read.
        upload(ask, body=json.dumps([factories.row(value="8")]).encode())
        loaded(ask, "tea")
        assert ask.catalog.snapshot("tea").cube.by_question.mean.tolist() == [8.0]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"file": ""}, "`file` is missing"),
        ({"file": ".."}, "is not the name of a table's file"),
        ({"file": "a.toml"}, "is not the name of a table's file"),
        ({"name": "../../etc"}, "cannot be the name of a data set"),
        ({"name": "x" * 81}, "cannot be the name of a data set"),
        ({"path": "/etc/passwd"}, "path"),
    ],
)
def test_what_cannot_be_a_name_is_refused(workspace: Workspace, query: dict[str, str], words: str) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        reply = upload(ask, **query)
        assert reply.status == 400
        assert words in reply.body.decode()
        assert names(ask) == ["a"]
    assert kept(workspace) == []


def test_no_file_name_leads_out_of_its_folder(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        assert upload(ask, file="../../../b/evil.csv", name="b").status == 202
        assert kept(workspace) == ["b/-..-..-b-evil.csv"]


def test_a_long_name_in_letters_of_several_bytes_is_shortened(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        assert upload(ask, file="統" * 100 + ".csv", name="b").status == 202
        assert kept(workspace) == ["b/" + "統" * 77 + ".csv"]


def test_an_upload_within_the_limit_only(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        reply = upload(ask, body=[b"x" * 700_000, b"y" * 700_000])
        assert (reply.status, reply.json["code"]) == (413, "body-too-large")
        assert "upload_limit_mb" in reply.body.decode()
    assert kept(workspace) == []


def test_an_upload_that_is_cut_short_leaves_nothing(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        target = "/v1/datasets?file=tea.csv"
        ask(target, "POST", body=[TABLE[:5]], headers=FILE, is_cut_short=True)
        assert names(ask) == ["a"]
    assert kept(workspace) == []


def test_the_disk_is_kept_from_filling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, free=10**6))
    uploads = Uploads(tmp_path / "uploads", limit_mb=100, reserve_mb=256)
    with pytest.raises(StoreFull), uploads.receive("a.csv") as receiving:
        receiving.write(b"x" * 2**24)
    assert list((tmp_path / "uploads").iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_or_quota_is_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(code, "no space")

    with serving(workspace, workspace.source("a", "1")) as ask:
        with monkeypatch.context() as patched:
            patched.setattr(uploads_module, "os", SimpleNamespace(fsync=refuse))
            reply = upload(ask)
        assert (reply.status, reply.json["code"]) == (503, "disk-full")
        assert names(ask) == ["a"]
        assert upload(ask).status == 202
    assert kept(workspace) == ["tea/tea.csv"]


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.EROFS, errno.EACCES])
def test_another_trouble_of_the_disk_is_not_called_a_fault_of_the_server(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(code, "trouble")

    with serving(workspace, workspace.source("a", "1")) as ask:
        with monkeypatch.context() as patched:
            patched.setattr(uploads_module, "os", SimpleNamespace(fsync=refuse))
            reply = upload(ask)
        assert (reply.status, reply.json["code"]) == (503, "store-paused")
        assert upload(ask).status == 202
    assert kept(workspace) == ["tea/tea.csv"]


def test_a_folder_that_is_there_already_is_never_replaced(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads", limit_mb=1, reserve_mb=0)
    for name in ("tea", "tea-2"):
        with uploads.receive("tea.csv") as upload:
            upload.write(TABLE)
            # Nobody has said that the first name is taken.
            assert uploads.keep(upload, "", taken=()).name == name
    with uploads.receive("tea.csv") as upload, pytest.raises(DatasetNameTaken):
        uploads.keep(upload, "tea", taken=())
    assert [source.name for source in uploads.sources()] == ["tea", "tea-2"]


def test_a_disk_in_trouble_is_no_name_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(_from: Path, _to: Path) -> Path:
        raise OSError(errno.EIO, "Input/output error")

    uploads = Uploads(tmp_path / "uploads", limit_mb=1, reserve_mb=0)
    monkeypatch.setattr(Path, "rename", rename)
    with uploads.receive("tea.csv") as upload, pytest.raises(OSError, match="Input/output"):
        uploads.keep(upload, "", taken=())
    assert list((tmp_path / "uploads").iterdir()) == []


def test_there_are_only_so_many(workspace: Workspace, tmp_path: Path) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        for number in range(MOST_UPLOADS):
            (tmp_path / "state" / "uploads" / f"tea{number}").mkdir(parents=True)
        assert "Remove one first" in upload(ask).body.decode()


@pytest.mark.parametrize(
    "headers",
    [
        {**OWN_PAGE, "origin": "http://localhost:8080", "sec-fetch-site": "same-site"},
        {**OWN_PAGE, "origin": "http://elsewhere.example", "sec-fetch-site": "cross-site"},
        {"host": "localhost:5000", "origin": "null"},
        {"host": "localhost:5000", "referer": "http://elsewhere.example/"},
        {"x-forwarded-for": "192.0.2.7"},
    ],
)
def test_no_page_of_another_site_uploads_removes_or_reloads(workspace: Workspace, headers: dict[str, str]) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        upload(ask)
        assert upload(ask, headers={**FILE, **headers}).status == 403
        assert ask("/v1/datasets/tea", "DELETE", headers=headers).status == 403
        assert ask("/v1/datasets/tea/reload", "POST", headers=headers).status == 403
        assert names(ask) == ["a", "tea"]
        assert upload(ask, headers={**FILE, **headers, "x-admin-key": KEY}).status == 202


def test_a_page_under_another_name_of_this_machine_is_not_its_own(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        headers = {**OWN_PAGE, "host": "evil.example:5000", "origin": "http://evil.example:5000"}
        assert upload(ask, headers={**FILE, **headers}).status == 421
        assert names(ask) == ["a"]


def test_the_page_of_this_server_uploads_removes_and_reloads(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        assert upload(ask, headers={**FILE, **OWN_PAGE}).status == 202
        assert ask("/v1/datasets/a/reload", "POST", headers=OWN_PAGE).status == 202
        assert ask("/v1/datasets/tea", "DELETE", headers=OWN_PAGE).status == 200


def test_what_a_form_can_send_is_no_upload(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        for kind in ("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
            reply = upload(ask, headers={"content-type": kind})
            assert (reply.status, reply.json["code"]) == (415, "body-not-file")


def test_a_data_set_of_the_operator_is_not_removed(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        reply = ask("/v1/datasets/a", "DELETE")
        assert (reply.status, names(ask)) == (400, ["a"])
        assert "was not uploaded" in reply.body.decode()


def test_a_server_that_takes_no_uploads_says_so(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        ask.uploads = None
        reply = upload(ask)
        assert (reply.status, reply.json["code"]) == (403, "operator-only")
        assert "the setting uploads" in reply.body.decode()


def test_a_server_that_stops_takes_no_more(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        ask.catalog.close()
        assert upload(ask).status == 503
    assert kept(workspace) == []


TOML = '[columns]\nquestion = "Habit"\nlocation = "Land"\n'


def describe(ask: DatasetClient, toml: Any, *, name: str = "tea", headers: Any = ()) -> Answer:
    as_json = {"content-type": "application/json", **dict(headers)}
    return ask(f"/v1/datasets/{name}/description", "POST", body=json.dumps({"toml": toml}).encode(), headers=as_json)


def described(ask: DatasetClient, name: str = "tea") -> Any:
    return ask(f"/v1/datasets/{name}/description").json["toml"]


def test_an_upload_is_described_and_its_description_removed(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        upload(ask)
        loaded(ask, "tea")
        assert described(ask) == ""
        reply = describe(ask, 'title = "Tea"')
        assert (reply.status, reply.headers["location"], reply.json["name"]) == (202, "/v1/datasets/tea", "tea")
        assert described(ask) == 'title = "Tea"'
        assert kept(workspace) == ["tea/tea.csv", "tea/tea.csv.toml"]
        assert describe(ask, " \n").status == 202
        assert described(ask) == ""
        assert kept(workspace) == ["tea/tea.csv"]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[columns", "not valid TOML"),
        ("colums = 1", "did you mean"),
        (7, "Expected `str`"),
        (7, 'send {"toml": "[columns]\\nlocation = \\"Land\\""}'),
        ("#" * 70_000, "length"),
    ],
)
def test_what_is_no_description_changes_nothing(workspace: Workspace, toml: Any, words: str) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        upload(ask)
        describe(ask, TOML)
        reply = describe(ask, toml)
        assert (reply.status, reply.json["code"]) == (400, "request-invalid")
        assert words in reply.json["detail"]
        assert described(ask) == TOML


def test_only_an_upload_is_described_and_only_by_those_who_may(workspace: Workspace) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        upload(ask)
        assert "was not uploaded" in describe(ask, TOML, name="a").json["detail"]
        assert describe(ask, TOML, name="b").status == 404
        elsewhere = {**OWN_PAGE, "origin": "http://elsewhere.example", "sec-fetch-site": "cross-site"}
        assert describe(ask, TOML, headers=elsewhere).status == 403
        assert ask("/v1/datasets/tea/description", headers=elsewhere).status == 403
        assert described(ask) == ""
        assert describe(ask, TOML, headers=OWN_PAGE).status == 202


def test_a_description_that_the_disk_does_not_take_is_not_kept(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(workspace, workspace.source("a", "1")) as ask:
        upload(ask)

        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(uploads_module, "durable_file", full)
        assert describe(ask, TOML).json["code"] == "disk-full"
        assert described(ask) == ""
