"""Writes snapshots as versions before format 2 did: all cells in one file, named by a digest of them all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Cells, Cube, Labels, Moments
from meantime.dataset.format_1 import FORMAT_VERSION, OlderManifest
from meantime.dataset.row_files import measure, row_file
from meantime.dataset.snapshot import About
from meantime.dataset.snapshot_parts import seal
from tests.support.whole import whole


def write_older(cube: Cube, about: About, rows: Sequence[Path], into: Path) -> Path:
    """Write a snapshot of format 1 and return its folder; ``rows`` are moved."""
    arrays = _arrays(whole(cube).cells)
    folder = into / _fingerprint(cube, about, arrays)
    (folder / "rows").mkdir(parents=True)
    for number, path in enumerate(rows):
        path.rename(folder / row_file(number))
    with (folder / "cube.npz").open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    facts = tuple(measure(folder / row_file(number)) for number in range(len(rows)))
    manifest = OlderManifest(
        format_version=FORMAT_VERSION,
        fingerprint=folder.name,
        edition=hashlib.sha256(msgspec.json.encode((about, facts))).hexdigest()[:16],
        about=about,
        labels=cube.labels,
        scale=cube.scale,
        cube=measure(folder / "cube.npz"),
        rows=facts,
    )
    (folder / "manifest.json").write_bytes(seal(msgspec.json.encode(manifest)))
    return folder


def _fingerprint(cube: Cube, about: About, arrays: dict[str, npt.NDArray[Any]]) -> str:
    content = {
        "version": 1,
        "labels": {field.name: getattr(cube.labels, field.name) for field in fields(Labels)},
        "scale": cube.scale,
        "roles": about.roles,
        "synthetic": about.synthetic,
        "questions": [[question.text, question.unit, question.polarity] for question in about.questions],
    }
    digest = hashlib.sha256()
    digest.update(json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
    for name, array in arrays.items():
        numbers = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name} {numbers.dtype.str} {numbers.shape}\n".encode())
        digest.update(numbers.tobytes())
    return digest.hexdigest()


def _arrays(cells: Cells) -> dict[str, npt.NDArray[Any]]:
    arrays = {"keys": cells.keys} | {field.name: getattr(cells.moments, field.name) for field in fields(Moments)}
    arrays |= {
        field.name: getattr(cells, field.name) for field in fields(Cells) if field.name not in ("keys", "moments")
    }
    return {name: _as_text(numbers) if numbers.dtype == object else numbers for name, numbers in arrays.items()}


def _as_text(numbers: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(f"{number:x}" for number in numbers.tolist()).encode(), dtype=np.uint8)
