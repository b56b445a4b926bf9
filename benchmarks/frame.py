"""What benchmarks say, and how contestants are compared.

A benchmark shows tables of ratios, each between two figures of the same run. ``compare`` makes them: it asks every
contestant the same question, refuses peers whose answer is another, and only then measures, in rounds that go from one
contestant to the next. A peer that fails, or that is not installed, is a row with the reason.

What is shown is printed, and kept as JSON where ``python -m benchmarks`` asks for it.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

# All sizes and all peers; without it, what fits into twelve minutes on two idle cores.
FULL = os.environ.get("FULL", "") not in ("", "0")
# Where `python -m benchmarks` wants the tables of a benchmark.
SHOWN_IN = "MEANTIME_BENCHMARK_JSON"
# Sums of thousands of doubles, added up in another order.
_SAME_WITHIN = 1e-9


class Failed(Exception):
    """A contestant did not do what it should have, so its figures would mean nothing."""


class NotInstalled(Failed):
    """A peer is not here; the text says what to install."""


class Ratio(msgspec.Struct, frozen=True):
    """How a figure stands to its peer's: above 1 where ours is better."""

    what: str
    figure: str
    peer: str
    ratio: float | None = None  # of the medians, or the median of the rounds' ratios; None where the peer failed
    target: float | None = None  # at least this; None where there is none
    lowest: float | None = None  # of the rounds' ratios
    highest: float | None = None
    failed: str = ""  # why there is no ratio
    about: str = ""  # the peer's version and settings

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.ratio is None or self.target is None:
            return self.failed and "no figure"
        return "met" if self.ratio >= self.target else "MISSED"

    @property
    def shown(self) -> str:
        """The ratio with the spread of its rounds."""
        if self.ratio is None:
            return "–"
        if self.lowest is None or self.highest is None:
            return number(self.ratio)
        return f"{number(self.ratio)} ({number(self.lowest)}–{number(self.highest)})"


class ShownTable(msgspec.Struct, frozen=True):
    """A table as it was shown."""

    title: str
    ratios: tuple[Ratio, ...]
    notes: tuple[str, ...] = ()


class Quantity(NamedTuple):
    """Something that every contestant is measured by."""

    name: str  # as in "answers"
    unit: str  # "/s", of which more is better; or ms, s, us, MB, of which less is

    def write(self, value: float) -> str:
        """Write a value with its unit."""
        return with_unit(value, self.unit)

    def ratio(self, ours: float, theirs: float) -> float:
        """Return how many times as good ours is."""
        return ours / theirs if self.unit.startswith("/") else theirs / ours


class Running(NamedTuple):
    """A contestant that is ready."""

    about: str  # version and settings
    answer: Callable[[], Any]  # to the question of the comparison; numbers, texts, and dicts and lists of these
    measure: Callable[[], Mapping[str, float]]  # one round: a value for each quantity


class Contestant(NamedTuple):
    """Who is measured, and how it is made ready."""

    name: str
    start: Callable[[], AbstractContextManager[Running]]
    targets: Mapping[str, float] = MappingProxyType({})  # of a peer: what ratios of quantities should be at least


def compare(
    what: str, ours: Contestant, peers: Sequence[Contestant], quantities: Sequence[Quantity], rounds: int
) -> list[Ratio]:
    """Measure ours and its peers in turns, and return a ratio for each peer and quantity."""
    reasons: dict[str, str] = {}
    with ExitStack() as stack:
        mine = stack.enter_context(ours.start())
        expected = mine.answer()
        running = {}
        for peer in peers:
            try:
                running[peer.name] = stack.enter_context(peer.start())
                require_same(expected, running[peer.name].answer())
            except Exception as error:  # noqa: BLE001 - whatever a peer fails with is its row
                reasons[peer.name] = _reason(error)
        measured: list[Mapping[str, float]] = []
        of_peers: dict[str, list[Mapping[str, float]]] = {name: [] for name in running if name not in reasons}
        for _ in range(rounds):
            measured.append(mine.measure())
            for name in [name for name in of_peers if name not in reasons]:
                try:
                    of_peers[name].append(running[name].measure())
                except Exception as error:  # noqa: BLE001 - likewise
                    reasons[name] = _reason(error)
    ratios = []
    for peer in peers:
        for quantity in quantities:
            values = [each[quantity.name] for each in measured]
            figure, where = quantity.write(statistics.median(values)), f"{what}: {quantity.name}"
            if peer.name in reasons:
                ratios.append(Ratio(where, figure, peer.name, failed=reasons[peer.name]))
                continue
            others = [each[quantity.name] for each in of_peers[peer.name]]
            told = f"{peer.name} {quantity.write(statistics.median(others))}"
            found = [quantity.ratio(*pair) for pair in zip(values, others, strict=True)]
            ratios.append(
                ratio_of_rounds(where, figure, told, found, peer.targets.get(quantity.name), running[peer.name].about)
            )
    return ratios


