from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from meantime.access.keys import Key, KeyFile, KeyRing, Role
from meantime.errors import SettingInvalid


def made(folder: Path, role: Role = Role.READ, name: str = "") -> tuple[Key, str]:
    return KeyFile(folder).create(role, name=name, at_s=1.0)


def test_a_key_is_long_shown_once_and_kept_as_a_hash_that_only_its_owner_reads(tmp_path: Path) -> None:
    key, token = made(tmp_path, Role.SUBMIT, "Ana")
    assert (key.role, key.name) == (Role.SUBMIT, "Ana")
    secret = token.removeprefix(f"meantime_{key.id}_")
    assert len(secret) * 6 >= 256
    kept = KeyFile(tmp_path).path
    assert secret not in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert KeyFile(tmp_path).read() == (key,)


def test_a_running_server_sees_at_once_what_is_made_and_revoked(tmp_path: Path) -> None:
    ring = KeyRing(KeyFile(tmp_path))
    assert [len(ring), ring.has_keys] == [0, False]
    key, token = made(tmp_path)
    assert [len(ring), ring.has_keys] == [1, True]
    assert ring.find(token) == key
    other, other_token = made(tmp_path)
    assert KeyFile(tmp_path).revoke(key.id) == key
    assert ring.find(token) is None
    assert ring.find(other_token) == other
    KeyFile(tmp_path).revoke(other.id)
    assert [len(ring), ring.has_keys] == [0, False]
    KeyFile(tmp_path).path.unlink()
    assert ring.find(other_token) is None


def test_keys_that_are_held_are_looked_at_again_when_they_are_released(tmp_path: Path) -> None:
    ring = KeyRing(KeyFile(tmp_path))
    key, token = made(tmp_path)
    assert ring.hold()
    KeyFile(tmp_path).revoke(key.id)
    assert not ring.hold()  # by somebody else, who need not release them
    assert ring.find(token) == key
    ring.release()
    assert ring.find(token) is None


def test_what_is_not_exactly_a_key_is_none(tmp_path: Path) -> None:
    ring = KeyRing(KeyFile(tmp_path), "s3same")
    key, token = made(tmp_path)
    _, other = made(tmp_path)
    mixed = f"meantime_{key.id}_{other.rpartition('_')[2][-43:]}"
    for wrong in (
        "",
        "meantime",
        token[:-1],
        token + "a",
        token.upper(),
        mixed,
        f" {token}",
        key.digest,
        "s3sam",
        "\ud800",
    ):
        assert ring.find(wrong) is None
    admin = ring.find("s3same")
    assert admin is not None
    assert admin.role is Role.OPERATE


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'[{"id": "1"}]'])
def test_a_damaged_file_has_no_key_that_opens_anything_and_they_are_required_all_the_same(
    tmp_path: Path, content: bytes
) -> None:
    _, token = made(tmp_path)
    file = KeyFile(tmp_path)
    ring = KeyRing(file)
    file.path.write_bytes(content)
    assert ring.has_keys
    assert ring.find(token) is None
    for change in (lambda: file.create(Role.READ, name="", at_s=1.0), lambda: file.revoke("12345678"), file.read):
        with pytest.raises(SettingInvalid, match="cannot be read"):
            change()
    assert file.path.read_bytes() == content


def test_keys_that_are_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda number: made(tmp_path, name=str(number))[0], range(40)))
    assert sorted(KeyFile(tmp_path).read(), key=lambda key: key.id) == sorted(keys, key=lambda key: key.id)
    assert len({key.id for key in keys}) == 40


def test_what_cannot_be_is_said_in_one_line(tmp_path: Path) -> None:
    file = KeyFile(tmp_path)
    with pytest.raises(SettingInvalid, match="There is no key with the id 'x'"):
        file.revoke("x")
    for name in ("x" * 101, "a\nb", "\x1b[2J"):
        with pytest.raises(SettingInvalid, match="printable"):
            file.create(Role.READ, name=name, at_s=1.0)
    (tmp_path / "a").write_text("a file")
    with pytest.raises(SettingInvalid, match="cannot be changed"):
        KeyFile(tmp_path / "a").create(Role.READ, name="", at_s=1.0)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_keys_stay_required_while_their_folder_cannot_be_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    key, token = made(tmp_path)
    ring = KeyRing(KeyFile(tmp_path))

    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", fail)
        patch.setattr(Path, "read_bytes", fail)
        for _ in range(3):
            assert (ring.has_keys, ring.find(token)) == (True, None)
    assert ring.find(token) == key


def test_keys_that_could_not_be_read_once_are_read_again_and_it_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = KeyRing(KeyFile(tmp_path))
    key, token = made(tmp_path)

    def fail(_: Path) -> bytes:
        raise OSError(24, "Too many open files")

    with capture_logs() as logged:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", fail)
            for _ in range(3):
                assert (ring.has_keys, ring.find(token)) == (True, None)
        assert ring.find(token) == key
    assert [each["event"] for each in logged] == ["keys cannot be read, so none is accepted"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_like_a_damaged_one(tmp_path: Path) -> None:
    _, token = made(tmp_path)
    KeyFile(tmp_path).path.chmod(0)
    ring = KeyRing(KeyFile(tmp_path))
    assert (ring.has_keys, ring.find(token)) == (True, None)


def test_without_a_file_no_key_is_required_even_while_it_is_not_looked_at() -> None:
    ring = KeyRing(None)
    ring.hold()
    assert not ring.has_keys


def test_each_role_includes_those_before_it() -> None:
    assert [[role.includes(other) for other in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
