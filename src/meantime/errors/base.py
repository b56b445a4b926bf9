"""What all errors have in common: a code for machines, a sentence for people, and whose fault it is."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Self

import msgspec


class Fault(StrEnum):
    """Whose fault an error is, and so who can fix it."""

    CALLER = "caller"  # sent a request that cannot be answered
    DATA = "data"  # the file is not what it should be
    OPERATOR = "operator"  # who runs the server: a setting, or a stop
    SERVER = "server"  # Meantime itself, or the machine under it


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with a request."""

    pointer: str  # JSON pointer into the parameters, e.g. "/question"; "" for the whole
    code: str  # stable, for machines: missing, type, unknown, ambiguous, absent, withheld, no-polarity, too-large
    detail: str  # one sentence for people, with what to do next
    closest: tuple[str, ...] = ()  # what may have been meant, best first


class MeantimeError(Exception):
    """The root: whatever Meantime raises on purpose.

    An error has two texts. Whoever sends a request may read ``reason``: it names files and data sets, but no folder of
    this machine, and never quotes a traceback or another program. ``operator_reason`` is for who runs the server, at
    the terminal and in the log.
    """

    code: ClassVar[str] = "error"
    fault: ClassVar[Fault] = Fault.SERVER
    _operator_reason: str | None = None

    @property
    def reason(self) -> str:
        """The sentence for everybody, clients included."""
        return str(self)

    @property
    def operator_reason(self) -> str:
        """The text for who runs the server: with paths and details. The same as ``reason`` where there are none."""
        return self.reason if self._operator_reason is None else self._operator_reason

    def for_operator(self, text: str) -> Self:
        """Give the error a text of its own for who runs the server, and return it.

        >>> error = MeantimeError("a.csv cannot be read.").for_operator("/srv/a.csv cannot be read.")
        >>> error.reason, error.operator_reason
        ('a.csv cannot be read.', '/srv/a.csv cannot be read.')
        """
        self._operator_reason = text
        return self


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job ended without a result, and whose fault that is."""

    code: str
    fault: Fault
    reason: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Describe an error. One that is not Meantime's own is the server's fault, and only its name is shown.

        >>> Failure.of(ValueError("at 0x7f")).reason
        'internal error (ValueError); the log has the details'
        """
        if isinstance(error, MeantimeError):
            return cls(code=error.code, fault=error.fault, reason=error.reason)
        name = type(error).__name__
        return cls(code="internal", fault=Fault.SERVER, reason=f"internal error ({name}); the log has the details")


def operator_text(error: BaseException | None) -> str:
    """Return what the log says of any error.

    >>> operator_text(ValueError("at 0x7f"))
    "ValueError('at 0x7f')"
    """
    return error.operator_reason if isinstance(error, MeantimeError) else repr(error)
