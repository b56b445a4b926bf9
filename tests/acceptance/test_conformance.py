"""The conformance tests, against a real server over the sample and over the real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.conftest import QUESTION
from tests.support.real_data import BY_SEX, SUBSET, real_file
from tests.support.server_process import keeps_the_contract, serving


@pytest.mark.parametrize("question", [QUESTION, pytest.param(None, id="every", marks=pytest.mark.thorough)])
def test_the_sample_keeps_the_contract(question: str | None, sample: Path, tmp_path: Path) -> None:
    with serving(str(sample), state_dir=tmp_path / "state") as server:
        server.ready()
        keeps_the_contract(server.url, sample, question=question)
        assert server.end() == 0


# That every question of them is answered as it must be, tests/integration/test_nine_statistics.py holds.
@pytest.mark.thorough
@pytest.mark.parametrize("name", [SUBSET, BY_SEX])
def test_a_real_file_keeps_the_contract(name: str, tmp_path: Path) -> None:
    data = real_file(name)
    with serving(str(data), state_dir=tmp_path / "state") as server:
        server.ready()
        keeps_the_contract(server.url, data, question=QUESTION)
        assert server.end() == 0
