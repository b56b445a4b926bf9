"""Where pages are copied before they are changed, a mapped file may end the process. SQLite maps none there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from meantime.stores import sqlite_files
from meantime.stores.mapped_files import may_break
from meantime.stores.sqlite import SqliteJobStore
from tests.support.engine_fakes import request
from tests.support.waiting import PATIENCE_S

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:30 /@home /home rw,relatime shared:5 - btrfs /dev/sda2 rw,space_cache=v2
31 30 8:3 / /home/a\\040b rw,relatime - xfs /dev/sda3 rw
32 22 0:32 / /mnt rw,relatime - btrfs /dev/sda4 rw
33 22 0:33 / /mnt rw,relatime - tmpfs none rw
"""


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/home", True),
        ("/home/me/state", True),
        ("/homely", False),
        ("/home/a b/state", False),
        ("/var/lib/meantime", False),
        ("/mnt/state", False),  # hidden by the later mount
    ],
)
def test_the_file_system_of_a_folder_is_the_one_of_the_nearest_mount(
    tmp_path: Path, folder: str, *, expected: bool
) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS, encoding="utf-8")
    assert may_break(Path(folder), tmp_path / "mountinfo") is expected


def test_a_system_that_does_not_tell_its_mounts_has_no_such_file_system(tmp_path: Path) -> None:
    assert not may_break(tmp_path, tmp_path / "none")


def test_where_a_mapped_file_may_end_the_process_the_store_maps_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_files, "may_break", lambda _folder: True)
    path = tmp_path / "jobs.sqlite3"
    for number in (1, 2):
        with closing(SqliteJobStore(path, on_broken=lambda error: pytest.fail(str(error)))) as store:
            [job] = store.add([request()], at_s=1.0).result(PATIENCE_S)
            assert store.get(number) == job
            assert [record.number for record in store.jobs()] == list(range(1, number + 1))
            assert {file.name for file in tmp_path.iterdir()} == {"jobs.sqlite3", "jobs.sqlite3-wal", "last-number"}

    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM jobs").fetchone() == (2,)
