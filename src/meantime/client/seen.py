"""What a client knows of things that live at a server: as they were when it last looked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from meantime.errors import Failure
from meantime.model import JobState
from meantime.text import share


class Ask:
    """A question put together: a statistic with its parameters, for ``ask_all`` and ``submit_all``.

    >>> Ask("state_mean", question="Percent of adults who nap", state="Utah")
    Ask('state_mean', question='Percent of adults who nap', state='Utah')
    """

    __slots__ = ("dataset", "label", "parameters", "statistic")

    def __init__(
        self, statistic: str, /, *, dataset: str | None = None, label: str | None = None, **parameters: Any
    ) -> None:
        self.statistic = statistic
        self.dataset = dataset
        self.label = label
        self.parameters = parameters

    def __repr__(self) -> str:
        beside = {"dataset": self.dataset, "label": self.label}
        named = {name: value for name, value in beside.items() if value is not None} | self.parameters
        return f"Ask({', '.join([repr(self.statistic), *(f'{name}={value!r}' for name, value in named.items())])})"

    def submission(self) -> dict[str, Any]:
        """Return it as the API takes it. What is not said is left out: the server decides what that means."""
        said = {"statistic": self.statistic, "parameters": self.parameters}
        beside = {"dataset": self.dataset, "label": self.label}
        return said | {name: value for name, value in beside.items() if value is not None}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stood."""

    id: str
    state: JobState
    label: str | None
    dataset: str
    fingerprint: str | None  # of the snapshot that answers; None while the data set is loading
    statistic: str
    parameters: dict[str, Any]  # as checked, with the defaults filled in
    progress: float  # share of the work that is done, from 0 to 1
    position: int | None  # how many jobs stand before it; None unless it is queued
    attempts: int  # how often work on it was begun
    created_at: datetime
    started_at: datetime | None  # of the last attempt
    ended_at: datetime | None
    expires_at: datetime | None  # when it is removed, at the latest
    failure: Failure | None  # why there is no result, and whose fault that is


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some jobs of a list."""

    jobs: list[Standing]
    next: str | None  # cursor of the page behind this one


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of a batch, in the order of its requests."""

    jobs: list[Standing]


class Dismissal(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of a job that was to be cancelled."""

    outcome: str
    job: Standing


class Known:
    """A job as it was when this client last looked; asking for any of this asks nobody."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing

    def __repr__(self) -> str:
        now = self.standing
        done = f", {share(now.progress)}" if now.state is JobState.RUNNING else ""
        return f"<{type(self).__name__} {now.id}: {now.statistic}, {now.state}{done}>"

    @property
    def id(self) -> str:
        """``job_id_N``: finds it again, from anywhere, as long as it is kept."""
        return self.standing.id

    @property
    def state(self) -> JobState:
        """Where it was in its life."""
        return self.standing.state

    @property
    def progress(self) -> float:
        """The share of the work that was done, from 0 to 1."""
        return self.standing.progress

    @property
    def label(self) -> str | None:
        """The asker's own word for it."""
        return self.standing.label

    @property
    def failure(self) -> Failure | None:
        """Why there is no result, and whose fault that is, where it has failed or was cancelled."""
        return self.standing.failure
