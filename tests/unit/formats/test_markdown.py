"""Markdown, as a renderer with GitHub's tables reads it."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from meantime.formats import markdown
from meantime.formats.document import Document
from meantime.table import Kind, Table
from tests.support import result_documents
from tests.support.result_documents import COUNT, HOSTILE, LOCATION, MEAN, of, of_names, of_numbers

# Raw HTML is allowed, as to an attacker's liking: no text of a file may come through as a tag.
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def encode(document: Document) -> str:
    return b"".join(markdown.pieces(document)).decode()


def rendered(document: Document) -> str:
    page = RENDERER.render(encode(document))
    assert isinstance(page, str)
    return page


def cells(page: str) -> list[list[str]]:
    return [
        [html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    ]


def seen(text: str) -> str:
    """A text as a reader of a page sees it: white space is one space, and control characters are marked."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "\ufffd", " ".join(text.split()))


def test_a_table_with_units_then_what_to_know_of_it() -> None:
    table = Table(
        columns=(LOCATION, MEAN, COUNT),
        data=(["Utah", None], [28.828, None], [3, 0]),
        notes=("A note.",),
        warnings=("A warning.",),
        findings=("A finding.",),
    )
    assert encode(of(table)) == (
        "| location | mean (percent) | count |\n"
        "| --- | ---: | ---: |\n"
        "| Utah | 28.8 | 3 |\n"
        "|  |  | 0 |\n"
        "\nA finding.\n"
        "\n> **Warning:** A warning.\n"
        "\nA note.\n"
        "\nNumbers are rounded here; the other formats have them in full.\n"
        "\nCite as: Cite this.\n"
    )


@given(result_documents.documents)
def test_whatever_a_text_holds_is_seen_as_it_is(document: Document) -> None:
    header, *rows = cells(rendered(document))
    names = [f"{c.name} ({c.unit})" if c.unit else c.name for c in document.table.columns]
    assert header == [seen(name) for name in names]
    for row, kept in zip(rows, document.table.rows(), strict=True):
        for cell, is_, column in zip(row, kept, document.table.columns, strict=True):
            if is_ is None:
                assert cell == ""
            elif column.kind is Kind.TEXT:
                assert cell == seen(str(is_))


@given(result_documents.documents)
def test_no_text_makes_a_tag_a_link_or_another_paragraph(document: Document) -> None:
    page = rendered(document)
    table = document.table
    assert set(re.findall(r"</?(\w+)", page)) <= {
        "table", "thead", "tbody", "tr", "th", "td", "p", "blockquote", "strong",
    }  # fmt: skip
    rounded = any(column.kind is Kind.NUMBER for column in table.columns)
    assert page.count("<p>") == len(table.warnings) + sum(map(bool, map(seen, table.notes))) + rounded + 1


@pytest.mark.parametrize(
    "note", ["1. x", "12) x", "- x", "+ x", "# x", "> x", "===", "---", "***", "    x", "```", ": x", "~~~", "<div>"]
)
def test_a_note_begins_no_list_heading_or_code(note: str) -> None:
    page = rendered(of(Table(columns=(COUNT,), data=([],), notes=(note,))))
    assert f"<p>{html.escape(seen(note), quote=False)}</p>" in page


def test_hostile_texts_keep_to_their_cells() -> None:
    rows = cells(rendered(of_names(*HOSTILE)))
    assert [row[0] for row in rows[1:]] == [seen(text) for text in HOSTILE]


def test_a_table_without_rows_keeps_its_header() -> None:
    assert cells(rendered(of_numbers())) == [["mean (percent)"]]
