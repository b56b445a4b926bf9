"""How many files and connections this process may have open, and which errors of the system pass by themselves."""

from __future__ import annotations

import errno
import resource

# Nobody needs more, and some programs go through all descriptors that they may have: in a container that can be a
# billion.
_ENOUGH = 65_536
# Below this the log says that the limit is low: the usual soft limit of a shell or a systemd unit, which may be raised.
LOW = 1_024
# Kept for the store, results, snapshots, the log and the processes that read and draw: they need some 40, and each
# thread that reads rows or writes a result a few more.
_RESERVED = 512

# The machine has too little of something for the moment: space, quota, descriptors, memory. Or a call was interrupted.
PASSING = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EINTR,
        errno.EAGAIN,
    }
)
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


def raise_limit() -> int:
    """Raise the number of descriptors that this process may have as far as it is allowed to; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return _ENOUGH if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (ValueError, OSError):
        return soft  # macOS has a further limit that getrlimit does not tell
    return most


def connections_for(limit: int) -> int:
    """Return how many connections may be open at once, so that enough descriptors are left for everything else.

    >>> [connections_for(limit) for limit in (64, 256, 1_024, 65_536)]
    [32, 128, 512, 65024]
    """
    return limit - min(limit // 2, _RESERVED)
