"""docs/performance.md, written out of one run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.frame import Ratio, as_markdown
from benchmarks.run import Run

_HEAD = """# Performance

*Written by `make bench` out of [performance.json](performance.json), which has the figures of one run; do not edit it.*

Each figure stands beside one of the same run: that of a program that people would use instead, of the least that the
machine must spend, or the most that it should be. A ratio above 1 means that Meantime is better: more a second, or less
time, processor time or memory. It is the median of several rounds, in which the contestants take turns; the lowest and
the highest are in parentheses. Before anything is timed, the answers are compared: a peer with other numbers is a
failed row. So is one that cannot do it, and one that is not installed is named.

Compare the ratios. The bare figures are those of one machine on one day, and the load shares it with the server.
"""


def page_of(run: Run) -> str:
    """Return the page."""
    if not run.benchmarks:
        return f"{_HEAD}\nThere are no figures yet: run `make bench`.\n"
    took_min = sum(each.took_s for each in run.benchmarks) / 60
    parts = [
        _HEAD,
        f"* Command: `{run.command}`, {took_min:.0f} minutes\n* Machine: {run.machine}\n"
        f"* Day and version: {run.day}, commit {run.commit}\n",
        "![For each comparison with a peer, how many times as good Meantime is, with the spread of the rounds. The "
        "tables below have the same numbers.](pictures/performance.svg)\n",
    ]
    missed = list(_ratios(run, lambda each: each.verdict == "MISSED"))
    parts.append("## What is missed\n\n" + _listed(missed, "Every target is met."))
    lost = [
        (name, each)
        for name, each in _ratios(run, lambda each: each.ratio is not None and each.ratio < 1 and each.target is None)
        # What the machine must spend is no peer, and neither is another way to ask Meantime.
        if name != "steps" and not each.peer.startswith("Meantime")
    ]
    parts.append("## Where others are better\n\n" + _listed(lost, "Nowhere in this run."))
    absent = list(_ratios(run, lambda each: bool(each.failed)))
    parts.append("## Without a figure\n\n" + _listed(absent, "Every peer was installed, and gave the same answers."))
    for benchmark in run.benchmarks:
        parts.append(f"## {_heading(benchmark.name)}\n\n{_text(benchmark.name)}\n")
        if benchmark.failed:
            parts.append(f"**This benchmark failed:** {benchmark.failed}\n")
        parts += [f"### {table.title}\n\n{as_markdown(table)}\n" for table in benchmark.tables]
    return "\n".join(parts)


def _ratios(run: Run, is_told: Callable[[Ratio], bool]) -> Iterator[tuple[str, Ratio]]:
    for benchmark in run.benchmarks:
        for table in benchmark.tables:
            for each in table.ratios:
                if is_told(each):
                    yield benchmark.name, each


def _listed(found: list[tuple[str, Ratio]], nothing: str) -> str:
    lines = [
        f"* {name}: {each.what}: {each.figure}; {f'{each.peer}: {each.failed}' if each.failed else each.peer}"
        + (f"; ratio {each.shown}" if each.ratio is not None else "")
        for name, each in found
    ]
    return "\n".join(lines or [nothing]) + "\n"


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _text(name: str) -> str:
    """Return what a benchmark says of itself."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").replace("``", "`")
