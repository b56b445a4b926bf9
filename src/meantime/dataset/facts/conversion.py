"""Tables of facts as the types that they are read into."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

# A type is prepared at its first use, and threads that used it meanwhile would crash (see formats/document.py).
_converting = threading.Lock()


def converted(content: Any, kind: type[T]) -> T:
    """Convert what a file of facts has. Several threads may be the first to ask for it.

    Raises:
        msgspec.ValidationError: the file is not as it should be, which the tests of facts would show.
    """
    with _converting:
        return msgspec.convert(content, kind)
