"""What all errors have in common: a code for machines, a sentence for people, and whose fault it is."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

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
    code: str  # stable, for machines: missing, type, unknown, absent, withheld, no-polarity, too-large
    detail: str  # one sentence for people, with what to do next
    closest: tuple[str, ...] = ()  # what may have been meant, best first


class MeantimeError(Exception):
    """The root: whatever Meantime raises on purpose."""

    code: ClassVar[str] = "error"
    fault: ClassVar[Fault] = Fault.SERVER

    @property
    def reason(self) -> str:
        """The sentence for people."""
        return str(self)


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
