from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import msgspec
import pytest

from meantime.dataset.reading.source import (
    Source,
    data_files,
    description_path,
    ignored_files,
    parse_source,
    source_identity,
)
from meantime.errors import DescriptionInvalid, LoadFailed, SourceUnreadable
from tests.support.table_files import write


def source(path: Path | str) -> Source:
    return Source(name="test", path=str(path))


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("data/obesity 2020.csv", "obesity-2020", "data/obesity 2020.csv"),
        ("heart=data/2020.csv.gz", "heart", "data/2020.csv.gz"),
        ("2020.parquet", "2020", "2020.parquet"),
        ("data/*.csv", "data", "data/*.csv"),
        ("folder/", "folder", "folder/"),
        ("a=b=c.csv", "a", "b=c.csv"),
        ("../x/y=z.csv", "y-z", "../x/y=z.csv"),
        ("größe.csv", "gr-e", "größe.csv"),
        ("日本.csv", "data", "日本.csv"),
    ],
)
def test_a_name_is_given_or_made_from_the_path(text: str, name: str, path: str) -> None:
    assert parse_source(text) == Source(name=name, path=path)


def test_a_file_that_looks_like_a_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "x", "year=2020.csv")
    assert parse_source("year=2020.csv").path == "year=2020.csv"


def test_a_glob_in_the_folder_itself_is_named_after_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "heart"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert parse_source("*.csv").name == "heart"


def test_an_empty_path_and_an_unknown_role_are_refused() -> None:
    with pytest.raises(SourceUnreadable, match="does not name a file"):
        parse_source("name=")
    with pytest.raises(DescriptionInvalid, match="Unknown role"):
        parse_source("x.csv", {"vlaue": "x"})


def test_the_files_of_a_folder_are_its_data_files_by_name(tmp_path: Path) -> None:
    for name in ("b.csv", "a.CSV", "c.csv.gz", "d.parquet", "meantime.toml", "README.md", ".hidden.csv"):
        write(tmp_path, "x", name)
    (tmp_path / "folder.csv").mkdir()
    assert [path.name for path in data_files(source(tmp_path))] == ["a.CSV", "b.csv", "c.csv.gz", "d.parquet"]


def test_files_in_a_folder_that_are_not_data_are_ignored_and_named(tmp_path: Path) -> None:
    for name in ("b.csv", "README.txt", "notes.TXT", "meantime.toml", "b.csv.toml", ".hidden"):
        write(tmp_path, "x", name)
    (tmp_path / "folder").mkdir()
    assert [path.name for path in data_files(source(tmp_path))] == ["b.csv"]
    assert ignored_files(source(tmp_path)) == ("README.txt", "b.csv.toml", "notes.TXT")
    assert ignored_files(source(tmp_path / "b.csv")) == ()


def test_a_folder_of_nothing_but_other_files_names_them(tmp_path: Path) -> None:
    write(tmp_path, "x", "data.txt")
    with pytest.raises(SourceUnreadable, match="has no data files") as caught:
        data_files(source(tmp_path))
    assert 'It contains "data.txt": to read a file, give its path' in caught.value.operator_reason
    assert "data.txt" not in caught.value.reason
    assert data_files(source(tmp_path / "data.txt")) == (tmp_path / "data.txt",)


def test_a_glob_finds_files_and_never_descriptions(tmp_path: Path) -> None:
    for name in ("2020.csv", "2021.csv", "2020.csv.toml", "other.csv"):
        write(tmp_path, "x", name)
    assert [path.name for path in data_files(source(tmp_path / "20*"))] == ["2020.csv", "2021.csv"]


def test_a_file_whose_name_has_the_characters_of_a_glob_is_that_file(tmp_path: Path) -> None:
    path = write(tmp_path, "x", "a[1]*.csv")
    write(tmp_path, "x", "a1b.csv")
    assert data_files(source(path)) == (path,)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.csv", "does not exist"),
        ("my data=absent.csv", "A NAME= before it may contain only letters"),
        ("no*.csv", "No file matches"),
        ("empty", "has no data files"),
        ("x" * 5000, "cannot be accessed"),
        ("a\0b", "cannot be accessed|does not exist"),
        ("pipe", "is a device or a pipe, not a file"),
    ],
)
def test_a_path_that_cannot_be_read_is_reported(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceUnreadable) as caught:
        data_files(source(f"{tmp_path}/{name}"))
    assert re.search(message, caught.value.operator_reason)
    assert str(tmp_path) not in caught.value.reason
    assert str(tmp_path.parent) not in caught.value.reason


def test_a_machine_that_cannot_look_now_says_nothing_about_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(LoadFailed, match="cannot be accessed: Too many open files"):
        data_files(source(tmp_path))


def test_a_description_is_next_to_the_data(tmp_path: Path) -> None:
    path = write(tmp_path, "x", "data.csv.gz")
    assert description_path(source(path)) == tmp_path / "data.csv.gz.toml"
    assert description_path(source(tmp_path)) == tmp_path / "meantime.toml"
    assert description_path(source(tmp_path / "*.csv")) == tmp_path / "meantime.toml"
    assert description_path(source(tmp_path / "*" / "x.csv")) == tmp_path / "meantime.toml"


def test_the_identity_changes_with_whatever_changes_the_snapshot(tmp_path: Path) -> None:
    path = write(tmp_path, "abc")
    wanted = source(path)
    seen = [source_identity(wanted, rejected_limit=0.05)]
    assert source_identity(msgspec.structs.replace(wanted, name="other"), rejected_limit=0.05) == seen[0]

    seen.append(source_identity(wanted, rejected_limit=0.06))
    seen.append(source_identity(msgspec.structs.replace(wanted, columns={"value": "x"}), rejected_limit=0.05))
    write(tmp_path, "", "table.csv.toml")
    seen.append(source_identity(wanted, rejected_limit=0.05))
    os.utime(path, ns=(1, 1))
    seen.append(source_identity(wanted, rejected_limit=0.05))
    path.write_text("abcd")
    os.utime(path, ns=(1, 1))
    seen.append(source_identity(wanted, rejected_limit=0.05))
    other = write(tmp_path, "abcd", "other")
    os.utime(other, ns=(1, 1))
    other.rename(path)
    seen.append(source_identity(wanted, rejected_limit=0.05))
    assert len(set(seen)) == len(seen)


def test_the_identity_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable):
        source_identity(source(tmp_path / "absent.csv"), rejected_limit=0.05)
