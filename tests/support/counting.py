"""Counts what a computation goes through, where the methods take it in: cells, pairs, random numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from meantime.dataset.cube import Cells, Cube, Integers, Marginal
from meantime.statistics.methods import differences, pairs, seeding, slopes
from meantime.statistics.methods.pairs import Pairs


@dataclass
class Counted:
    """What was counted so far."""

    entries: dict[str, set[int]] = field(default_factory=dict)  # that were read, by the name of what they are in
    differences: int = 0  # of one estimate and another, or a value
    compared: int = 0  # of all pairs, those that were
    times: float = 0  # how often each of these was gone through, on average
    draws: int = 0


class _Watched(np.ndarray[Any, Any]):
    """An array that notes which of its entries are read."""

    read: set[int] | None = None
    start = 0  # a number for the first entry, which no other array has

    def __getitem__(self, which: Any) -> Any:
        if self.read is not None:
            self.read.update((self.start + np.arange(len(self)))[which].ravel().tolist())
        return np.asarray(self)[which]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **named: Any) -> Any:
        for each in given:
            if isinstance(each, _Watched) and each.read is not None:
                each.read.update((each.start + np.arange(len(each))).tolist())
        plain = [np.asarray(each) if isinstance(each, _Watched) else each for each in given]
        return getattr(ufunc, method)(*plain, **named)


def watch(cube: Cube, counted: Counted) -> None:
    """Note which cells, and entries of marginals, are read. The cube is for this alone afterwards."""
    _watch(cube.by_question, "by_question", 0, counted)
    for question in range(len(cube.labels.questions)):
        block = cube.block(question)
        cube.outline(question)  # it is there before anybody asks
        for name in ("by_location", "by_stratum", "cells"):
            _watch(getattr(block, name), name, block.start, counted)


def _watch(part: Cells | Marginal, name: str, start: int, counted: Counted) -> None:
    watched = part.moments.count.view(_Watched)
    watched.read, watched.start = counted.entries.setdefault(name, set()), start
    # Of its own: marginals share what is the same.
    object.__setattr__(part, "moments", replace(part.moments, count=watched))


def count_work(monkeypatch: pytest.MonkeyPatch, counted: Counted) -> None:
    """Count pairs and draws."""
    for real in (differences.difference, differences.difference_of_differences):
        _replace(monkeypatch, real, _counting_differences(real, counted))
    _replace(monkeypatch, slopes.theil_sen, _counting_slopes(slopes.theil_sen, counted))
    _replace(monkeypatch, seeding.generator, lambda *given, **named: _Generator(_generator(*given, **named), counted))
    # Where all comparisons of pairs come by.
    blocks = Pairs._blocks
    seen: dict[int, list[Integers]] = {}

    def counting(self: Pairs, places: Integers, *given: Any, **named: Any) -> Any:
        every = seen.setdefault(id(self), [])
        every.append(places)
        distinct = len(np.unique(np.concatenate(every)))
        # Each pair is seen from both of its sides.
        counted.compared = distinct * (len(self.tested) - 1) // 2
        counted.times = sum(map(len, every)) / max(distinct, 1)
        return blocks(self, places, *given, **named)

    monkeypatch.setattr(Pairs, "_blocks", counting)


_generator = seeding.generator


class _Generator:
    """A generator of random numbers that counts them."""

    def __init__(self, real: np.random.Generator, counted: Counted) -> None:
        self._real = real
        self._counted = counted

    def standard_normal(self, size: Any = None, **more: Any) -> Any:
        drawn = self._real.standard_normal(size, **more)
        self._counted.draws += np.size(drawn)
        return drawn


def _counting_differences(real: Callable[..., Any], counted: Counted) -> Callable[..., Any]:
    def counting(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        counted.differences += len(found.value)
        return found

    return counting


def _counting_slopes(real: Callable[..., Any], counted: Counted) -> Callable[..., Any]:
    def counting(year: Any, value: Any) -> Any:
        counted.differences += len(value) * len(year) * (len(year) - 1) // 2
        return real(year, value)

    return counting


def _replace(monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], by: Callable[..., Any]) -> None:
    """Replace a function wherever a statistic or a method has imported it, but for the pairs, which are counted."""
    modules = [each for name, each in sys.modules.items() if name.startswith("meantime.statistics.")]
    for module in modules:
        if module is pairs:
            continue
        for name, value in list(vars(module).items()):
            if value is function:
                monkeypatch.setattr(module, name, by)
