from __future__ import annotations

import csv
from pathlib import Path

import pytest

from meantime.dataset.reading import tolerant_csv
from meantime.dataset.reading.header import csv_field_limit
from meantime.dataset.reading.sniff import sniff_text
from meantime.dataset.reading.tolerant_csv import CleanCopy, write_clean_copy
from tests.support.table_files import HEADER, write

Read = tuple[list[tuple[int, list[str]]], list[tuple[int, str]], CleanCopy]


def read(folder: Path, content: str | bytes) -> Read:
    path = write(folder, content)
    form = sniff_text(path, name="x")
    rejected: list[tuple[int, str]] = []
    tidied = write_clean_copy(path, form, folder / "copy", reject=lambda line, why: rejected.append((line, why)))
    with (folder / "copy").open(encoding="utf-8", newline="") as copy, csv_field_limit(2**22):
        records = list(csv.reader(copy, delimiter=form.delimiter, strict=True))
    return [(int(record[0]), record[1:]) for record in records], rejected, tidied


GOOD = ["Q", "Utah", "1"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Q,Utah", "2 fields where the header has 3"),
        ("Q,Utah,1,", "4 fields where the header has 3"),
        ("Utah", "1 field where the header has 3"),
        ('Q,"Utah,1,2', "a quote that is never closed"),
        ('"', "a quote that is never closed"),
        ('Q,"Utah"x,1', "text after a closing quote"),
        ('Q,"Utah" ,1', "text after a closing quote"),
        ('Q,"a",b,c', "4 fields where the header has 3"),
        ("Q,U\0tah,1", "a NUL byte"),
        ('Q,"U\0tah",1', "a NUL byte"),
        ("Q," + "x" * 3_000_000 + ",1", "longer than 2,097,152 characters"),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_bad_line_is_rejected_with_its_number_and_the_next_good_one_is_read(
    tmp_path: Path, line: str, reason: str, ends: str
) -> None:
    content = ends.join([HEADER, "Q,Utah,1", line, "Q,Utah,1", "", "Q,Utah,1", ""])
    rows, rejected, _ = read(tmp_path, content)
    assert rejected == [(3, reason)]
    assert rows == [(2, GOOD), (4, GOOD), (6, GOOD)]


def test_a_bad_last_line_without_an_end_is_rejected(tmp_path: Path) -> None:
    assert read(tmp_path, f'{HEADER}\nQ,Utah,1\n"')[1] == [(3, "a quote that is never closed")]
    assert read(tmp_path, f"{HEADER}\nQ,Utah,1\nQ,Utah")[1] == [(3, "2 fields where the header has 3")]


def test_line_ends_of_all_kinds_may_be_mixed(tmp_path: Path) -> None:
    rows, rejected, _ = read(tmp_path, f"{HEADER}\r\nQ,Utah,1\nQ,Utah,1\rQ,Utah,1\r\n\r\n\rQ,Utah,1")
    assert rows == [(2, GOOD), (3, GOOD), (4, GOOD), (7, GOOD)]
    assert rejected == []


def test_a_quoted_field_may_span_lines_and_the_lines_after_it_keep_their_numbers(tmp_path: Path) -> None:
    rows, rejected, tidied = read(tmp_path, f'{HEADER}\nQ,"Salt\r\nLake\n\nCity",1\nQ,Utah\nQ,Utah,1\n')
    assert rows == [(2, ["Q", "Salt\r\nLake\n\nCity", "1"]), (7, GOOD)]
    assert rejected == [(6, "2 fields where the header has 3")]
    assert tidied == CleanCopy(rows=2, are_lines_plain=False, has_line_ends=True)


def test_only_the_first_line_of_a_failed_attempt_is_rejected(tmp_path: Path) -> None:
    # The quote of line 2 runs on to that of line 4, which makes no sense of line 2 alone.
    rows, rejected, _ = read(tmp_path, f'{HEADER}\nQ,"Utah,1\nQ,Utah,1\nQ,"Utah",1\nQ,Utah,1\n')
    assert rejected == [(2, "a quote that is never closed (the next quote, on line 4, has text after it)")]
    assert rows == [(3, GOOD), (4, GOOD), (5, GOOD)]


def test_a_record_over_several_lines_with_too_few_fields_names_its_last_line(tmp_path: Path) -> None:
    rows, rejected, _ = read(tmp_path, f'{HEADER}\nQ,"Utah\nQ,Utah,1\n"\nQ,Utah,1\n')
    assert rejected == [
        (2, "2 fields where the header has 3, because a quote extends to line 4"),
        (4, "a quote that is never closed"),
    ]
    assert rows == [(3, GOOD), (5, GOOD)]


def test_quotes_inside_an_unquoted_field_are_characters(tmp_path: Path) -> None:
    rows, _, _ = read(tmp_path, f'{HEADER}\n6" pipe,U"ta"h, "1"\n')
    assert rows == [(2, ['6" pipe', 'U"ta"h', ' "1"'])]


def test_a_quote_runs_no_further_than_its_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = f'{HEADER}\nQ,"a\nb\nc",1\nQ,"a\nb",1\n'
    monkeypatch.setattr(tolerant_csv, "_MOST_LINES_IN_RECORD", 2)
    rows, rejected, _ = read(tmp_path, content)
    assert rows == [(5, ["Q", "a\nb", "1"])]
    assert [line for line, _ in rejected] == [2, 3, 4]
    monkeypatch.undo()
    monkeypatch.setattr(tolerant_csv, "_MOST_CHARACTERS_IN_RECORD", 6)
    assert read(tmp_path, content)[0] == [(5, ["Q", "a\nb", "1"])]


def test_a_quote_on_every_line_costs_a_bounded_number_of_looks_at_each(tmp_path: Path) -> None:
    """Each line opens its own quote, and closes and opens one inside another's."""
    lines = 3_000
    rows, rejected, _ = read(tmp_path, HEADER + "\n" + 'x",y"z,"\n' * lines)
    assert not rows
    assert [line for line, _ in rejected] == list(range(2, lines + 2))


@pytest.mark.parametrize(
    ("encoding", "broken", "name"),
    [("utf-8", b"Q,K\xf6ln,1\n", "UTF-8"), ("utf-16-le", "Q,K".encode("utf-16-le") + b"\x00\xd8", "UTF-16-LE")],
)
def test_a_line_that_cannot_be_decoded_is_rejected(tmp_path: Path, encoding: str, broken: bytes, name: str) -> None:
    good = "Q,Köln,1\n".encode(encoding)
    tail = b"" if encoding == "utf-8" else ",1\n".encode(encoding)
    content = f"{HEADER}\n".encode(encoding) + good * 3 + broken + tail + good
    rows, rejected, _ = read(tmp_path, content)
    assert rejected == [(5, f"not valid {name}")]
    assert [line for line, _ in rows] == [2, 3, 4, 6]


def test_a_file_that_ends_inside_a_character_rejects_that_line(tmp_path: Path) -> None:
    content = f"{HEADER}\nQ,Utah,1\nQ,Utah,1".encode("utf-16-le") + b"x"
    rows, rejected, _ = read(tmp_path, content)
    assert rejected == [(3, "not valid UTF-16-LE")]
    assert len(rows) == 1


def test_byte_order_marks_inside_are_characters(tmp_path: Path) -> None:
    rows, _, _ = read(tmp_path, f"\ufeff{HEADER}\n\ufeffQ,U\u200btah\ufeff,1\n")
    assert rows == [(2, ["\ufeffQ", "U\u200btah\ufeff", "1"])]


def test_lines_are_plain_where_no_line_is_missing(tmp_path: Path) -> None:
    assert read(tmp_path, f'{HEADER}\nQ,Utah, "1"\nQ,Utah,1\n')[2] == CleanCopy(2, True, False)
    assert not read(tmp_path, f"{HEADER}\n\nQ,Utah,1\n")[2].are_lines_plain
    assert read(tmp_path, f"{HEADER}\nQ,Utah\n")[2] == CleanCopy(0, False, False)


def test_the_callback_for_rejected_lines_may_stop_reading(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\nQ\nQ\n")

    def stop(line: int, reason: str) -> None:
        raise ValueError(f"{line}: {reason}")

    with pytest.raises(ValueError, match="2: 1 field where"):
        write_clean_copy(path, sniff_text(path, name="x"), tmp_path / "copy", reject=stop)


def test_the_limit_of_the_csv_module_is_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    rows, _, _ = read(tmp_path, f'{HEADER}\nQ,"{"x" * 1_000_000}",1\n')
    assert len(rows[0][1][1]) == 1_000_000
    assert csv.field_size_limit() == before
