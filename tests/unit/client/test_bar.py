from __future__ import annotations

import pytest

from meantime.client.bar import bar


def test_where_there_is_no_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("asking", 2) as advance:
        advance()
        advance()
    assert capsys.readouterr() == ("", "")


def test_at_a_terminal_it_shows_how_many_are_done_unless_that_is_not_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes anything for a terminal then
    monkeypatch.setenv("TERM", "xterm")
    with bar("asking", 2) as advance:
        advance()
    shown = capsys.readouterr()
    assert (shown.out, "asking" in shown.err, "1/2" in shown.err) == ("", True, True)
    with bar("asking", 2, is_wanted=False) as advance:
        advance()
    assert capsys.readouterr() == ("", "")
