"""Errors of running Meantime: its settings, its store, its drawing process, and a client's connection to a server."""

from __future__ import annotations

from meantime.errors.base import Fault, MeantimeError


class SettingInvalid(MeantimeError):
    """A setting has a value of the wrong form. Names the setting, the value and what was expected."""

    code = "setting-invalid"
    fault = Fault.OPERATOR


class StoreError(MeantimeError):
    """The store of jobs cannot be used."""

    code = "store-error"


class StoreBroken(StoreError):
    """Writing to the store failed for good. Only a restart, which reads everything from disk, recovers from it."""

    code = "store-broken"


class RecordDamaged(StoreError):
    """The record of a job on disk is damaged: the job cannot be told from another one, so it counts as failed."""

    code = "record-damaged"


class StoreTooNew(StoreError):
    """The store was written by a newer Meantime, and this one would misread it."""

    code = "store-too-new"
    fault = Fault.OPERATOR


class StateInUse(StoreError):
    """Another server uses this state directory."""

    code = "state-in-use"
    fault = Fault.OPERATOR


class PictureFailed(MeantimeError):
    """The process that draws pictures took too long or too much memory, crashed, or reported an error."""

    code = "picture-failed"


class ServerUnreachable(MeantimeError):
    """Nothing answers at the address, or the connection broke. Whether a job was made is not known."""

    code = "server-unreachable"
    fault = Fault.OPERATOR


class NotMeantime(MeantimeError):
    """Something answers at the address, but it is not Meantime."""

    code = "not-meantime"
    fault = Fault.OPERATOR


class PackageMissing(MeantimeError):
    """An optional library is not installed. Says how to install it."""

    code = "package-missing"
    fault = Fault.OPERATOR
