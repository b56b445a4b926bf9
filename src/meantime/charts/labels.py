"""Labels in charts. Names come from a file that anybody may have written."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from meantime.text import ACTING, with_interval

# Of a name in a tooltip; an axis cuts its labels itself.
NAME_CHARACTERS = 200
# XML does not allow these, so an SVG that has one cannot be read; line ends would break a label.
_UNWRITABLE = re.compile(f"[{ACTING}\u2063\ufffe\uffff]")


def printable(text: str) -> str:
    r"""Replace the characters that an image cannot hold.

    >>> printable("Utah\n\x00")
    'Utah  '
    """
    return _UNWRITABLE.sub(" ", text)


def truncate(text: str, characters: int = NAME_CHARACTERS) -> str:
    """Cut a long text.

    >>> truncate("Percent of adults who nap", 12)
    'Percent of …'
    """
    text = printable(text)
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def wrap(texts: Iterable[str], *, width: int, most: int) -> list[str]:
    """Break texts into lines of at most so many characters, and at most so many lines.

    The lines of a text are about equally long, so that no word stands alone on its last one.

    >>> wrap(["Percent of adults who nap", "2023"], width=12, most=3)
    ['Percent', 'of adults', 'who nap …']
    >>> wrap(["Percent of adults who nap"], width=24, most=3)
    ['Percent of', 'adults who nap']
    """
    broken = [line for text in texts for line in _balanced(printable(text), width)]
    if len(broken) <= most:
        return broken
    return [*broken[: most - 1], f"{broken[most - 1][: width - 2]} …"]


def _balanced(text: str, width: int) -> list[str]:
    lines = textwrap.wrap(text, width)
    if len(lines) < 2 or len(lines[-1]) > width / 2:
        return lines
    narrower = (textwrap.wrap(text, each) for each in range(len(text) // len(lines), width))
    return next((each for each in narrower if len(each) == len(lines)), lines)


def mark_label(record: Mapping[str, Any], unit: str | None, *more: str) -> str:
    """Describe one mark: its name, its value with the interval, and what else is known of it."""
    return ", ".join([f"{truncate(record['name'])}: {value_label(record, unit)}", *filter(None, more)])


def value_label(record: Mapping[str, Any], unit: str | None) -> str:
    """Write the value of a mark, with its interval where it has one.

    >>> value_label({"value": 31.04, "low": 29.96, "high": 32.1}, "percent"), value_label({"value": None}, "percent")
    ('31.0% (95% CI 30.0 to 32.1)', 'no value')
    """
    if record["value"] is None:
        return "no value"
    return with_interval(record["value"], record.get("low"), record.get("high"), unit and truncate(unit, 40))


def vega_string(text: str | None) -> str:
    r"""Write a text as it stands in an expression of Vega's, whatever is in it.

    >>> print(vega_string('the "Beehive"'), vega_string(None))
    "the \"Beehive\"" null
    """
    return "null" if text is None else json.dumps(printable(text))
