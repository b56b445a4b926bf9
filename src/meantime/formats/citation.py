"""How to cite a result: enough to find the same number again, and to know its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meantime.formats.document import dumps

# What the citation of synthetic data begins with.
SYNTHETIC = "SYNTHETIC DATA, NOT REAL FIGURES"

# A question of the CDC has up to 200 characters, and must be whole. Longer values are lists of many names; the
# document has them in full.
_VALUE_CHARACTERS = 300


def suggest(
    *,
    statistic: str,
    parameters: Mapping[str, Any],
    dataset: str,
    fingerprint: str,
    method_version: int,
    synthetic: bool,
    source: str = "",
) -> str:
    """Write a citation. ``source`` is where the data set is from, "" where nobody said.

    Parameters that say nothing (null, or an empty list) are left out.

    It has no title, no date and no version of Meantime: a result is a pure function of the request and the fingerprint,
    which covers none of them. With them, a lost result that is made again, or the answer under one ETag, could have
    other bytes.

    >>> suggest(statistic="state_mean", parameters={"question": "Percent of adults who nap", "state": "Utah"},
    ...         dataset="naps", fingerprint="8d1c", method_version=1, synthetic=False)
    'state_mean (method version 1; question "Percent of adults who nap", state "Utah") of the data set "naps", \
fingerprint 8d1c. Computed by Meantime.'
    >>> suggest(statistic="count", parameters={}, dataset="naps", fingerprint="8d1c", method_version=1, synthetic=True)
    'SYNTHETIC DATA, NOT REAL FIGURES: count (method version 1) of the data set "naps", \
fingerprint 8d1c. Computed by Meantime.'
    """
    shown = ", ".join(f"{name} {_shown(value)}" for name, value in parameters.items() if value not in (None, [], ()))
    how = f"method version {method_version}" + (f"; {shown}" if shown else "")
    loudly = f"{SYNTHETIC}: " if synthetic else ""
    return (
        f"{loudly}{statistic} ({how}) of the data set {_shown(dataset)}, fingerprint {fingerprint}. "
        f"Computed by Meantime.{_from(source)}"
    )


def suggest_for_dataset(*, name: str, title: str, fingerprint: str, synthetic: bool, source: str = "") -> str:
    """Write how a data set as a whole is to be named. No date either: the same content is cited the same way.

    >>> suggest_for_dataset(name="naps", title="Naps of adults", fingerprint="8d1c", synthetic=False)
    'Naps of adults (data set "naps"), fingerprint 8d1c. Read by Meantime.'
    >>> suggest_for_dataset(name="n", title="Naps", fingerprint="8d1c", synthetic=False, source="Nap Survey 2019")
    'Naps (data set "n"), fingerprint 8d1c. Read by Meantime. Source: Nap Survey 2019.'
    """
    loudly = f"{SYNTHETIC}: " if synthetic else ""
    return f"{loudly}{title} (data set {_shown(name)}), fingerprint {fingerprint}. Read by Meantime.{_from(source)}"


def _from(source: str) -> str:
    return f" Source: {source}." if source else ""


def _shown(value: object) -> str:
    text = dumps(value).decode()
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[: _VALUE_CHARACTERS - 1]}…"
