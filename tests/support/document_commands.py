"""Documents that are run: what they tell to type is typed, in order, and must print what they say."""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.command_line import meantime, reading_here
from tests.support.waiting import PATIENCE_S, poll

# How documents name the server; a test has its own.
ADDRESS = "http://127.0.0.1:5000"


class Typed(NamedTuple):
    """Something to type at a shell, or a block of it for Python, with what that prints."""

    language: str
    text: str
    printed: str = ""


def steps(document: Path) -> list[Typed]:
    """What a document tells to type, in order: commands of its console blocks, and its pycon blocks."""
    text = document.read_text(encoding="utf-8")
    commands: list[Typed] = []
    for language, block in re.findall(r"```(console|pycon)\n(.*?)```", text, flags=re.DOTALL):
        commands += _commands(block) if language == "console" else [Typed("pycon", block)]
    return commands


def _commands(block: str) -> Iterator[Typed]:
    for command, below in re.findall(r"\$ (.*)\n((?:(?!\$ ).*\n)*)", block):
        if command.endswith("<<'END'"):
            # What stands below is typed, too: the text of a file.
            typed, _, printed = below.partition("END\n")
            yield Typed("console", f"{command}\n{typed}END\n", printed)
        else:
            yield Typed("console", command, below)


def walk(document: Path, *, folder: Path, url: str = ADDRESS) -> None:
    """Type it all, in a folder, against the server at ``url`` where it needs one."""
    python: dict[str, Any] = {}
    for step in steps(document):
        typed = step.text.replace(ADDRESS, url)
        if step.language == "pycon":
            _run_python(typed, python, document.name, folder)
        else:
            _run_command(typed, step.printed, folder)


def _run_command(command: str, printed: str, folder: Path) -> None:
    # A reader would type it once more if the job is not done yet.
    answer = poll(lambda: _printed(command, folder), lambda text: '"running"' not in text)
    # The spaces that end the lines of a table for people are not to be seen in a document.
    assert _without_ends(answer) == _without_ends(printed), command


def _without_ends(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _printed(command: str, folder: Path) -> str:
    # A command of Meantime that begins a pipe, or is all there is, is run here; a redirection is for the shell.
    ours = re.match(r"(meantime [^$<>|&;*?`]*)(?:$|\| )", command)
    rest = command[ours.end() :] if ours else command
    before = _printed_here(ours[1], folder) if ours else ""
    if not rest:
        return before
    ran = subprocess.run(
        ["bash", "-c", rest],  # noqa: S607 - the document's commands are for the shell that is there
        input=before,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        cwd=folder,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"},
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def _printed_here(command: str, folder: Path) -> str:
    """Run a command of Meantime that asks nothing of a shell: in this process, which is as a separate one would be."""
    with contextlib.chdir(folder), reading_here():
        ran = meantime(*shlex.split(command)[1:], COLUMNS="80")
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def _run_python(block: str, names: dict[str, Any], document: str, folder: Path) -> None:
    test = doctest.DocTestParser().get_doctest(block, names, document, document, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    output: list[str] = []
    with contextlib.chdir(folder):
        outcome = runner.run(test, out=output.append, clear_globs=False)
    names.update(test.globs)
    assert outcome.failed == 0, "".join(output)
