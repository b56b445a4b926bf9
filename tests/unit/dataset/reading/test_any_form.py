"""Property: a table in any form of numbers, years, layout, text and container has the fingerprint of the plain one."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from openpyxl import Workbook  # type: ignore[import-untyped]  # it ships no types

from tests.support.examples import one_in
from tests.support.table_files import read, write

QUESTIONS, PLACES = ("Naps a week", "Tea drunk"), ("Avalon", "Bordurie supérieure", "Cockaigne")
SEXES, YEARS = ("Female", "Male"), (2018, 2019, 2021)
# It has both marks, so that nothing has to be asked; and no two forms of numbers write it alike.
DECISIVE = "1234567.5"


class Key(NamedTuple):
    """What a number is about."""

    question: str
    place: str
    sex: str
    year: int


Content = Mapping[Key, str]

VALUES = st.one_of(
    st.integers(0, 10**7).map(str),
    st.decimals(0, 99_999, places=1, allow_nan=False).map(str),
    st.just("*"),
)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    every = st.builds(Key, *map(st.sampled_from, (QUESTIONS, PLACES, SEXES, YEARS)))
    keys = draw(st.sets(every, min_size=6, max_size=24))
    first = Key(QUESTIONS[0], PLACES[0], SEXES[0], YEARS[0])
    # Each year, group and question is there, so that each layout has a column for it.
    full = [first, Key(QUESTIONS[1], PLACES[1], SEXES[1], YEARS[1]), Key(QUESTIONS[0], PLACES[2], SEXES[1], YEARS[2])]
    ordered = draw(st.permutations(sorted({*keys, *full})))
    return {key: DECISIVE if key == first else draw(VALUES) for key in ordered}


# Layouts: each returns the header and the rows, the number of which are written by a function; and the TOML, if it
# needs one. The plain table has the names of columns that a turned one gets.


class Sheet(NamedTuple):
    """A table as cells of text."""

    header: list[str]
    rows: list[list[str]]
    toml: str = ""


def long(content: Content, year: str = "{}") -> Sheet:
    rows = [[key.question, key.place, key.sex, year.format(key.year), value] for key, value in content.items()]
    return Sheet(["Question", "Location", "Sex", "Year", "Value"], rows)


def by_years(content: Content, name: str = "{}") -> Sheet:
    keys = dict.fromkeys(key[:3] for key in content)
    rows = [[*key, *(content.get(Key(*key, year), "") for year in YEARS)] for key in keys]
    return Sheet(["Question", "Location", "Sex", *(name.format(year) for year in YEARS)], rows)


def by_groups(content: Content) -> Sheet:
    keys = dict.fromkeys((key.question, key.place, key.year) for key in content)
    rows = [
        [question, place, str(year), *(content.get(Key(question, place, sex, year), "") for sex in SEXES)]
        for question, place, year in keys
    ]
    return Sheet(["Question", "Location", "Year", *SEXES], rows)


def by_measures(content: Content) -> Sheet:
    keys = dict.fromkeys(key[1:] for key in content)
    rows = [
        [place, sex, str(year), *(content.get(Key(question, place, sex, year), "") for question in QUESTIONS)]
        for place, sex, year in keys
    ]
    toml = f"[wide]\nquestion = {json.dumps(QUESTIONS)}\n"
    return Sheet(["Location", "Sex", "Year", *QUESTIONS], rows, toml)


def by_measures_and_years(content: Content) -> Sheet:
    keys = dict.fromkeys((key.place, key.sex) for key in content)
    pairs = [(question, year) for question in QUESTIONS for year in YEARS]
    rows = [
        [place, sex, *(content.get(Key(question, place, sex, year), "") for question, year in pairs)]
        for place, sex in keys
    ]
    return Sheet(["Location", "Sex", *(f"{question} {year}" for question, year in pairs)], rows)


LAYOUTS = {
    "long": long,
    "long, years with a decimal": lambda content: long(content, "{}.0"),
    "long, years with spaces": lambda content: long(content, " {} "),
    "long, dates": lambda content: long(content, "31.12.{}"),
    "long, dates of the ISO": lambda content: long(content, "{}-07-01"),
    "years": by_years,
    "years of R": lambda content: by_years(content, "X{}"),
    "years of the World Bank": lambda content: by_years(content, "{0} [YR{0}]"),
    "groups": by_groups,
    "measures": by_measures,
    "measures and years": by_measures_and_years,
}
# What separates thousands, and the decimal mark.
NUMBERS = {
    "plain": ("", "."),
    "decimal comma": ("", ","),
    "English": (",", "."),
    "German": (".", ","),
    "French": ("\u202f", ","),
    "with spaces": (" ", ","),
    "Swiss": ("'", "."),
}


def written(value: str, form: str) -> str:
    """Write a number in a form; any other text stays as it is."""
    thousands, decimal = NUMBERS[form]
    whole, _, fraction = value.partition(".")
    if not whole.isdigit():
        return value
    text = f"{int(whole):,}".replace(",", thousands)
    return f"{text}{decimal}{fraction}" if fraction else text


def as_text(sheet: Sheet, delimiter: str, above: Sequence[str], below: Sequence[str]) -> str:
    out = io.StringIO()
    out.writelines(f"{line}\n" for line in above)
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([sheet.header, *sheet.rows])
    out.writelines(f"{line}\n" for line in below)
    return out.getvalue()


def saved(folder: Path, sheet: Sheet, data: st.DataObject) -> Path:
    """Write a table in some container."""
    kind = data.draw(st.sampled_from(["text", "text", "text", "gz", "zip", "xlsx", "json"]), "container")
    if kind == "xlsx":
        book = Workbook()
        for row in (sheet.header, *sheet.rows):
            book.active.append(row)
        path = folder / "table.xlsx"
        book.save(path)
        return path
    if kind == "json":
        records = [dict(zip(sheet.header, row, strict=True)) for row in sheet.rows]
        return write(folder, json.dumps(records), "table.json")
    delimiter = data.draw(st.sampled_from(",;\t|"), "delimiter")
    above = data.draw(st.sampled_from([(), ("Tea and naps",), ("Tea and naps", ""), ("# by hand",)]), "above")
    below = data.draw(st.sampled_from([(), ("", "Source: a survey of tea"), ("Source: a survey of tea",)]), "below")
    text = as_text(sheet, delimiter, above, below)
    if kind == "zip":
        with zipfile.ZipFile(folder / "table.zip", "w") as archive:
            archive.writestr("inner.csv", text)
        return folder / "table.zip"
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]), "encoding")
    # It has no narrow space.
    encoding = "utf-8" if encoding == "cp1252" and "\u202f" in text else encoding
    return write(folder, text, "table.csv.gz" if kind == "gz" else "table.csv", encoding=encoding)


def test_a_table_in_any_form_has_the_fingerprint_of_the_plain_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Each reads two tables.
    @settings(max_examples=one_in(8), database=None)
    @given(contents(), st.sampled_from(sorted(LAYOUTS)), st.sampled_from(sorted(NUMBERS)), st.data())
    def check(content: Content, layout: str, numbers: str, data: st.DataObject) -> None:
        folder = tmp_path_factory.mktemp("form")
        expected = read(write(folder, as_text(long(content), ",", (), ()), "plain.csv"), into=folder / "a").fingerprint
        sheet = LAYOUTS[layout]({key: written(value, numbers) for key, value in content.items()})
        path = saved(folder, sheet, data)
        if sheet.toml:
            write(folder, sheet.toml, f"{path.name}.toml")
        note(f"{path}: {sheet}")
        assert read(path, into=folder / "b", rejected_limit=0).fingerprint == expected

    check()
