"""Libraries that take long to import, imported when something of theirs is first used.

So a server answers sooner, and a command that needs none of them starts sooner. They are used as if they had been
imported: ``from meantime.later import duckdb``.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

# The machine has too little of something to load a shared library, which is told in words alone.
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class _Later(ModuleType):
    """Stands for a module. It looks attributes up there each time (0.2 us), so whoever replaces one there is heeded.

    Several threads may be the first at the same time: Python imports a module once, and lets the others wait.
    """

    def __getattr__(self, attribute: str) -> Any:
        module = self.__dict__.get("_module")
        if module is None:
            module = self.__dict__["_module"] = _imported(self.__name__)
        return getattr(module, attribute)


class _Functions(ModuleType):
    """scipy.special with nothing but its functions; the rest comes when somebody, perhaps not Meantime, asks for it."""

    def __getattr__(self, attribute: str) -> Any:
        # Whoever goes through all modules asks each for such names.
        is_asked_of_all = attribute.startswith("__") and attribute != "__all__"
        with _loading_the_rest:
            rest = None if is_asked_of_all else self.__dict__.pop("_rest", None)
            if rest is not None:
                rest.exec_module(self)
            if attribute in self.__dict__:
                return self.__dict__[attribute]
        raise AttributeError(f"module {self.__name__!r} has no attribute {attribute!r}")


# Taken again by the same thread: what scipy.special imports may ask it for something.
_loading_the_rest = threading.RLock()

if TYPE_CHECKING:
    import duckdb as duckdb
    import rapidfuzz as rapidfuzz
    import structlog as structlog
    from scipy import special as special
else:
    duckdb = _Later("duckdb")
    rapidfuzz = _Later("rapidfuzz")
    special = _Later("scipy.special")
    structlog = _Later("structlog")


_SPECIAL = "scipy.special"
# What many requests need: two libraries, and modules that import another one. Not DuckDB, which takes 20 MB and is for
# source rows and Parquet alone.
_SOON = (
    "rapidfuzz",
    "scipy.special",
    "meantime.formats.writers.arrow",
    "meantime.formats.writers.xlsx",
)


def import_soon() -> None:
    """Import now what many requests would have to wait for.

    Raises:
        OSError: as ``_imported``.
    """
    for name in _SOON:
        _imported(name)


def _imported(name: str) -> ModuleType:
    """Import a module.

    Raises:
        OSError: it cannot be read. EMFILE, ENFILE and ENOMEM pass by themselves: the next try may succeed.
    """
    if name == _SPECIAL and name not in sys.modules:
        with suppress(ImportError):  # another version of scipy may have its functions elsewhere
            return _special_functions()
    try:
        # Not import_module, which `python -X importtime` does not see.
        __import__(name)
    except ImportError as error:
        for number in _SHORTAGES:
            if os.strerror(number) in str(error):
                raise OSError(number, os.strerror(number)) from error
        raise
    return sys.modules[name]


def _special_functions() -> ModuleType:
    """Import the functions of scipy.special alone: they are one compiled module, and the rest takes ten times as long.

    Raises:
        ImportError: they are not where they were.
        OSError: as ``_imported``.
    """
    spec = find_spec(_SPECIAL)
    if spec is None:
        raise ImportError(_SPECIAL)
    package = module_from_spec(spec)
    package.__class__ = _Functions
    package.__dict__["_rest"] = spec.loader
    sys.modules[_SPECIAL] = package
    try:
        functions = _imported(f"{_SPECIAL}._ufuncs")
    except BaseException:
        del sys.modules[_SPECIAL]
        raise
    package.__dict__.update({name: each for name, each in vars(functions).items() if not name.startswith("_")})
    return package


@contextmanager
def quick_imports(*, without: str) -> Iterator[None]:
    """Import much in this block: unsearched for garbage, of which imports make little, and without a library.

    What is imported uses that library only where it is there, and does as if it were not installed.
    """
    is_new = without not in sys.modules
    if is_new:
        sys.modules[without] = None  # type: ignore[assignment]  # how Python marks a module that cannot be imported
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
        if is_new:
            del sys.modules[without]
