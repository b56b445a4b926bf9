"""Documents that are made of the code, and so never say another thing than it.

``make docs`` writes them; a test fails where they are not current.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from meantime.statistics.registry import STATISTICS
from meantime.web.http import problems
from meantime.web.v1 import documentation
from tests.support.statistic_pages import page_of

DOCS = Path(__file__).parents[2] / "docs"


def made() -> Mapping[Path, str]:
    """Return what is to be in which file."""
    pages = {DOCS / "problems" / f"{code}.md": documentation.markdown_of(code) for code in problems.PAGES}
    by_status = sorted(problems.PAGES, key=lambda code: (problems.status_of(problems.kind_of(code)), code))
    rows = "".join(
        f"| {problems.status_of(problems.kind_of(code))} | [`{code}`]({code}.md) | {problems.PAGES[code].title} |\n"
        for code in by_status
    )
    return pages | {
        DOCS / "statistics" / "README.md": _list_of_statistics(),
        DOCS / "problems" / "README.md": "# Problems\n\nHow the v1 API says no (RFC 9457): each answer has one of "
        "these as its `code`, and the address of its page\non the server itself as its `type`.\n\n"
        f"| status | code | what it is |\n|---|---|---|\n{rows}",
    }


def _list_of_statistics() -> str:
    rows = "".join(
        f"| [`{row.name}`]({page_of(row)}) | {row.help} | {row.estimates} |\n" for row in STATISTICS.values()
    )
    return (
        "# The statistics\n\nWhat each statistic gives, and what its numbers estimate.\n"
        "[One page](common-ground.md) describes what those with confidence intervals have in common.\n\n"
        f"| statistic | gives | estimates |\n|---|---|---|\n{rows}"
    )


def main() -> None:
    """Write all of them."""
    for path, text in made().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
