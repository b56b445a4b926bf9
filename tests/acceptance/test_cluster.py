"""The acceptance test of docs/cluster.md, on a small table; and deploy/compose.yaml, whose commands it runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.dask_cluster import require_dask

ROOT = Path(__file__).parents[2]


@pytest.mark.thorough
def test_what_the_document_promises_is_kept_by_processes_of_this_machine() -> None:
    require_dask()
    if lacking := [program for program in ("nginx", "openssl") if not shutil.which(program)]:
        assert os.environ.get("CI") != "true", f"where CI=true, {lacking} have to be installed"
        pytest.skip(f"not installed: {', '.join(lacking)}")
    ended = subprocess.run(
        [sys.executable, "-m", "cluster", "--rows", "20000", "--files", "4"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=500,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "one fingerprint" in ended.stdout
    assert "taken from the shelf" in ended.stdout


@pytest.mark.skipif(importlib.util.find_spec("yaml") is None, reason="yaml is not installed: make cluster")
def test_no_service_is_given_an_option_that_its_program_lacks() -> None:
    import yaml

    from meantime.settings import SETTINGS

    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    options = {f"--{row.name.replace('_', '-')}" for row in SETTINGS}
    for name in ("server-1", "server-2", "reader-1", "reader-2"):
        words = services[name]["command"]
        assert words[:2] == ["meantime", "serve"]
        assert {word.partition("=")[0] for word in words[2:] if word.startswith("--")} <= options
