"""Where workers are: what is refused names the setting and what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from meantime.dataset.reading.cluster.address import parse_cluster
from meantime.errors import SettingInvalid


@pytest.fixture
def _dask_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())


def test_processes_of_this_machine_are_counted() -> None:
    assert parse_cluster("local:12").processes == 12


@pytest.mark.parametrize("text", ["local:0", "local:", "local:1000", "8", "http://a:1", "tls://a", "tls://a b:1"])
def test_what_is_no_place_of_workers_is_refused(text: str) -> None:
    with pytest.raises(SettingInvalid, match=r"must be local:N .* such as tls://HOST:8786"):
        parse_cluster(text)


@pytest.mark.usefixtures("_dask_is_there")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
def test_plaintext_is_for_this_machine(host: str) -> None:
    assert parse_cluster(f"tcp://{host}:8786").address == f"tcp://{host}:8786"


@pytest.mark.parametrize("host", ["10.0.0.1", "dask.example", "1.2.3.4", "[::]", "localhost.example"])
def test_plaintext_is_refused_elsewhere(host: str) -> None:
    with pytest.raises(SettingInvalid, match=r"not encrypted: whoever can reach that network could run programs"):
        parse_cluster(f"tcp://{host}:8786")


@pytest.mark.usefixtures("_dask_is_there")
def test_certificates_are_required_and_have_to_be_there(tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"
    pem.touch()
    with pytest.raises(SettingInvalid, match="needs cluster_certificate_file"):
        parse_cluster("tls://dask.example:8786", ca_file=str(pem), key_file=str(pem))
    with pytest.raises(SettingInvalid, match="cluster_key_file is '/nowhere', and there is no such file"):
        parse_cluster("tls://a:1", ca_file=str(pem), certificate_file=str(pem), key_file="/nowhere")
    assert parse_cluster("tls://a:1", ca_file=str(pem), certificate_file=str(pem), key_file=str(pem)).ca_file == str(
        pem
    )


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SettingInvalid, match=r"pip install 'meantime\[dask\]'"):
        parse_cluster("tcp://127.0.0.1:8786")
