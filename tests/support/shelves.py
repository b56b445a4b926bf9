"""Shelves of snapshots for tests: in a folder and in object storage, and what is on them."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.support.object_storage import Bucket


class FolderShelf:
    """A shelf in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.address = str(folder)

    def names(self, below: str = "") -> list[str]:
        """Return what is on the shelf, sorted."""
        found = (path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file())
        return sorted(name for name in found if name.startswith(below))

    def read(self, name: str) -> bytes:
        """Return what something on the shelf has."""
        return (self._folder / name).read_bytes()

    def write(self, name: str, body: bytes) -> None:
        """Replace something on the shelf."""
        (self._folder / name).write_bytes(body)

    def remove(self, name: str) -> None:
        """Remove something from the shelf."""
        (self._folder / name).unlink()


class BucketShelf:
    """A shelf below a prefix in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.address = bucket.address("shelves/one")

    def names(self, below: str = "") -> list[str]:
        """Return what is on the shelf, sorted."""
        return [key.removeprefix("shelves/one/") for key in self._bucket.keys(f"shelves/one/{below}")]

    def read(self, name: str) -> bytes:
        """Return what something on the shelf has."""
        return self._bucket.get(f"shelves/one/{name}")

    def write(self, name: str, body: bytes) -> None:
        """Replace something on the shelf."""
        self._bucket.put(f"shelves/one/{name}", body)

    def remove(self, name: str) -> None:
        """Remove something from the shelf."""
        self._bucket.delete(f"shelves/one/{name}")


AnyShelf = FolderShelf | BucketShelf

needs_object_storage = pytest.mark.skipif(
    importlib.util.find_spec("obstore") is None and os.environ.get("CI") != "true",
    reason="the extra object is not installed: make cluster",
)


@pytest.fixture(params=["folder", "bucket"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AnyShelf:
    if request.param == "folder":
        return FolderShelf(tmp_path / "shelf")
    return BucketShelf(request.getfixturevalue("bucket"))
