from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from meantime.assembly import built_in_sample
from meantime.settings import read_settings


def made(folder: Path) -> Path:
    return Path(built_in_sample(read_settings(environment={"MEANTIME_STATE_DIR": str(folder)})).path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return made(tmp_path_factory.mktemp("sound")).read_bytes()


def test_the_sample_is_made_once(tmp_path: Path, sound: bytes) -> None:
    path = made(tmp_path)
    before = path.stat().st_ino
    assert made(tmp_path) == path
    assert path.stat().st_ino == before
    assert path.read_bytes() == sound
    assert sorted(each.suffix for each in tmp_path.iterdir()) == [".csv", ".sha256"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda _: b"",
        lambda whole: bytes(len(whole)),
        # Half of it, at the end of a line: what a power cut could leave, and what a reader cannot notice.
        lambda whole: whole[: whole.rfind(b"\n", 0, len(whole) // 2) + 1],
        lambda whole: whole.replace(b"1", b"2", 1),
    ],
    ids=["empty", "zeros", "half", "one digit"],
)
def test_a_damaged_sample_is_made_again(tmp_path: Path, sound: bytes, harm: Callable[[bytes], bytes]) -> None:
    path = made(tmp_path)
    path.write_bytes(harm(sound))
    assert made(tmp_path).read_bytes() == sound


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_a_sample_without_its_digest_is_made_again(tmp_path: Path, sound: bytes, content: bytes | None) -> None:
    path = made(tmp_path)
    digest = path.with_suffix(".sha256")
    if content is None:
        digest.unlink()
    else:
        digest.write_bytes(content)
    path.write_bytes(sound[:1000])
    assert made(tmp_path).read_bytes() == sound
    assert digest.read_bytes()
