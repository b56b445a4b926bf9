"""Tables of facts as the types that they are read into."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Iterator
from importlib import resources
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


def table_of_facts(name: str, kind: type[T]) -> T:
    """Read a table of this folder, such as "titles.toml".

    Raises:
        msgspec.ValidationError: as of ``converted``.
    """
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return converted(tomllib.loads(text), kind)


def tables_in(folder: str) -> Iterator[dict[str, Any]]:
    """Yield the tables of a folder in this one, such as "grids", as they are written."""
    for file in resources.files(__package__).joinpath(folder).iterdir():
        if file.name.endswith(".toml"):
            yield tomllib.loads(file.read_text(encoding="utf-8"))
