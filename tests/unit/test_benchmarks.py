"""Contestants are compared only if they give the same answer, and whatever a peer fails with is its row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.frame import (
    Contestant,
    Failed,
    NotInstalled,
    Quantity,
    Ratio,
    Running,
    ShownTable,
    at_least,
    at_most,
    compare,
    number,
    require_same,
)
from benchmarks.page import page_of
from benchmarks.picture import picture_of
from benchmarks.run import NAMES, Benchmark, Run

ROOT = Path(__file__).parents[2]


def _contestant(name: str, answer: Any, *values: float) -> Contestant:
    remaining = iter(values)

    @contextmanager
    def start() -> Iterator[Running]:
        yield Running(f"{name} 1.0", lambda: answer, lambda: {"median": next(remaining)})

    return Contestant(name, start, {"median": 10})


def _absent(error: Exception) -> AbstractContextManager[Running]:
    raise error


def _compared(*peers: Contestant) -> list[Ratio]:
    ours = _contestant("ours", {"Utah": 0.1 + 0.2}, 1, 2, 4)
    return compare("a question", ours, peers, [Quantity("median", "ms")], rounds=3)


def test_the_ratio_is_the_median_of_the_rounds_with_the_lowest_and_the_highest() -> None:
    (ratio,) = _compared(_contestant("peer", {"Utah": 0.3}, 10, 40, 40))
    assert (ratio.ratio, ratio.lowest, ratio.highest) == (10, 10, 20)
    assert (ratio.figure, ratio.peer, ratio.verdict) == ("2.00 ms", "peer 40.0 ms", "met")
    assert ratio.about == "peer 1.0"


def test_a_peer_with_another_answer_is_not_measured() -> None:
    (ratio,) = _compared(_contestant("peer", {"Utah": 0.31}))
    assert ratio.failed.startswith("failed: the answer for Utah is another")
    assert ratio.ratio is None
    assert ratio.verdict == "no figure"


def test_a_peer_that_fails_in_a_round_is_a_failed_row_and_the_others_go_on() -> None:
    breaks, works = _compared(_contestant("breaks", {"Utah": 0.3}, 1), _contestant("works", {"Utah": 0.3}, 1, 2, 4))
    assert breaks.failed == "failed: StopIteration"
    assert works.ratio == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotInstalled("skipped: peer is not installed"), "skipped: peer is not installed"),
        (RuntimeError("no room"), "failed: no room"),
    ],
)
def test_a_peer_that_does_not_start_is_a_row_with_the_reason(error: Exception, reason: str) -> None:
    (ratio,) = _compared(Contestant("peer", partial(_absent, error)))
    assert (ratio.peer, ratio.failed, ratio.figure) == ("peer", reason, "2.00 ms")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [({"a": 1}, {"b": 1}), ([1, 2], [1]), ("a", "b"), ({"a": [1.0]}, {"a": [1.0 + 1e-6]}), (1, None)],
)
def test_answers_that_differ_are_refused(ours: Any, theirs: Any) -> None:
    require_same(ours, ours)
    with pytest.raises(Failed):
        require_same(ours, theirs)


def test_limits_are_met_on_their_own_side() -> None:
    assert [at_most("x", [2, 3, 4], 3, "ms").verdict, at_most("x", [4], 3, "ms").verdict] == ["met", "MISSED"]
    assert (at_most("x", [2], 3, "%").figure, at_least("x", [2], 3).peer) == ("2.00%", "at least 3.00/s")
    assert [at_least("x", [2, 3, 4], 3).verdict, at_least("x", [2], 3).verdict] == ["met", "MISSED"]


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, "0.0123"), (1.5, "1.50"), (99.94, "99.9"), (1234.5, "1,234"), (0, "0")]
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def _run(*ratios: Ratio, failed: str = "") -> Run:
    shown = Benchmark("answers", 60, (ShownTable("A table", ratios),), failed)
    return Run("make bench", "a machine", "2026-12-01", "abc", (shown,))


@pytest.mark.parametrize(
    ("heading", "ratio"),
    [
        ("What is missed", Ratio("slow", "2 ms", "at most 1 ms", 0.5, 1)),
        ("Where others are better", Ratio("behind", "2 ms", "peer 1 ms", 0.5)),
        ("Without a figure", Ratio("alone", "2 ms", "peer", failed="skipped: peer is not installed")),
    ],
)
def test_the_page_lists_what_is_missed_lost_and_absent_under_its_heading(heading: str, ratio: Ratio) -> None:
    below = _section(page_of(_run(ratio)), heading)
    assert f"answers: {ratio.what}" in below
    assert f"answers: {ratio.what}" not in _section(page_of(_run()), heading)


def test_a_benchmark_that_failed_is_on_the_page_with_its_reason() -> None:
    assert "**This benchmark failed:** the disk is full" in page_of(_run(failed="the disk is full"))


def test_the_page_is_what_is_written_out_of_the_figures_that_are_kept() -> None:
    kept = ROOT / "docs" / "performance.json"
    run = msgspec.json.decode(kept.read_bytes(), type=Run)
    assert (ROOT / "docs" / "performance.md").read_text("utf-8") == page_of(run), "python -m benchmarks --page"


def test_the_readme_of_the_benchmarks_has_each_of_them() -> None:
    text = (ROOT / "benchmarks" / "README.md").read_text("utf-8")
    assert [name for name in NAMES if f"| `{name}.py` |" not in text] == []


def test_the_picture_has_the_ratios_to_peers_and_leaves_out_limits() -> None:
    fast = Ratio("fast", "1 ms", "peer 2 ms", 2, lowest=1, highest=3)
    due = Ratio("due", "1 ms", "at most 2 ms", 2, lowest=1, highest=3)
    drawn = picture_of(_run(fast, due))
    assert b"fast: peer 2 ms" in drawn
    assert b"due" not in drawn


def _section(page: str, heading: str) -> str:
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
