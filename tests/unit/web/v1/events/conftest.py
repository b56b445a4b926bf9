from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for between pieces."""
    monkeypatch.setattr("meantime.web.v1.events.all_jobs._PACE_S", 0)
