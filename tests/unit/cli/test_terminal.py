from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from rich.table import Table

import meantime.cli
from meantime.cli.terminal import bars, error_console, output_console, plain

HOSTILE = "[/b]\x1b]0;owned\x07 [red]x[/red] :warning: \u202e"
SHOWN = "[/b]\\x1b]0;owned\\x07 [red]x[/red] :warning: \\u202e"


@pytest.mark.parametrize("make", [output_console, error_console])
def test_a_plain_str_is_neither_markup_nor_a_command_wherever_it_is_given(
    make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert callable(make)
    console = make()
    console.file = written = io.StringIO()
    table = Table(HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE, HOSTILE)
    console.print(table)
    console.print(HOSTILE)
    assert written.getvalue().count(SHOWN) == 5
    assert "\x1b" not in written.getvalue()


def test_a_line_stays_one_line() -> None:
    assert plain("a\nb").plain == "a\\nb"


def test_what_a_bar_is_about_is_text() -> None:
    shown = bars(error_console())
    shown.add_task(HOSTILE)
    [task] = shown.tasks
    description, *_ = shown.columns
    assert not isinstance(description, str)
    assert str(description(task)) == SHOWN


def test_commands_print_only_by_what_makes_texts_safe() -> None:
    """A console of rich's own would take names for markup, and click's ``echo`` would pass commands to the terminal."""
    found = set()
    for path in Path(meantime.cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            # To name the type of a console is harmless; to make one, or a kind of it, is not.
            made = [node.func] if isinstance(node, ast.Call) else node.bases if isinstance(node, ast.ClassDef) else []
            names = {each.id for each in made if isinstance(each, ast.Name)} & {"Console", "print"}
            if isinstance(node, ast.Attribute) and node.attr in ("echo", "secho"):
                names.add("echo")
            found |= {(path.name, name) for name in names}
    assert found == {("terminal.py", "Console"), ("reporting.py", "echo")}
