"""Write a file as a test describes it, and read it as the reading process does, but in this process."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source
from meantime.dataset.rows import SourceRow, SourceRows
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot
from tests.support.whole import whole

HEADER = "Question,LocationDesc,Data_Value"


def write(folder: Path, content: str | bytes, name: str = "table.csv", *, encoding: str = "utf-8") -> Path:
    """Write a file; text exactly as given, its line ends too. A name that ends in .gz is compressed."""
    data = content if isinstance(content, bytes) else content.encode(encoding)
    path = folder / name
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return path


def read(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    rejected_limit: float = 0.5,
    into: Path | None = None,
    part: str = "",
    settings: Mapping[str, str] | None = None,
) -> Snapshot:
    """Read a file, a folder or a glob into a snapshot, and open that."""
    return open_snapshot(
        read_folder(path, columns=columns, rejected_limit=rejected_limit, into=into, part=part, settings=settings)
    )


def read_folder(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    rejected_limit: float = 0.5,
    into: Path | None = None,
    part: str = "",
    settings: Mapping[str, str] | None = None,
) -> Path:
    """Read into a snapshot, and return its folder."""
    source = Source(name="test", path=str(path), columns=dict(columns or {}), part=part, settings=dict(settings or {}))
    return read_source_into(source, into or (path if path.is_dir() else path.parent), rejected_limit=rejected_limit)


def read_source_into(source: Source, home: Path, *, rejected_limit: float = 0.5) -> Path:
    """Read a source into a snapshot, and return its folder."""
    snapshots, work = home / "snapshots", home / "work"
    snapshots.mkdir(exist_ok=True, parents=True)
    work.mkdir()
    job = ReadingTask(
        source=source,
        into=str(snapshots),
        work=str(work),
        memory_mb=512,
        rejected_limit=rejected_limit,
    )
    try:
        return read_source(job, lambda _: None)
    finally:
        for left in work.rglob("*"):
            if left.is_file():
                left.unlink()
        for left in sorted(work.rglob("*"), reverse=True):
            left.rmdir()
        work.rmdir()


def rows(folder: Path) -> list[SourceRow]:
    """Return all rows of a snapshot, as they stand in the file."""
    return SourceRows.of(open_snapshot(folder)).select({})


def rejected(snapshot: Snapshot) -> list[tuple[int, str]]:
    """Return the rejected lines of a snapshot: number and reason."""
    return [(each.line, each.reason) for each in snapshot.about.rejected]


def means(snapshot: Snapshot) -> dict[tuple[str, str], float]:
    """Return the mean of each question and location that has a value."""
    cube, marginal = snapshot.cube, whole(snapshot.cube).by_location
    return {
        (cube.labels.questions[question], cube.labels.locations[location]): mean
        for (question, location), mean, count in zip(
            marginal.keys.tolist(),
            marginal.mean.tolist(),
            marginal.moments.count.tolist(),
            strict=True,
        )
        if count
    }
