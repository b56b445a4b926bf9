"""Keys: made once, shown once, and kept as hashes in a file of the state directory.

A key is ``meantime_ID_SECRET``. The id is no secret: lists and jobs name it. The secret has 256 bits, so a fast hash
without salt is enough: nobody can try that many.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog

from meantime.durable import durable_file
from meantime.errors import SettingInvalid

_log = structlog.get_logger("meantime.access")

_TOKEN = re.compile(r"meantime_([0-9a-f]{8})_([A-Za-z0-9_-]{43})", re.ASCII)
_SECRET_BYTES = 32
# A name fits on a line of a list.
_NAME_CHARACTERS = 100


class Role(StrEnum):
    """What a key is for. Each role includes those before it."""

    READ = "read"  # data, results, lists of jobs
    SUBMIT = "submit"  # and submit jobs, and cancel and remove its own
    OPERATE = "operate"  # and cancel and remove every job, reload data, stop the server

    def includes(self, other: Role) -> bool:
        """Whether a key with this role may do what ``other`` is for.

        >>> Role.SUBMIT.includes(Role.READ), Role.SUBMIT.includes(Role.OPERATE)
        (True, False)
        """
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a key."""

    id: str  # 8 hexadecimal digits
    role: Role
    name: str  # whose it is, for the operator
    digest: str  # SHA-256 of the secret, hexadecimal
    created_at_s: float


# Made at import, by one thread: see formats/document.py.
_KEYS = msgspec.json.Decoder(tuple[Key, ...])


class KeyFile:
    """The file of keys in a state directory. Several processes may change it at the same time."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "keys.json"

    def read(self) -> tuple[Key, ...]:
        """Return all keys, oldest first; none if there is no file.

        Raises:
            SettingInvalid: the file cannot be read.
        """
        try:
            return _KEYS.decode(self.path.read_bytes())
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise SettingInvalid(
                f"The keys in {self.path} cannot be read ({error}). Restore the file, or remove it and make new keys."
            ) from error

    def create(self, role: Role, *, name: str, at_s: float) -> tuple[Key, str]:
        """Make a key; return what is kept of it, and the key itself, which nobody can find out again.

        Raises:
            SettingInvalid: the name is too long or has control characters, or the file cannot be used.
        """
        if len(name) > _NAME_CHARACTERS or not name.isprintable():
            raise SettingInvalid(f"The name of a key must have at most {_NAME_CHARACTERS} printable characters.")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        with self._changing():
            keys = self.read()
            taken = {key.id for key in keys}
            key_id = next(each for each in iter(lambda: secrets.token_hex(4), "") if each not in taken)
            key = Key(id=key_id, role=role, name=name, digest=_digest(secret), created_at_s=at_s)
            self._write((*keys, key))
        return key, f"meantime_{key_id}_{secret}"

    def revoke(self, key_id: str) -> Key:
        """Remove a key, and return what was kept of it.

        Raises:
            SettingInvalid: no key has this id, or the file cannot be used.
        """
        with self._changing():
            keys = self.read()
            revoked = next((key for key in keys if key.id == key_id), None)
            if revoked is None:
                raise SettingInvalid(f"There is no key with the id {key_id[:50]!r}. `meantime key list` lists them.")
            self._write([key for key in keys if key is not revoked])
        return revoked

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Let one process at a time change the file."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingInvalid(f"The keys in {self.path.parent} cannot be changed: {error.strerror}.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise SettingInvalid(f"The keys in {self.path.parent} cannot be changed: {error.strerror}.") from error
        finally:
            os.close(lock)

    def _write(self, keys: Sequence[Key]) -> None:
        # A server that reads it meanwhile sees the old keys or the new ones.
        with durable_file(self.path, mode=0o600) as out:
            out.write(msgspec.json.format(msgspec.json.encode(keys)))


class KeyRing:
    """The keys that a running server accepts: those of the file as it is now, and the administrator's of the settings.

    A file that cannot be read has no key that opens anything, and keys are required all the same. Used in any thread.
    """

    def __init__(self, file: KeyFile | None, admin_key: str | None = None) -> None:
        self._file = file
        self._path = "" if file is None else str(file.path)
        self._admin = (
            None
            if admin_key is None
            else Key(
                id="admin", role=Role.OPERATE, name="the setting admin_key", digest=_digest(admin_key), created_at_s=0
            )
        )
        self._state: tuple[object, Mapping[str, Key] | None] = ("not looked at", None)
        self._is_held = False
        self._current()

    def hold(self) -> bool:
        """Look at the file now, and not again until ``release``; return False if that is so already."""
        if self._is_held:
            return False
        self._current()
        self._is_held = True
        return True

    def release(self) -> None:
        """Look at the file each time from now on."""
        self._is_held = False

    @property
    def has_keys(self) -> bool:
        """Whether there is any key in the file."""
        keys = self._current()
        return keys is None or bool(keys)

    def __len__(self) -> int:
        """Return how many keys the file has that open something."""
        return len(self._current() or ())

    def find(self, token: str) -> Key | None:
        """Return the key that somebody has sent; None if it is not, or no longer, a key of this server."""
        if (admin := self.find_admin(token)) is not None:
            return admin
        match = _TOKEN.fullmatch(token)
        key = (self._current() or {}).get(match[1]) if match else None
        return key if match and key is not None and hmac.compare_digest(_digest(match[2]), key.digest) else None

    def find_admin(self, token: str) -> Key | None:
        """Return the administrator's key if that is what somebody has sent."""
        admin = self._admin
        return admin if admin is not None and hmac.compare_digest(_digest(token), admin.digest) else None

    def _current(self) -> Mapping[str, Key] | None:
        """Return the keys by id; None if the file cannot be read.

        It is read again when it has changed, and each time while it cannot be read: there may just have been too many
        open files.
        """
        if self._file is None:
            return {}
        known, keys = self._state
        if self._is_held:
            return keys
        version: object
        try:
            status = os.stat(self._path)  # noqa: PTH116 - with each request, and a third faster
            version = (status.st_ctime_ns, status.st_ino, status.st_size)
        except FileNotFoundError:
            version = None
        except OSError as error:
            version = error.errno  # whether there is a file cannot be found out
        if version == known and keys is not None:
            return keys
        try:
            keys = {key.id: key for key in self._file.read()}
        except SettingInvalid as error:
            if version != known:
                _log.error("keys cannot be read, so none is accepted", reason=error.reason)
            keys = None
        self._state = (version, keys)
        return keys


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
