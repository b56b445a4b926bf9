"""A data set whose source is on the web: downloaded at the start, again when it has changed, and served meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from meantime.dataset.load_status import Failed, Ready, ReloadOutcome
from meantime.dataset.reading.source import Source, parse_source
from meantime.errors import LoadFailed, SourceUnreadable
from tests.support import factories
from tests.support.catalogs import Workspace
from tests.support.file_server import Answer, fails, file_server, sends
from tests.support.waiting import PATIENCE_S


def table(*values: str) -> bytes:
    return json.dumps([factories.row(value=value) for value in values]).encode()


@pytest.fixture
def answers() -> dict[str, Answer]:
    return {"/a.json": sends(table("1"), version='"1"')}


@pytest.fixture
def source(answers: dict[str, Answer]) -> Iterator[Source]:
    with file_server(answers) as url:
        yield parse_source(f"web={url}/a.json")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def downloads(workspace: Workspace) -> list[str]:
    return sorted(path.name for path in (workspace.folder / "state" / "downloads").glob("*/*"))


def test_the_file_is_downloaded_and_read_again_only_when_it_has_changed(
    workspace: Workspace, answers: dict[str, Answer], source: Source
) -> None:
    with workspace.serving(source) as catalog:
        first = catalog.snapshot("web").fingerprint
        assert catalog.reload("web").result(PATIENCE_S) is ReloadOutcome.UNCHANGED
        answers["/a.json"] = sends(table("2"), version='"2"')
        assert catalog.reload("web").result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert catalog.snapshot("web").fingerprint != first
    reads = len(workspace.ingestor.read)
    with workspace.serving(source) as catalog:
        assert catalog.snapshot("web").fingerprint != first
    assert len(workspace.ingestor.read) == reads
    assert downloads(workspace) == ["a.json", "a.json.download.json"]


def test_a_server_that_is_away_at_the_start_is_waited_for(
    workspace: Workspace, answers: dict[str, Answer], source: Source
) -> None:
    answers["/a.json"] = fails(503)
    with workspace.settled(source) as catalog:
        status = catalog.status("web")
        assert isinstance(status, Failed)
        assert isinstance(status.error, LoadFailed)
        assert not status.is_by_files


def test_an_address_with_nothing_at_it_fails_the_data_set(
    workspace: Workspace, answers: dict[str, Answer], source: Source
) -> None:
    del answers["/a.json"]
    with workspace.settled(source) as catalog:
        status = catalog.status("web")
        assert isinstance(status, Failed)
        assert status.is_by_files


@pytest.mark.parametrize(("status", "kind"), [(503, LoadFailed), (404, SourceUnreadable)])
def test_what_was_downloaded_before_is_served_where_there_is_nothing_newer(
    workspace: Workspace, answers: dict[str, Answer], source: Source, status: int, kind: type[Exception]
) -> None:
    with workspace.serving(source) as catalog:
        first = catalog.snapshot("web").fingerprint
    answers["/a.json"] = fails(status)
    with workspace.serving(source) as catalog:
        assert catalog.snapshot("web").fingerprint == first
        # Whoever asks for the newest is told that it cannot be had.
        with pytest.raises(kind):
            catalog.reload("web").result(PATIENCE_S)
        after = catalog.status("web")
        assert isinstance(after, Ready)
        assert isinstance(after.reload_error, kind)


def test_files_of_other_addresses_are_removed(workspace: Workspace, source: Source) -> None:
    with workspace.serving(source):
        pass
    with workspace.serving(workspace.source("here", "1")):
        assert downloads(workspace) == []
