"""The README's walk-through prints what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from meantime.settings import SETTINGS
from tests.acceptance.server import poll, serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def walk_through() -> list[tuple[str, str]]:
    """The commands of the console blocks, in order, each with what it is said to print."""
    blocks = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    steps = [step for block in blocks for step in re.findall(r"\$ (.*)\n((?:(?!\$ ).*\n)*)", block)]
    assert len(steps) > 8
    return steps


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed; the walk-through is made of curl commands")
def test_the_walk_through_prints_what_the_readme_says(tmp_path: Path) -> None:
    with serving(state_dir=tmp_path / "state") as server:
        server.ready()
        for command, printed in walk_through():
            run = command.replace("http://127.0.0.1:5000", server.url)
            answer = poll(lambda run=run: _printed(run), lambda text: '"running"' not in text)  # type: ignore[misc]
            assert answer.strip() == printed.strip(), command
        assert server.end() == 0


def _printed(command: str) -> str:
    return subprocess.run(
        ["bash", "-c", command],  # noqa: S607 - the README's commands are for the shell that is there
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def test_every_setting_is_documented_with_its_default() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for row in SETTINGS:
        default = f"`{row.default}`" if row.default else "none"
        assert f"| `{row.name}` | `{row.variable}` | {default} | {row.help} |" in documented, row.name


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"
