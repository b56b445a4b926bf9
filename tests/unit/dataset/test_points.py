from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.dataset.points import GeoPoint, locate, parse_point
from tests.support.table_files import read, write

UTAH = GeoPoint(latitude=39.36, longitude=-111.587)
HEADER = "Question,LocationDesc,Data_Value,GeoLocation"


@pytest.mark.parametrize(
    "text",
    [
        "(39.36, -111.587)",
        "(39.36,-111.587)",
        " ( 39.36 , -111.587 ) ",
        "Salt Lake City, UT (39.36, -111.587)",
        "POINT (-111.587 39.36)",
        "point(-111.587 39.36)",
    ],
)
def test_both_ways_of_writing_a_point_are_read(text: str) -> None:
    assert parse_point(text) == UTAH


@pytest.mark.parametrize(
    "text",
    ["", "39.36, -111.587", "(39.36)", "(nan, 1)", "(91, 0)", "POINT (181 0)", "(٣, 4)", "(1, 2, 3)", "(1e1, 2)"],
)
def test_a_text_that_is_not_a_point_on_the_earth_is_none(text: str) -> None:
    assert parse_point(text) is None


@given(st.text(alphabet="(),.-+ 0123456789POINTeé\x00", max_size=80))
def test_any_text_is_a_point_on_the_earth_or_none(text: str) -> None:
    point = parse_point(text)
    assert point is None or (abs(point.latitude) <= 90 and abs(point.longitude) <= 180)


def test_two_ways_of_writing_one_point_agree() -> None:
    assert locate([("Utah", ["POINT (-111.587 39.36)", "(39.36, -111.587)"])]).of == {"Utah": UTAH}


def test_points_that_were_rounded_in_other_ways_agree_and_others_do_not() -> None:
    texts = ["(64.845079957001, -147.722059036)", "(64.84507995700051, -147.72205903599973)"]
    assert locate([("Alaska", texts)]).of["Alaska"].latitude == pytest.approx(64.845, abs=0.01)
    assert locate([("Alaska", ["(64.8, -147.7)", "(64.82, -147.7)"])]).of == {}


def test_a_location_with_very_many_points_has_none(tmp_path: Path) -> None:
    lines = [HEADER, *(f'Q,Utah,1,"(39.36, -111.5870{number})"' for number in range(20)), ""]
    points = read(write(tmp_path, "\n".join(lines))).about.points
    assert points.unknown == {"Utah": "its rows have several points"}


def test_a_file_has_the_points_of_its_locations(tmp_path: Path) -> None:
    lines = [
        HEADER,
        'Q,Utah,1,"(39.36, -111.587)"',
        "Q,Utah,2,",  # says nothing against the others
        'Q,Ohio,3,"(40, -82)"',
        'Q,Ohio,4,"(41, -82)"',
        "Q,Iowa,5,",
        "Q,Guam,6,far away",
    ]
    points = read(write(tmp_path, "\n".join([*lines, ""]))).about.points
    assert points.of == {"Utah": UTAH}
    assert points.unknown == {"Ohio": "its rows have several points", "Guam": "'far away' is not a point"}


def test_a_file_without_a_column_of_points_has_none(tmp_path: Path) -> None:
    points = read(write(tmp_path, "Question,LocationDesc,Data_Value\nQ,Utah,1\n")).about.points
    assert (points.of, points.unknown) == ({}, {})


def test_points_are_not_part_of_the_content(tmp_path: Path) -> None:
    here, there = (read(write(tmp_path, f'{HEADER}\nQ,Utah,1,"(39.36, {longitude})"\n')) for longitude in (-111, -112))
    assert here.about.points != there.about.points
    assert here.fingerprint == there.fingerprint
