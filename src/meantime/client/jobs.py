"""Jobs as a client knows them: their status at its last request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from meantime.errors import Failure
from meantime.model import JobState
from meantime.text import share


class Ask:
    """A statistic with its parameters, for ``ask_all``.

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
        optional = {"dataset": self.dataset, "label": self.label}
        named = {name: value for name, value in optional.items() if value is not None} | self.parameters
        return f"Ask({', '.join([repr(self.statistic), *(f'{name}={value!r}' for name, value in named.items())])})"

    def submission(self) -> dict[str, Any]:
        """Return it as JSON for the API. What is not set is left out, so that the server's defaults apply."""
        required = {"statistic": self.statistic, "parameters": self.parameters}
        optional = {"dataset": self.dataset, "label": self.label}
        return required | {name: value for name, value in optional.items() if value is not None}


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A job at one moment."""

    id: str
    state: JobState
    label: str | None
    dataset: str
    fingerprint: str | None  # of the snapshot that is used; None while the data set is loading
    statistic: str
    parameters: dict[str, Any]  # as checked, with defaults
    progress: float  # share of the work that is done, from 0 to 1
    position: int | None  # how many jobs are ahead in the queue; None unless it is queued
    attempts: int  # how often work on it was started
    created_at: datetime
    started_at: datetime | None  # of the last attempt
    ended_at: datetime | None
    expires_at: datetime | None  # when it is removed at the latest
    failure: Failure | None  # why there is no result, and where the fault is


class JobListPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list of jobs."""

    jobs: list[JobStatus]
    next: str | None  # cursor of the next page


class AcceptedJobs(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of a batch, in the order of its requests."""

    jobs: list[JobStatus]


class CancelOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a cancellation did."""

    outcome: str
    job: JobStatus


class JobHandle:
    """A job as of this client's last request. Reading these properties sends no request."""

    def __init__(self, standing: JobStatus) -> None:
        self.standing = standing

    def __repr__(self) -> str:
        now = self.standing
        done = f", {share(now.progress)}" if now.state is JobState.RUNNING else ""
        return f"<{type(self).__name__} {now.id}: {now.statistic}, {now.state}{done}>"

    @property
    def id(self) -> str:
        """``job_id_N``: finds the job again, from any client, as long as it is kept."""
        return self.standing.id

    @property
    def state(self) -> JobState:
        """Queued, running, done, failed or cancelled."""
        return self.standing.state

    @property
    def progress(self) -> float:
        """The share of the work that is done, from 0 to 1."""
        return self.standing.progress

    @property
    def label(self) -> str | None:
        """The label that it was submitted with."""
        return self.standing.label

    @property
    def failure(self) -> Failure | None:
        """Why there is no result, and where the fault is, if it failed or was cancelled."""
        return self.standing.failure
