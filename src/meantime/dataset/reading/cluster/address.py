"""Where workers are: processes on this machine, or a Dask scheduler."""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from pathlib import Path

import msgspec

from meantime.errors import SettingInvalid

_LOCAL = re.compile(r"local:([1-9][0-9]{0,2})", re.ASCII)
_SCHEDULER = re.compile(
    r"(?P<scheme>tls|tcp)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})", re.ASCII
)


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Where files are read: by ``processes`` of this machine, or by the workers of the scheduler at ``address``."""

    processes: int = 0
    address: str = ""
    # Files in PEM with the certificates that are trusted, and with ours and its key: all three, or none.
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""


def parse_cluster(text: str, *, ca_file: str = "", certificate_file: str = "", key_file: str = "") -> Cluster:
    """Read where workers are: local:N, tls://HOST:PORT, or tcp://HOST:PORT on this machine.

    >>> parse_cluster("local:4").processes
    4

    Raises:
        SettingInvalid: it is something else, would send tasks unencrypted to another machine, or lacks a certificate or
            Dask itself.
    """
    if local := _LOCAL.fullmatch(text):
        return Cluster(processes=int(local[1]))
    match = _SCHEDULER.fullmatch(text)
    if match is None:
        raise SettingInvalid(
            f"cluster is {text!r}; it must be local:N for N processes on this machine, or the address of a Dask "
            "scheduler, such as tls://HOST:8786."
        )
    files = {"cluster_ca_file": ca_file, "cluster_certificate_file": certificate_file, "cluster_key_file": key_file}
    if match["scheme"] == "tcp":
        if not _is_this_machine(match["host"]):
            raise SettingInvalid(
                f"cluster is {text!r}, which is not encrypted: whoever can reach that network could run programs on "
                "the workers and read the data. Start the Dask scheduler and its workers with TLS, and use "
                f"tls://{match['host']}:{match['port']} with cluster_ca_file, cluster_certificate_file and "
                "cluster_key_file."
            )
        files = dict.fromkeys(files, "")
    else:
        for setting, path in files.items():
            if not path:
                raise SettingInvalid(f"cluster is {text!r}, which needs {setting}: a file in PEM, see docs/cluster.md.")
            if not Path(path).is_file():
                raise SettingInvalid(f"{setting} is {path!r}, and there is no such file.")
    if importlib.util.find_spec("distributed") is None:
        raise SettingInvalid(f"cluster is {text!r}, which needs Dask. Install it: pip install 'meantime[dask]'.")
    paths = {name: str(Path(path).absolute()) if path else "" for name, path in files.items()}
    return Cluster(
        address=text,
        ca_file=paths["cluster_ca_file"],
        certificate_file=paths["cluster_certificate_file"],
        key_file=paths["cluster_key_file"],
    )


def _is_this_machine(host: str) -> bool:
    """Whether a host is certainly this machine: a name other than localhost may become any address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
