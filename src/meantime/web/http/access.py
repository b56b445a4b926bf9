"""Whether a request may be answered: by its key and role, and by how many requests its client has sent."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from meantime.access.keys import KeyRing, Role
from meantime.access.rates import RateLimit, client_of
from meantime.errors import KeyNotAllowed, KeyRequired, RateLimited
from meantime.web.http import hosts

# For the log, for shares and limits; an id has no colon.
_OF_KEYS = "key:"

_is_loopback = lru_cache(1024)(hosts.is_loopback)


class Caller(NamedTuple):
    """Who sends a request."""

    key_id: str | None = None  # None: somebody without a key
    role: Role | None = Role.SUBMIT  # None: nothing that needs a key
    # Whose shares and limits count: jobs and answers of different clients take turns. It is the key, or the address if
    # there is none. All those without either, such as at a Unix socket, are one client.
    client: str = ""

    def may(self, role: Role) -> bool:
        """Whether the caller may do what a role is for."""
        return self.role is not None and self.role.includes(role)

    def owns(self, submitted_by: str | None) -> bool:
        """Whether the caller may cancel and remove a job: its own, one that nobody's key submitted, or any."""
        return submitted_by in (None, self.key_id) or self.may(Role.OPERATE)


# Before it is known who sends a request.
UNKNOWN = Caller()


def require(role: Role, caller: Caller) -> None:
    """Refuse what a role is for to whoever has not got it.

    Raises:
        KeyRequired: there is no key.
        KeyNotAllowed: the key's role is not enough.
    """
    if caller.may(role):
        return
    if caller.key_id is None:
        raise KeyRequired("This server is for holders of a key. Send yours in the header Authorization: Bearer KEY.")
    raise KeyNotAllowed(f"The key {caller.key_id} has the role {caller.role}; this needs the role {role}.")


@lru_cache(4096)
def _somebody(address: str | None, role: Role | None) -> Caller:
    return Caller(None, role, client_of(address))


class Access:
    """Checks every request.

    Keys are required as soon as there are any, or if the server ``listens_to_others``; unless it may be used without
    (``allow_anonymous``): then who has no key may read and submit. By default nobody needs a key.
    """

    def __init__(
        self,
        ring: KeyRing | None = None,
        *,
        listens_to_others: bool = False,
        allow_anonymous: bool = False,
        rate: RateLimit | None = None,
    ) -> None:
        self._ring = ring
        self._listens_to_others = listens_to_others
        self._allow_anonymous = allow_anonymous
        self._rate = rate

    def hold_keys(self) -> bool:
        """Look at the keys now, and not again until ``release_keys``; return False if nobody has to call that."""
        return self._ring is not None and self._ring.hold()

    def release_keys(self) -> None:
        """Look at the keys with each request from now on."""
        if self._ring is not None:
            self._ring.release()

    @property
    def requires_keys(self) -> bool:
        """Whether a request without a key is refused."""
        if self._allow_anonymous or self._ring is None:
            return False
        return self._listens_to_others or self._ring.has_keys

    def admit(
        self, needs: Role | None, *, authorization: str | None, admin_key: str | None, address: str | None
    ) -> Caller:
        """Return who sends a request, given two of its headers and the client's address.

        ``needs`` is the role for what is asked; None if that has rules of its own.

        Raises:
            KeyRequired: there is no key, or none of this server's.
            KeyNotAllowed: the key's role is not enough.
            RateLimited: the client has sent too many requests.
        """
        try:
            caller = self._caller(authorization, admin_key, address)
        except KeyRequired:
            self._count(_somebody(address, None), address)
            raise
        self._count(caller, address)
        if needs is not None:
            require(needs, caller)
        return caller

    def _caller(self, authorization: str | None, admin_key: str | None, address: str | None) -> Caller:
        ring = self._ring
        if ring is None:
            return _somebody(address, Role.SUBMIT)
        key = None if admin_key is None else ring.find_admin(admin_key)
        if key is None and authorization is not None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() == "bearer":
                key = ring.find(token.strip())
                # Where there are no keys, it is somebody else's: a proxy passes on what it has checked itself.
                if key is None and (ring.has_keys or self.requires_keys):
                    raise KeyRequired(
                        "The key in the header Authorization is not, or no longer, a key of this server. Ask its "
                        "operator for a new one."
                    )
        if key is not None:
            return Caller(key.id, key.role, _OF_KEYS + key.id)
        return _somebody(address, None if self.requires_keys else Role.SUBMIT)

    def _count(self, caller: Caller, address: str | None) -> None:
        # Programs on the server's own machine are its operator's.
        if self._rate is None or (caller.key_id is None and _is_loopback(address or "")):
            return
        if wait_s := self._rate.take(caller.client):
            raise RateLimited(
                "This client sends more requests than the server answers (the setting rate_limit).",
                retry_after_s=math.ceil(wait_s),
            )
