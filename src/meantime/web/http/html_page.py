"""The layout of HTML pages: light and dark, wide and narrow, without a script."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from meantime.text import visible

MEDIA_TYPE = "text/html; charset=utf-8"

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d5d9de, #3a4048); --soft: light-dark(#f4f5f7, #1d2126);
  --loud: light-dark(#8a4b00, #ffb454); --link: light-dark(#0b5bbf, #7db4ff); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 52rem; line-height: 1.5;
  font-family: system-ui, sans-serif; overflow-wrap: anywhere;
  background: light-dark(#fff, #14171a); color: light-dark(#1b1f24, #e4e7eb); }
h1 { margin: 0; font-size: 1.75rem; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; border-bottom: 1px solid var(--line); }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; }
p { margin: .5rem 0; }
a { color: var(--link); }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .75rem;
  white-space: pre-wrap; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem .75rem; margin: 0; }
dt { grid-column: 1; } dd { grid-column: 2; margin: 0; }
@media (max-width: 34rem) { dl { display: block; } dd { margin: 0 0 .6rem; } }
ol { padding-left: 1.5rem; }
progress { width: 100%; height: 1rem; }
.loud { border: 2px solid var(--loud); border-radius: 6px; padding: .5rem .75rem; color: var(--loud);
  font-weight: 600; }
.soft { opacity: .75; }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

# Pages load nothing; the inline style is allowed by its hash.
HEADERS = (
    (
        "content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)


def as_text(text: str) -> str:
    r"""Return a text, which may come from a file, as HTML: nothing in it is markup, or turns the text around it.

    >>> print(as_text("<b>\u202e"))
    &lt;b&gt;\u202e
    """
    return escape(visible(text, keep="\n"))


def render(body: str, *, title: str, head: str = "") -> bytes:
    """Return a page. ``body`` and ``head`` are HTML; the title is plain text."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{head}<title>{as_text(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    # File names can contain bytes that are not text.
    return text.encode("utf-8", "backslashreplace")
