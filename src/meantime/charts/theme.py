"""How charts look: colours that colour-blind people can tell apart, in light and in dark, sizes, fonts.

A specification names colours by what they are for (``ink``, ``accent``, ``worse``); the theme says which they are. So
whoever shows it changes the theme by putting another config in: both are in it, see ``frame.py``. The hues are those
of Okabe and Ito (2008). Colour is never the only sign: shapes, dashes and words say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The first is carried by what draws pictures, so that they do not depend on the fonts of a machine; the others are as
# wide, for who looks at an SVG without it.
FONT = "Arimo, Liberation Sans, Arial, Helvetica, sans-serif"

# Of a row of dots: a label of 11 pixels with air around it.
ROW_PIXELS = 17
# As much as "District of Columbia" and a little more; longer names are cut, and whole in the tooltip.
LABEL_PIXELS = 150

_LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b1b1b",
    "muted": "#595959",
    "grid": "#e4e4e4",
    "accent": "#0072b2",
    "better": "#0072b2",
    "worse": "#d55e00",
    "above": "#a8478a",
    "below": "#007a5a",
    "unclear": "#767676",
    "band": "#ececec",
    "ramp_least": "#e8f1f8",
    "ramp_most": "#08416b",
    "on_least": "#1b1b1b",
    "on_most": "#ffffff",
}
_DARK = {
    "paper": "#15181d",
    "ink": "#f1f1f1",
    "muted": "#b5b8bd",
    "grid": "#343941",
    "accent": "#56b4e9",
    "better": "#56b4e9",
    "worse": "#e69f00",
    "above": "#e59ac6",
    "below": "#2bc79a",
    "unclear": "#9a9da3",
    "band": "#262b32",
    "ramp_least": "#1d2b38",
    "ramp_most": "#a9d8f5",
    "on_least": "#f1f1f1",
    "on_most": "#15181d",
}
# Without yellow, which is not seen on white, and black, which is the ink. In this order neighbours differ most.
_SERIES_LIGHT = ("#0072b2", "#d55e00", "#007a5a", "#a8478a", "#8a6100", "#2f80b8")
_SERIES_DARK = ("#56b4e9", "#e69f00", "#2bc79a", "#e59ac6", "#f0e442", "#d55e00")


def colour(name: str) -> dict[str, str]:
    """Name a colour by what it is for.

    >>> colour("accent")
    {'expr': 'accent'}
    """
    return {"expr": name}


def light() -> dict[str, Any]:
    """Return Vega-Lite's config for a light page, and for pictures."""
    return _config(_LIGHT, _SERIES_LIGHT)


def dark() -> dict[str, Any]:
    """Return it for a dark page."""
    return _config(_DARK, _SERIES_DARK)


def _config(colours: Mapping[str, str], series: tuple[str, ...]) -> dict[str, Any]:
    ink, muted = colours["ink"], colours["muted"]
    named = {**colours, **{f"series_{place}": value for place, value in enumerate(series)}}
    return {
        "params": [{"name": name, "value": value} for name, value in named.items()],
        "background": colours["paper"],
        "font": FONT,
        "padding": 14,
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "color": ink,
            "fontSize": 16,
            "fontWeight": "bold",
            "lineHeight": 20,
            "subtitleColor": muted,
            "subtitleFontSize": 12,
            "subtitleLineHeight": 16,
            "subtitlePadding": 6,
            "offset": 14,
        },
        "axis": {
            "labelColor": ink,
            "titleColor": muted,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "gridColor": colours["grid"],
            "domainColor": colours["grid"],
            "tickColor": colours["grid"],
            "labelLimit": LABEL_PIXELS,
        },
        "legend": {
            "labelColor": ink,
            "titleColor": muted,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "orient": "top",
            "labelLimit": 260,
            "symbolSize": 70,
            "symbolStrokeWidth": 2,
        },
        "text": {"color": ink, "fontSize": 11},
        "range": {"category": list(series)},
    }
