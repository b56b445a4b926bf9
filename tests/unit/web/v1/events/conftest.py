from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow each other at once."""
    monkeypatch.setattr("meantime.web.event_log._PACE_S", 0)
