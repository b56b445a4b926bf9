from __future__ import annotations

import pytest

from meantime.client.progress import progress_bar


def test_without_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("asking", 2) as advance:
        advance()
        advance()
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_how_many_are_done_unless_that_is_not_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes anything for a terminal then
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("asking", 2) as advance:
        advance()
    shown = capsys.readouterr()
    assert (shown.out, "asking" in shown.err, "1/2" in shown.err) == ("", True, True)
    with progress_bar("asking", 2, is_wanted=False) as advance:
        advance()
    assert capsys.readouterr() == ("", "")
