"""How charts look: colors that color-blind people can distinguish, in light and dark, sizes, fonts.

A specification names colors by what they are for (``ink``, ``accent``, ``worse``); the theme says which colors
these are. A page changes the theme by exchanging the config: the specification carries both, see ``layout.py``. The
hues are those of Okabe and Ito (2008). Color is never the only sign: shapes, dashes and words say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The renderer carries the first, so that images do not depend on the fonts of a machine; the others are as wide, for an
# SVG that is shown where the first is missing.
FONT = "Arimo, Liberation Sans, Arial, Helvetica, sans-serif"

# The height of a row of dots: a label of 12 pixels with some space.
ROW_PIXELS = 17
# A little wider than "District of Columbia"; longer names are cut, and the tooltip has them whole.
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
    "on_least": "#000000",
    "on_most": "#ffffff",
    "on_worse": "#000000",
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
    "on_least": "#ffffff",
    "on_most": "#000000",
    "on_worse": "#000000",
}
# The share of the ramp from which the contrast of "on_most" is at least 4.5; that of "on_least" is, up to there.
_MOST_FROM = {"#08416b": 0.665, "#a9d8f5": 0.485}
# Without yellow, which is invisible on white, and black, which is the ink. In this order neighbors differ most.
_SERIES_LIGHT = ("#0072b2", "#d55e00", "#007a5a", "#a8478a", "#8a6100", "#2f80b8")
_SERIES_DARK = ("#56b4e9", "#e69f00", "#2bc79a", "#e59ac6", "#f0e442", "#d55e00")


def color(name: str) -> dict[str, str]:
    """Refer to a color by its purpose.

    >>> color("accent")
    {'expr': 'accent'}
    """
    return {"expr": name}


def light() -> dict[str, Any]:
    """Return Vega-Lite's config for a light page, and for images."""
    return _config(_LIGHT, _SERIES_LIGHT)


def dark() -> dict[str, Any]:
    """Return Vega-Lite's config for a dark page."""
    return _config(_DARK, _SERIES_DARK)


def _config(colors: Mapping[str, str], series: tuple[str, ...]) -> dict[str, Any]:
    ink, muted = colors["ink"], colors["muted"]
    named = {**colors, **{f"series_{index}": value for index, value in enumerate(series)}}
    return {
        "params": [
            *({"name": name, "value": value} for name, value in named.items()),
            {"name": "on_most_from", "value": _MOST_FROM[colors["ramp_most"]]},
        ],
        "background": colors["paper"],
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
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "gridColor": colors["grid"],
            "domainColor": colors["grid"],
            "tickColor": colors["grid"],
            "labelLimit": LABEL_PIXELS,
        },
        "legend": {
            "labelColor": ink,
            "titleColor": muted,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "orient": "top",
            "labelLimit": 260,
            "symbolSize": 70,
            "symbolStrokeWidth": 2,
        },
        "text": {"color": ink, "fontSize": 12},
        "range": {"category": list(series)},
    }
