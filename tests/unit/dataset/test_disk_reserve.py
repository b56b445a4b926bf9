"""Space that is kept free: at most a twentieth of the disk, and looked at now and then while a file is written."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from meantime.dataset.disk_reserve import DiskReserve

MB = 2**20


def has(monkeypatch: pytest.MonkeyPatch, *, total_mb: int, free_mb: int) -> None:
    usage = SimpleNamespace(total=total_mb * MB, free=free_mb * MB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


def test_of_a_small_disk_a_twentieth_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = DiskReserve(tmp_path, 256)
    has(monkeypatch, total_mb=100_000, free_mb=255)
    assert reserve.shortage() == "has 255 MB left, and 256 MB are kept free for jobs (disk_reserve_mb)"
    has(monkeypatch, total_mb=1_000, free_mb=49)
    assert reserve.shortage() == "has 49 MB left, and 50 MB are kept free for jobs (disk_reserve_mb)"
    has(monkeypatch, total_mb=1_000, free_mb=50)
    assert reserve.shortage() is None


def test_a_disk_is_looked_at_after_every_16_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, total_mb=100_000, free_mb=0)
    reserve = DiskReserve(tmp_path, 256)
    looks = [size_mb for size_mb in range(50) if reserve.shortage_at(size_mb * MB)]
    assert looks == [16, 32, 48]
