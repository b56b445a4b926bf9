"""Random numbers that depend on the request alone: asked again, the same answer."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np


def generator(
    fingerprint: str, statistic: str, parameters: msgspec.Struct, *, added: tuple[str, ...] = ()
) -> np.random.Generator:
    """Return the generator of a request: of what is asked, of which content.

    ``added``: parameters that later versions added. They count only where they are set, so that older requests keep
    their answers.

    >>> class Asked(msgspec.Struct):
    ...     question: str
    >>> one, same = (generator("f", "ranking", Asked("Q")).integers(1_000_000) for _ in range(2))
    >>> int(one) == int(same)
    True
    """
    raw = msgspec.structs.asdict(parameters)
    counting = {name: value for name, value in raw.items() if value or name not in added}
    request = f"{fingerprint}\n{statistic}\n".encode() + msgspec.json.encode(counting)
    seed = int.from_bytes(hashlib.blake2b(request, digest_size=16).digest(), "big")
    # PCG64 by name, and not whatever numpy's default will be.
    return np.random.Generator(np.random.PCG64(seed))
