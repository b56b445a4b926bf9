from __future__ import annotations

from pathlib import Path

import pytest

from meantime.engine.ports import LastSeen
from meantime.stores.checked_file import CheckedFile
from meantime.stores.last_seen import LastSeenFile


def test_a_note_is_kept_and_replaced(tmp_path: Path) -> None:
    notes = LastSeenFile(tmp_path / "last-seen")
    assert notes.read() is None
    for seen in (LastSeen(at_s=2_000_000_000.125, held_s=86_400.0), LastSeen(at_s=-5.0, held_s=0.0)):
        notes.write(seen)
        assert notes.read() == LastSeenFile(tmp_path / "last-seen").read() == seen
    assert (tmp_path / "last-seen").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "1", "1 2 3", "one two", "nan 0", "0 inf"])
def test_a_note_that_says_no_time_counts_as_none(tmp_path: Path, text: str) -> None:
    CheckedFile(tmp_path / "last-seen").write(text)
    assert LastSeenFile(tmp_path / "last-seen").read() is None


def test_a_flipped_bit_makes_a_note_none(tmp_path: Path) -> None:
    path = tmp_path / "last-seen"
    LastSeenFile(path).write(LastSeen(at_s=2_000_000_000.0, held_s=0.0))
    sound = path.read_bytes()
    for at in range(len(sound) - 1):
        for bit in range(8):
            path.write_bytes(sound[:at] + bytes([sound[at] ^ (1 << bit)]) + sound[at + 1 :])
            assert LastSeenFile(path).read() is None


def test_a_note_that_cannot_be_kept_is_lost_and_no_more(tmp_path: Path) -> None:
    notes = LastSeenFile(tmp_path / "nowhere" / "last-seen")
    notes.write(LastSeen(at_s=1.0, held_s=0.0))
    assert notes.read() is None
