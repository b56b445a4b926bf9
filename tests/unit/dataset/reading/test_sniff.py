from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from meantime.dataset.reading.sniff import TextForm, file_kind, sniff_text
from meantime.errors import SourceEmpty, SourceUnreadable
from tests.support.table_files import HEADER, write


def seen(folder: Path, content: str | bytes, encoding: str = "utf-8") -> TextForm:
    return sniff_text(write(folder, content, encoding=encoding), name="table.csv")


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("encoding", "called"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_delimiter_and_header_are_recognized(
    tmp_path: Path, encoding: str, called: str, delimiter: str, ends: str
) -> None:
    lines = ["Question,LocationDesc,Data_Value,Größe €", "Q,Köln,28,“x”", "Q,São Paulo,29,é"]
    text = "".join(line.replace(",", delimiter) + ends for line in lines)
    form = seen(tmp_path, text, encoding)
    assert (form.encoding, form.delimiter) == (called, delimiter)
    assert form.header == ("Question", "LocationDesc", "Data_Value", "Größe €")
    assert form.is_plain == (called == "utf-8" and ends != "\r")
    assert form.lines == (None if "16" in called or "32" in called else 3)
    assert form.is_encoding_guessed == (called == "cp1252")


def test_latin_1_is_distinguished_by_characters_that_cp1252_lacks(tmp_path: Path) -> None:
    assert seen(tmp_path, f"{HEADER}\nQ,\x81é,1\n", "latin-1").encoding == "latin-1"
    assert seen(tmp_path, f"{HEADER}\nQ,\x80é,1\n", "latin-1").encoding == "cp1252"


def test_a_utf_8_file_with_a_few_broken_lines_is_utf_8(tmp_path: Path) -> None:
    content = f"{HEADER}\n".encode() + "Q,Köln,1\n".encode() * 9 + b"Q,K\xf6ln,1\n"
    form = seen(tmp_path, content)
    assert form.encoding == "utf-8"
    assert not form.is_plain


def test_utf_8_that_is_cut_in_a_character_is_not_plain(tmp_path: Path) -> None:
    form = seen(tmp_path, f"{HEADER}\nQ,Köln,1\nQ,Köln,2\nQ,K".encode() + "ö".encode()[:1])
    assert form.encoding == "utf-8"
    assert not form.is_plain


def test_a_given_delimiter_or_encoding_is_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path, "a;b,c;d\n1;2,3;4\n")
    form = sniff_text(path, name="x", delimiter=",", encoding="cp1250")
    assert (form.delimiter, form.encoding) == (",", "cp1250")
    assert form.header == ("a;b", "c;d")
    assert not form.is_encoding_guessed


def test_the_delimiter_is_the_one_that_makes_sense_of_the_header(tmp_path: Path) -> None:
    assert seen(tmp_path, "Question;LocationDesc;Data_Value\na, b, c, d;x, y;1,5\n").delimiter == ";"
    assert seen(tmp_path, 'Question,"LocationDesc; where",Data_Value\n1,2,3\n').delimiter == ","
    # No name is known: then it is consistency.
    assert seen(tmp_path, "a;b;c,d\n1;2;3\n4;5;6\n").delimiter == ";"
    assert seen(tmp_path, "one\n1\n").delimiter == ","


def test_a_header_may_have_quotes_and_line_ends(tmp_path: Path) -> None:
    form = seen(tmp_path, '\n\n"Ques""tion",Data_Value,"two\nlines"\n1,2,3\n')
    assert form.header == ('Ques"tion', "Data_Value", "two\nlines")
    assert form.header_lines == 4
    assert not form.is_plain


@pytest.mark.parametrize("content", [b"\n", b"\r\n\r\n", b"\xef\xbb\xbf\n", "\n".encode("utf-16")])
def test_a_file_of_blank_lines_is_empty(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceEmpty, match=r"table\.csv is empty"):
        seen(tmp_path, content)


@pytest.mark.parametrize(
    "content", [f'{HEADER},"never\n1,2,3\n', f'{HEADER},"closed" and more\n1,2,3\n', '"' * 5 + "\n1\n"]
)
def test_a_header_that_cannot_be_read_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceUnreadable, match=r"header of table\.csv cannot be read"):
        seen(tmp_path, content)


def test_a_header_with_a_nul_byte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="NUL byte"):
        seen(tmp_path, f"{HEADER}\0\n1,2,3\n")


def test_too_many_columns_are_refused(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(100_000))
    with pytest.raises(SourceUnreadable, match="has 100,000 columns; at most 2,000"):
        seen(tmp_path, f"{header}\n")


@pytest.mark.parametrize(
    ("content", "lines", "is_plain"),
    [
        ("h,i\n1,2", 2, True),
        ("h,i\n1,2\n", 2, True),
        ("h,i\n1,2\n\n\n", 2, True),
        ("h,i\r\n1,2\r\n\r\n", 2, True),
        # Blank lines inside: DuckDB passes over them, so that the count of its records tells.
        ("h,i\n\n1,2\n", 3, True),
        ("h,i\n1,2\r\n3,4\n", 3, False),
        ("h,i\r1,2\r", 2, False),
        ("h,i\n1,2\r3,4\n", 3, False),
        ("h,i\n1,2\0\n", 2, False),
        ('h,i\n1, "2"\n', 2, False),
        ('h,i\n"1" ,2\n', 2, False),
        ('h,i\n1,"2" \n', 2, False),
        ('h,i\n"a ""b"" c",2\n', 2, True),
        ('h,i\n"a ",2\n', 2, True),
        ("h\n1\n", 2, False),
    ],
)
def test_plain_is_what_duckdb_reads_with_the_same_meaning(
    tmp_path: Path, content: str, lines: int, is_plain: bool
) -> None:
    form = seen(tmp_path, content)
    assert (form.lines, form.is_plain) == (lines, is_plain)


def test_a_single_line_of_ten_megabytes_is_looked_at(tmp_path: Path) -> None:
    form = seen(tmp_path, f"{HEADER}\nQ,{'x' * 10_000_000},1\nQ,Utah,1\n")
    assert (form.lines, form.is_plain) == (3, False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a picture"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "an old spreadsheet"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x28\xb5\x2f\xfd....", "Zstandard"),
    ],
)
def test_other_kinds_of_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(SourceUnreadable, match=message):
        file_kind(write(tmp_path, content), name="table.csv")


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="is not text"):
        seen(tmp_path, bytes(range(256)) * 100)


def test_the_kind_of_a_file_is_recognized_by_its_first_bytes(tmp_path: Path) -> None:
    assert file_kind(write(tmp_path, "a,b\n"), name="x") == "text"
    assert file_kind(write(tmp_path, gzip.compress(b"a,b\n")), name="x") == "gzip"
    assert file_kind(write(tmp_path, b"PAR1"), name="x") == "parquet"
    with pytest.raises(SourceEmpty, match="no bytes"):
        file_kind(write(tmp_path, b""), name="x")
    with pytest.raises(SourceUnreadable, match="cannot be opened"):
        file_kind(tmp_path / "absent", name="x")
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        sniff_text(tmp_path, name="folder")


def test_progress_is_reported_in_bytes(tmp_path: Path) -> None:
    content = f"{HEADER}\n" + "Q,Utah,1\n" * 1_000_000
    form: list[int] = []
    sniff_text(write(tmp_path, content), name="x", on_bytes=form.append)
    assert sum(form) == len(content)
    assert len(form) > 1
