"""Where the real files are: next to the project, which does not contain them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "data"
SUBSET = "cdc-npao-brfss-2011-2020-subset.csv"
BY_SEX = "cdc-npao-brfss-by-sex-2011-2023.csv"


def real_file(name: str) -> Path:
    """The path of a real file; where it is absent the test is skipped, but never in CI."""
    path = FOLDER / name
    if not path.exists() and os.environ.get("CI") != "true":
        pytest.skip("the real CDC files are not next to the project (../shared/data)")
    return path
