"""``sources.json``: which snapshot each source became, so that an unchanged source is not read again at a restart."""

from __future__ import annotations

from pathlib import Path

import msgspec

from meantime.dataset.snapshot_folder import fingerprint_of
from meantime.durable import durable_file
from meantime.later import structlog


class KnownSources:
    """The folder of each source's snapshot, by the source's identity. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "sources.json"

    def folder_of(self, identity: str) -> Path | None:
        """Return the folder of the snapshot that a source became; None if it is unknown or was removed."""
        name = self._load().get(identity)
        return self._folder / name if name is not None and (self._folder / name).is_dir() else None

    def remember(self, identity: str, folder: Path) -> None:
        """Remember a source for the next start. If this fails, the source is read again then: no error."""
        # Entries of removed snapshots are dropped, so the file does not grow forever.
        known = {key: name for key, name in self._load().items() if (self._folder / name).is_dir()}
        known[identity] = folder.name
        try:
            with durable_file(self._path) as out:
                out.write(msgspec.json.format(msgspec.json.encode(known, order="sorted")))
        except OSError as error:
            structlog.get_logger("meantime").warning(
                "the next start will read the source again", reason=str(error), path=str(self._path)
            )

    def _load(self) -> dict[str, str]:
        try:
            known = msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except (OSError, UnicodeDecodeError, msgspec.MsgspecError):
            # There is none before the first source is read. If it is damaged, sources are read again.
            return {}
        return {identity: name for identity, name in known.items() if fingerprint_of(name)}
