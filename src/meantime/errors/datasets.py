"""Errors of reading files and of the data sets that come from them."""

from __future__ import annotations

from collections.abc import Sequence

from meantime.errors.base import Fault, MeantimeError


class DataError(MeantimeError):
    """A file cannot become a data set."""

    code = "data-invalid"
    fault = Fault.DATA


class SourceUnreadable(DataError):
    """The file is absent, cannot be read, or is not what its name suggests."""

    code = "source-unreadable"


class SourceEmpty(DataError):
    """The file has no bytes, or a header but no rows."""

    code = "source-empty"


class RolesMissing(DataError):
    """Required roles have no column."""

    code = "roles-missing"

    def __init__(self, message: str, *, roles: Sequence[str] = (), columns: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.roles = tuple(roles)
        self.columns = tuple(columns)


class HeaderRepeated(DataError):
    """Two columns have the same name, so the name does not show which one is meant."""

    code = "header-repeated"


class TooManyRejected(DataError):
    """More lines were rejected than the setting allows. Most likely the delimiter or encoding is wrong."""

    code = "too-many-rejected"


class SourceChanged(DataError):
    """The file was replaced or written to while it was being read."""

    code = "source-changed"


class DescriptionInvalid(DataError):
    """The TOML file next to the data cannot be read, or has keys or values that are not allowed."""

    code = "description-invalid"


class LoadFailed(MeantimeError):
    """Reading failed through no fault of the file: the process was killed, memory or disk ran out, or it has a bug."""

    code = "load-failed"


class LoadMemoryTooSmall(LoadFailed):
    """Reading needs more memory than the setting ``load_memory_mb`` allows, so trying again cannot help."""

    code = "load-memory-too-small"
    fault = Fault.OPERATOR


class LoadCancelled(MeantimeError):
    """Reading was cancelled before it was complete; nothing was kept."""

    code = "load-cancelled"
    fault = Fault.OPERATOR


class SnapshotDamaged(MeantimeError):
    """A snapshot on disk is missing, or differs from what was written."""

    code = "snapshot-damaged"


class TableNotReadable(MeantimeError):
    """The database of a table cannot be asked for rows now; the numbers do not need it."""

    code = "table-not-readable"


class DatasetUnknown(MeantimeError):
    """No data set of this name is served."""

    code = "dataset-unknown"
    fault = Fault.CALLER


class DatasetNameTaken(MeantimeError):
    """A data set of this name is served already."""

    code = "dataset-name-taken"
    fault = Fault.CALLER


class DatasetNotReady(MeantimeError):
    """The data set could not be loaded, so its questions cannot be answered."""

    code = "dataset-not-ready"
    fault = Fault.OPERATOR


class ReloadFailed(MeantimeError):
    """The changed files of a data set cannot be read. Its previous content is still served."""

    code = "reload-failed"
    fault = Fault.DATA
