"""The conformance tests, against a real server over the sample and over the real files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.server import meantime, serving
from tests.real_data import BY_SEX, SUBSET, real_file

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["sample", SUBSET, BY_SEX])
def test_a_served_file_keeps_the_contract(name: str, tmp_path: Path) -> None:
    if name == "sample":
        data = tmp_path / "sample.csv"
        assert meantime("sample", "--out", str(data)).returncode == 0
    else:
        data = real_file(name)
    with serving(str(data), state_dir=tmp_path / "state") as server:
        server.ready()
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "tests/conformance", "-m", "live", "-q", "-n", "0"),
                *("-p", "no:randomly", "-p", "no:cacheprovider", "--no-cov"),
            ],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
                "MEANTIME_URL": server.url,
                "DATA": str(data),
                "MEANTIME_MAY_STOP": "1",
            },
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
        assert server.end() == 0
