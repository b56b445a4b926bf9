"""Arithmetic over whole numbers of any size, rounded once at the end."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction


def square_root(numerator: int, denominator: int) -> float:
    """Return the square root of a fraction, rounded once.

    >>> square_root(2, 1) == math.sqrt(2), square_root(10**800, 10**200) == 1e300, square_root(0, 7)
    (True, True, 0.0)
    """
    # The root of a whole number with 55 bits or more, the last of them set if anything was left: two bits more than a
    # double has, so that the division at the end rounds as the exact root would be.
    shift = max(110 - numerator.bit_length() + denominator.bit_length(), 0)
    shift += shift % 2
    whole = (numerator << shift) // denominator
    root = math.isqrt(whole)
    if root * root * denominator != numerator << shift:
        root |= 1
    return root / (1 << shift // 2)


def quantile(value_at: Callable[[int], int], n: int, share: Fraction, scale: int) -> float:
    """Return a quantile of type 7: at position (n - 1) x share, linear between the neighbors, rounded once."""
    position = (n - 1) * share
    below = math.floor(position)
    rest = position - below
    low = value_at(below)
    high = value_at(below + 1) if rest else low
    unit: int = 10**scale
    return (low * rest.denominator + (high - low) * rest.numerator) / (rest.denominator * unit)


def exact_share(share: float) -> Fraction:
    """Return the number that was written: 0.05 is a twentieth, which no double is."""
    return Fraction(repr(share))
