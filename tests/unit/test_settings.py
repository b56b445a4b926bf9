from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest

from meantime.assembly import cost_limits
from meantime.errors import SettingInvalid
from meantime.settings import SETTINGS, Settings, read_settings
from meantime.statistics.cost import CostLimits


def test_the_rows_are_the_fields_in_the_same_order() -> None:
    assert [row.name for row in SETTINGS] == [field.name for field in fields(Settings)]


def test_every_default_is_a_value() -> None:
    settings = read_settings(environment={})
    assert (settings.host, settings.port, settings.admin_key, settings.allowed_hosts) == ("127.0.0.1", 5000, None, ())
    assert settings.state_dir == Path("meantime-state")


def test_what_answers_may_cost_is_the_same_with_and_without_settings() -> None:
    assert cost_limits(read_settings(environment={})) == CostLimits()


def test_every_row_tells_people_what_it_is_for() -> None:
    for row in SETTINGS:
        assert row.help.endswith(".")
        assert row.expected


def test_without_a_number_there_are_as_many_threads_as_cores_for_this_process() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert read_settings(environment={}).threads == cores
    assert read_settings(environment={"TP_NUM_OF_THREADS": ""}).threads == cores
    assert read_settings(environment={"TP_NUM_OF_THREADS": "3"}).threads == 3


def test_the_option_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "meantime.toml"
    file.write_text('port = 1\nhost = "::1"\nqueue_limit = 7\nallowed_hosts = ["a.example", "b.example"]\n')
    environment = {"MEANTIME_PORT": "2", "MEANTIME_HOST": "127.0.0.2"}
    settings = read_settings(file=file, environment=environment, options={"port": "3", "host": None})
    assert (settings.port, settings.host, settings.queue_limit) == (3, "127.0.0.2", 7)
    assert settings.allowed_hosts == ("a.example", "b.example")


def test_without_an_environment_given_it_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEANTIME_PORT", "5001")
    assert read_settings().port == 5001


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("port", "http"),
        ("port", ""),
        ("host", ""),
        ("host", " "),
        ("threads", "0"),
        ("threads", "1025"),
        ("queue_limit", "0"),
        ("job_time_limit_s", "0"),
        ("job_time_limit_s", "nan"),
        ("job_time_limit_s", "inf"),
        ("keep_ended_s", "1e10"),
        ("rejected_limit", "1.5"),
        ("rejected_limit", "nan"),
        ("rejected_limit", "5 %"),
        ("load_memory_mb", "255"),
        ("state_dir", ""),
    ],
)
def test_a_bad_value_is_refused_with_its_name_its_origin_and_what_was_expected(name: str, text: str) -> None:
    row = next(row for row in SETTINGS if row.name == name)
    with pytest.raises(SettingInvalid) as caught:
        read_settings(environment={}, options={name: text})
    assert caught.value.reason == (f"{name} is {text!r} (from --{name.replace('_', '-')}); it must be {row.expected}.")


def test_the_origin_of_a_bad_value_is_the_one_that_won(tmp_path: Path) -> None:
    file = tmp_path / "meantime.toml"
    file.write_text("port = true\n")
    with pytest.raises(SettingInvalid, match="from MEANTIME_PORT"):
        read_settings(file=file, environment={"MEANTIME_PORT": "x"})
    with pytest.raises(SettingInvalid, match=r"meantime\.toml"):
        read_settings(file=file, environment={})


def test_a_file_that_names_an_unknown_setting_is_refused_with_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "meantime.toml"
    file.write_text("prot = 1\n")
    with pytest.raises(SettingInvalid, match=r"do not exist: prot\. There are: .*port"):
        read_settings(file=file, environment={})


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", None], ids=["no TOML", "no UTF-8", "no file"])
def test_a_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "meantime.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingInvalid, match=r"meantime\.toml cannot be read as settings"):
        read_settings(file=file, environment={})


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:geheim@h/d",
        "postgresql://h/d?password=geheim",
        "geheim",
        "http://u:geheim@h",
        "postgresql://geheim",
        "postgresql://[geheim/d",
    ],
)
def test_an_address_of_jobs_that_is_refused_is_not_quoted(text: str) -> None:
    with pytest.raises(SettingInvalid, match="jobs") as refused:
        read_settings(environment={"MEANTIME_JOBS": text})
    assert "geheim" not in str(refused.value)


def test_where_several_hosts_share_their_jobs_they_have_a_database_and_addresses() -> None:
    environment = {"MEANTIME_JOBS": "postgresql://u@h:5/d", "MEANTIME_HOST_ADDRESS": "http://10.0.0.5:5000/"}
    settings = read_settings(environment=environment)
    assert (settings.jobs, settings.host_address, settings.lease_s) == (
        "postgresql://u@h:5/d",
        "http://10.0.0.5:5000",
        15,
    )
    assert read_settings(environment={}).jobs is read_settings(environment={}).host_address is None
    with pytest.raises(SettingInvalid, match="host_address"):
        read_settings(environment={"MEANTIME_HOST_ADDRESS": "nonsense"})
