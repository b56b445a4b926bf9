"""Settings: a row for each, with name, default, cast and help. Read once: from TOML, then environment, then options."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from meantime.errors import SettingInvalid


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: a setting, its default and its purpose."""

    name: str
    default: str  # as it would be written in the environment; it is cast like any other value
    cast: Callable[[str], Any]
    expected: str  # the form of a value, for the error
    help: str

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "TP_NUM_OF_THREADS" if self.name == "threads" else f"MEANTIME_{self.name.upper()}"


def _whole(least: int, most: int) -> Callable[[str], int]:
    def cast(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError(text)
        return number

    return cast


def _number(least: float, most: float) -> Callable[[str], float]:
    def cast(text: str) -> float:
        number = float(text)
        if not least <= number <= most:
            raise ValueError(text)
        return number

    return cast


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 10 * 365 * 86_400:
        raise ValueError(text)
    return seconds


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _not_empty(text: str) -> str:
    # An empty host would mean every interface, which must be set on purpose, not by leaving it out.
    if not text.strip():
        raise ValueError(text)
    return text


def _yes_or_no(text: str) -> bool:
    return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[text.strip().lower()]


def _networks(text: str) -> tuple[str, ...]:
    """Accept addresses, and networks such as 10.0.0.0/8."""
    return tuple(str(ipaddress.ip_network(name)) for name in _names(text))


_ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?", re.ASCII)


def _origins(text: str) -> tuple[str, ...]:
    """Accept "*", and origins as browsers send them: scheme and host in lower case, no path."""
    origins = _names(text)
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(text)
    return origins


def _frame_ancestors(text: str) -> str:
    """Accept the sources of one directive, and nothing that would end it and begin another."""
    if not text.strip() or not text.isascii() or not text.isprintable() or set(text) & set(";,"):
        raise ValueError(text)
    return " ".join(text.split())


def _optional(text: str) -> str | None:
    return text or None


def _jobs(text: str) -> str | None:
    """Accept the address of a database, without a password: it would be in the list of processes, and in errors."""
    if not text:
        return None
    try:
        parts = urlsplit(text)
        has_password = parts.password is not None or "password" in parse_qs(parts.query)
        is_whole = parts.scheme in ("postgresql", "postgres") and len(parts.path) > 1
    except ValueError:
        has_password = is_whole = False
    if has_password:
        raise SettingInvalid(
            "jobs has a password in it, which others could read in the list of processes. Give it as PGPASSWORD, or in "
            "~/.pgpass or the file that PGPASSFILE names."
        )
    if not is_whole:
        # Not quoted: it may hold a password all the same.
        raise SettingInvalid("jobs must be the address of a database, such as postgresql://HOST/DATABASE.")
    return text


def _http_address(text: str) -> str | None:
    if text and not _ORIGIN.fullmatch(text.rstrip("/")):
        raise ValueError(text)
    return text.rstrip("/") or None


def _path(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(text)


def _cores() -> int:
    # The cores that this process may use, which in a container is fewer than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _threads(text: str) -> int:
    return _whole(1, 1024)(text) if text else _cores()


SETTINGS = (
    Setting("host", "127.0.0.1", _not_empty, "an address", "Address to listen on. Any other than loopback opens the server to other machines."),
    Setting("port", "5000", _whole(0, 65535), "a whole number from 0 to 65535", "Port to listen on. 0 picks a free one."),
    Setting("allowed_hosts", "", _names, "names separated by commas", "Host names that requests may use, besides localhost, the loopback addresses and the setting host."),
    Setting("admin_key", "", _optional, "text", "Key with the role operate, besides those of `meantime key create`. Clients send it in the header X-Admin-Key, or as Authorization: Bearer."),
    Setting("allow_anonymous", "no", _yes_or_no, "yes or no", "Whether requests without a key may read and submit where keys are otherwise required: once there are keys, or if host is not loopback."),
    Setting("rate_limit", "100", _number(0, 1_000_000), "a number of requests a second", "How many requests a second a key, or an address without a key, may send; ten times as many at once. 0 is no limit. Programs on the server's own machine are not limited."),
    Setting("trusted_proxies", "", _networks, "addresses or networks separated by commas", "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, such as 127.0.0.1."),
    Setting("allowed_origins", "", _origins, "origins such as https://example.org separated by commas, or *", "Sites whose pages may use the API from a browser (CORS)."),
    Setting("frame_ancestors", "'none'", _frame_ancestors, "sources of a Content-Security-Policy, separated by spaces", "Sites that may embed the explorer in a frame, such as 'self' or https://example.org."),
    Setting("state_dir", "meantime-state", _path, "a folder", "Folder for jobs, results, snapshots and the log."),
    Setting("jobs", "", _jobs, "an address such as postgresql://HOST/DATABASE, without a password", "Where jobs are kept that several hosts share: a PostgreSQL database, postgresql://[USER@]HOST[:PORT]/DATABASE. The password comes from PGPASSWORD, PGPASSFILE or ~/.pgpass. Without it, jobs are in state_dir. docs/cluster.md."),
    Setting("host_address", "", _http_address, "an address such as http://10.0.0.5:5000", "Address at which the other hosts reach this one, where several share their jobs. Without it, host and port."),
    Setting("lease_s", "15", _number(1, 3600), "a number of seconds from 1 to 3600", "How many seconds a host may give no sign before the others take over its jobs, where several share them. The default outlasts the pauses of a busy machine."),
    Setting("threads", "", _threads, "a whole number from 1 to 1024", "Number of threads that work on jobs. Without it, the number of CPU cores."),
    Setting("queue_limit", "10000", _whole(1, 10_000_000), "a whole number, at least 1", "How many jobs may wait. Any further job is refused with status 503, except that a tenth more is kept for clients with few jobs."),
    Setting("job_time_limit_s", "600", _seconds, "a number of seconds", "How many seconds a job may run before it fails."),
    Setting("answer_cost_s", "1.5", _seconds, "a number of seconds", "How many seconds of computing an immediate answer may cost, by the estimate that is made before. What costs more has to be submitted as a job."),
    Setting("answer_size_mb", "4", _whole(1, 100_000), "a number of megabytes, at least 1", "How many MB an immediate answer may have as JSON, by the same estimate."),
    Setting("job_cost_s", "600", _seconds, "a number of seconds", "How many seconds of computing a job may cost, by the estimate that is made when it is submitted. What costs more is refused."),
    Setting("job_size_mb", "256", _whole(1, 100_000), "a number of megabytes, at least 1", "How many MB the result of a job may have as JSON, by the same estimate. Computing takes about four times as much memory."),
    Setting("keep_ended_s", "2592000", _seconds, "a number of seconds", "How many seconds a job is kept after it has ended. The default is 30 days."),
    Setting("keep_ended_jobs", "100000", _whole(1, 100_000_000), "a whole number, at least 1", "How many ended jobs are kept."),
    Setting("shutdown_deadline_s", "30", _seconds, "a number of seconds", "How many seconds queued jobs may still run when the server stops. The others run at the next start."),
    Setting("load_memory_mb", "2048", _whole(256, 10_000_000), "a number of megabytes, at least 256", "The most memory that reading a file may take, in MB. DuckDB gets two thirds of it, and reading fails if it needs more. The default is enough for 72,000 census tracts, or 2 million cells."),
    Setting("cells_memory_mb", "512", _whole(1, 10_000_000), "a number of megabytes, at least 1", "How much memory the cells that were asked for may take, in MB; the rest of a table stays on disk. The default is enough for 2 to 4 million cells: all of a table of the CDC, or 50 questions about 72,000 census tracts. A question of 72,000 cells that is not in memory takes 20 to 50 ms more."),
    Setting("disk_reserve_mb", "256", _whole(0, 100_000_000), "a number of megabytes", "Disk space that is kept free for jobs while a file is read, in MB. Reading stops and is tried again later rather than use it: 100,000 kept jobs take about 200 MB. At most a twentieth of the disk is kept."),
    Setting("uploads", "yes", _yes_or_no, "yes or no", "Whether tables can be uploaded: from the page in a browser on the server's own machine, or with a key with the role operate."),
    Setting("upload_limit_mb", "512", _whole(1, 100_000_000), "a number of megabytes, at least 1", "The most that an uploaded table may have, in MB: half of what browsers send without trouble. Larger files are better served by their path."),
    Setting("download_limit_mb", "4096", _whole(1, 100_000_000), "a number of megabytes, at least 1", "The most that a table on the web or in object storage, or the tally of one in a database, may have, in MB, so that an address that sends for ever does not fill the disk. The largest tables of health portals have 2 GB."),
    Setting("rejected_limit", "0.05", _number(0, 1), "a number from 0 to 1", "Share of rejected lines above which a file is refused."),
    Setting("cluster", "", _optional, "text", "Who reads the files: local:N for N processes of this machine, or a Dask scheduler such as tls://HOST:8786 (docs/cluster.md). Without it, one process of this machine."),
    Setting("cluster_ca_file", "", _optional, "a file", "Certificates in PEM that the scheduler and the workers of a cluster are trusted by."),
    Setting("cluster_certificate_file", "", _optional, "a file", "Certificate in PEM by which the cluster knows this server."),
    Setting("cluster_key_file", "", _optional, "a file", "Private key of that certificate, in PEM."),
    Setting("shelf", "", _optional, "text", "Where servers share their snapshots, so that one reads a file and the others do not, and results of hosts that stop: s3://BUCKET/PREFIX, or a folder that all of them have (docs/cluster.md)."),
    Setting("log_size_mb", "10", _whole(1, 100_000), "a number of megabytes, at least 1", "Size in MB at which webserver.log is rotated."),
    Setting("log_files", "5", _whole(1, 1000), "a whole number, at least 1", "How many rotated logs are kept."),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, as plain values. Its fields are the rows of ``SETTINGS``."""

    host: str
    port: int
    allowed_hosts: tuple[str, ...]
    admin_key: str | None = field(repr=False)
    allow_anonymous: bool
    rate_limit: float
    trusted_proxies: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    frame_ancestors: str
    state_dir: Path
    jobs: str | None
    host_address: str | None
    lease_s: float
    threads: int
    queue_limit: int
    job_time_limit_s: float
    answer_cost_s: float
    answer_size_mb: int
    job_cost_s: float
    job_size_mb: int
    keep_ended_s: float
    keep_ended_jobs: int
    shutdown_deadline_s: float
    load_memory_mb: int
    cells_memory_mb: int
    disk_reserve_mb: int
    uploads: bool
    upload_limit_mb: int
    download_limit_mb: int
    rejected_limit: float
    cluster: str | None
    cluster_ca_file: str | None
    cluster_certificate_file: str | None
    cluster_key_file: str | None
    shelf: str | None
    log_size_mb: int
    log_files: int


def read_settings(
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, str | None] | None = None,
) -> Settings:
    """Read every setting once: the default, then the TOML file, then the environment, then the option.

    Raises:
        SettingInvalid: a value has the wrong form, or the file names a setting that does not exist.
    """
    environment = os.environ if environment is None else environment
    in_file = _read_file(file) if file else {}
    values = {}
    for row in SETTINGS:
        text, origin = row.default, "default"
        if row.name in in_file:
            text, origin = in_file[row.name], str(file)
        if row.variable in environment:
            text, origin = environment[row.variable], row.variable
        if options and (value := options.get(row.name)) is not None:
            text, origin = value, f"--{row.name.replace('_', '-')}"
        values[row.name] = _cast(row, text, origin)
    return Settings(**values)


def _cast(row: Setting, text: str, origin: str) -> Any:
    try:
        return row.cast(text)
    except (ValueError, KeyError):
        raise SettingInvalid(f"{row.name} is {text!r} (from {origin}); it must be {row.expected}.") from None


def _read_file(file: Path) -> dict[str, str]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingInvalid(f"{file} cannot be read as settings: {error}") from error
    known = {row.name for row in SETTINGS}
    if unknown := sorted(content.keys() - known):
        raise SettingInvalid(
            f"{file} names settings that do not exist: {', '.join(unknown)}. There are: {', '.join(sorted(known))}."
        )
    return {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in content.items()
    }
