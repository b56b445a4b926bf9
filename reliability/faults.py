"""The harnesses of ``make faults``, each with how often it is tried by default."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from reliability.clocks import clocks
from reliability.descriptors import descriptors
from reliability.disk import disk_full, errors_at_every_call, full_at_every_write
from reliability.flips import flips
from reliability.flips_served import flips_served
from reliability.hostile import hostile_files, hostile_requests
from reliability.outcome import Outcome
from reliability.requests import requests
from reliability.scene import MAIN, Front


class _InFolder(Protocol):
    def __call__(self, front: Front, folder: Path, /, *, number: int, seed: int) -> Outcome: ...


def _in_folder(harness: _InFolder) -> Callable[[int, int], Outcome]:
    def run(number: int, seed: int) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="meantime-faults-") as folder:
            return harness(MAIN, Path(folder), number=number, seed=seed)

    return run


FAULTS: dict[str, tuple[int, Callable[[int, int], Outcome]]] = {
    "flips": (300, _in_folder(flips)),
    "flips-served": (20, _in_folder(flips_served)),
    "disk-full": (10, _in_folder(disk_full)),
    "full-at-every-write": (1_000, _in_folder(full_at_every_write)),
    "errors-at-every-call": (4_400, _in_folder(errors_at_every_call)),
    "clocks": (16, _in_folder(clocks)),
    "descriptors": (4, _in_folder(descriptors)),
    "hostile-files": (100, _in_folder(hostile_files)),
    "hostile-requests": (2_000, _in_folder(hostile_requests)),
    "requests": (10_000, _in_folder(requests)),
}