def ratio_of_rounds(
    what: str, figure: str, peer: str, found: Sequence[float], target: float | None = None, about: str = ""
) -> Ratio:
    """Return the median of the rounds' ratios, with the lowest and the highest."""
    return Ratio(what, figure, peer, statistics.median(found), target, min(found), max(found), about=about)


def at_most(what: str, values: Sequence[float], most: float, unit: str) -> Ratio:
    """Compare the rounds' values with what they may be at most."""
    median, bound = with_unit(statistics.median(values), unit), with_unit(most, unit)
    return ratio_of_rounds(what, median, f"at most {bound}", [most / max(each, 1e-9) for each in values], 1)


def at_least(what: str, values: Sequence[float], least: float) -> Ratio:
    """Compare the rounds' rates with what they should be at least."""
    median, bound = with_unit(statistics.median(values), "/s"), with_unit(least, "/s")
    return ratio_of_rounds(what, median, f"at least {bound}", [each / least for each in values], 1)


def require_same(ours: Any, theirs: Any, where: str = "the answer") -> None:
    """Raise ``Failed`` where two answers are not the same, but for how doubles are rounded."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            raise Failed(f"{where} has other names: {sorted(map(str, ours.keys() ^ theirs.keys()))[:3]}")
        for key, value in ours.items():
            require_same(value, theirs[key], f"{where} for {key}")
    elif isinstance(ours, list | tuple) and isinstance(theirs, list | tuple) and len(ours) == len(theirs):
        for position, pair in enumerate(zip(ours, theirs, strict=True)):
            require_same(*pair, f"{where} at {position}")
    elif isinstance(ours, int | float) and isinstance(theirs, int | float):
        if not math.isclose(ours, theirs, rel_tol=_SAME_WITHIN, abs_tol=_SAME_WITHIN):
            raise Failed(f"{where} is another: {ours!r} here, {theirs!r} there")
    elif ours != theirs:
        raise Failed(f"{where} is another: {str(ours)[:80]!r} here, {str(theirs)[:80]!r} there")


def show(title: str, ratios: Sequence[Ratio], notes: Sequence[str] = ()) -> None:
    """Print a table, and keep it where ``python -m benchmarks`` wants it."""
    table = ShownTable(title, tuple(ratios), tuple(notes))
    print(f"\n## {title}\n\n{as_markdown(table)}")
    if kept := os.environ.get(SHOWN_IN):
        path = Path(kept)
        before = msgspec.json.decode(path.read_bytes(), type=list[ShownTable]) if path.exists() else []
        path.write_bytes(msgspec.json.encode([*before, table]))


def as_markdown(table: ShownTable) -> str:
    """Write a table, and its notes below."""
    lines = ["| what | Meantime | beside | ratio | target | |", "|---|---:|---:|---:|---:|---|"]
    for each in table.ratios:
        peer = f"{each.peer}: {each.failed}" if each.failed else each.peer
        target = "" if each.target is None else number(each.target)
        lines.append(f"| {each.what} | {each.figure} | {peer} | {each.shown} | {target} | {each.verdict} |")
    notes = dict.fromkeys([*(each.about for each in table.ratios if each.about), *table.notes])
    return "\n".join([*lines, "", *(f"* {note}" for note in notes)]).rstrip()


def number(value: float) -> str:
    """Write a number with three digits that count, and all of those before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}" if abs(value) < 100 else f"{value:,.0f}"


def with_unit(value: float, unit: str) -> str:
    """Write a number with its unit: 1.50 ms, but 9,000/s and 0.132%."""
    return f"{number(value)}{'' if unit[0] in '/%' else ' '}{unit}"


def version_of(package: str) -> str:
    """Return a package's name with its version; raise ``NotInstalled`` where it is not there."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError as error:
        raise NotInstalled(f"skipped: {package} is not installed (pip install '.[bench]')") from error


def program(name: str, package: str) -> str:
    """Return where a program is; raise ``NotInstalled`` where it is not."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise NotInstalled(f"skipped: {name} is not installed ({package})")
    return found


def options(description: str | None, *, seconds: int = 3, rounds: int = 3) -> argparse.ArgumentParser:
    """Return a parser with what all benchmarks take."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=seconds, help="Of each round of requests.")
    parser.add_argument("--rounds", type=int, default=rounds, help="In turns; the median is told, with the spread.")
    return parser


def _reason(error: BaseException) -> str:
    if isinstance(error, NotInstalled):
        return str(error)
    text = " ".join(str(error).split()) or type(error).__name__
    return f"failed: {text[:200]}"
