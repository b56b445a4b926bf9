"""The conformance tests, against a real server over the sample and over the real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.real_data import BY_SEX, SUBSET, real_file
from tests.support.server_process import keeps_the_contract, serving


@pytest.mark.parametrize("name", ["sample", SUBSET, BY_SEX])
def test_a_served_file_keeps_the_contract(name: str, sample: Path, tmp_path: Path) -> None:
    data = sample if name == "sample" else real_file(name)
    with serving(str(data), state_dir=tmp_path / "state") as server:
        server.ready()
        keeps_the_contract(server.url, data)
        assert server.end() == 0
