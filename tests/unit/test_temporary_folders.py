from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from meantime import temporary_folders
from meantime.temporary_folders import keep_in, temporary_folder


@pytest.fixture(autouse=True)
def _home_as_before() -> Iterator[None]:
    before = temporary_folders._home
    yield
    temporary_folders._home = before


def test_folders_are_below_the_one_that_was_named_and_go_away(tmp_path: Path) -> None:
    keep_in(tmp_path / "temporary")
    with temporary_folder() as folder:
        assert folder.parent == tmp_path / "temporary"
        (folder / "kept").write_text("x")
    assert list((tmp_path / "temporary").iterdir()) == []
    assert (tmp_path / "temporary").stat().st_mode & 0o777 == 0o700


def test_what_a_killed_process_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    home = tmp_path / "temporary"
    (home / "meantime-abc").mkdir(parents=True)
    (home / "meantime-abc" / "written").write_text("x")
    (home / "file").write_text("x")
    keep_in(home)
    assert list(home.iterdir()) == []


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    (tmp_path / "temporary").symlink_to(tmp_path / "precious")
    keep_in(tmp_path / "temporary")
    assert (tmp_path / "precious" / "file").exists()
    assert not (tmp_path / "temporary").is_symlink()


def test_a_state_directory_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    keep_in(tmp_path / "temporary")
    os.rmdir(tmp_path / "temporary")  # noqa: PTH106 - by somebody else
    with temporary_folder() as folder:
        assert folder.parent == Path(tempfile.gettempdir())
    assert list(tmp_path.iterdir()) == []
