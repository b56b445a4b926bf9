"""The commands as a person types them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.acceptance.conftest import QUESTION, TABLE
from tests.support.command_line import meantime, meantime_process, reading_here
from tests.support.waiting import PATIENCE_S


@pytest.fixture(scope="module", autouse=True)
def files_read_in_this_process() -> Iterator[None]:
    with reading_here():
        yield


def test_ask_a_file_as_a_table_as_json_and_as_csv(table: Path) -> None:
    shown = meantime("ask", "best5", "--question", "obesity", "--data", str(table))
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.index("Utah") < shown.stdout.index("Alaska") < shown.stdout.index("Ohio")
    as_json = meantime("ask", "best5", "--question", "obesity", "--data", str(table), "--format", "json")
    document = json.loads(as_json.stdout)
    assert [row["location"] for row in document["rows"]] == ["Utah", "Alaska", "National", "Ohio"]
    assert document["parameters"] == {"question": QUESTION}
    as_csv = meantime("ask", "best5", "--question", "obesity", "--data", str(table), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(as_csv.stdout)))
    assert [float(row["mean"]) for row in rows] == [18.0, 21.0, 25.0, 30.1]


def test_a_question_or_state_that_fits_none_lists_the_closest(table: Path) -> None:
    unknown = meantime("ask", "states_mean", "--question", "obesety", "--data", str(table))
    assert unknown.returncode == 2
    assert QUESTION in unknown.stderr
    wrong_state = meantime("ask", "state_mean", "--question", "obesity", "--state", "Utha", "--data", str(table))
    assert wrong_state.returncode == 2
    assert "Utah" in wrong_state.stderr


def test_an_unknown_statistic_lists_those_there_are(table: Path) -> None:
    unknown = meantime("ask", "state_means", "--question", "obesity", "--data", str(table))
    assert unknown.returncode == 2
    assert "states_mean" in unknown.stderr


def test_a_state_is_asked_for_where_it_is_needed_and_refused_where_it_would_be_ignored(table: Path) -> None:
    without = meantime("ask", "state_mean", "--question", "obesity", "--data", str(table))
    assert without.returncode == 2
    assert "--state" in without.stderr
    ignored = meantime("ask", "states_mean", "--question", "obesity", "--state", "Utah", "--data", str(table))
    assert ignored.returncode == 2
    assert "--state" in ignored.stderr


def test_any_parameter_can_be_given_by_name_and_is_what_the_statistic_takes(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "summary.jsonl"
    command = meantime(
        *(
            "ask",
            "summary",
            "--question",
            "obesity",
            "-p",
            "by=location",
            "-p",
            "quantiles=0.25",
            "-p",
            "quantiles=0.5",
        ),
        *("-p", "location=utah", "-p", "location=alask", "-p", "limit=5", "--data", str(table), "--out", str(out)),
    )
    assert (command.returncode, command.stdout) == (0, ""), command.stderr
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(row["location"], row["q25"], row["median"]) for row in rows] == [
        ("Alaska", 20.75, 21.0),
        ("Utah", 18.0, 18.0),
    ]


def test_of_an_answer_that_is_too_wide_the_columns_that_fit_are_shown_and_no_number_is_cut(table: Path) -> None:
    arguments = ("ask", "summary", "--question", "obesity", "-p", "by=location", "--data", str(table))
    narrow = meantime(*arguments, COLUMNS="50").stdout
    assert [cell.strip() for cell in rows_of(narrow)[0]] == ["Alaska", "2", "21.0", "0.7"]
    assert "Columns not shown: min, max, median, withheld. Use --wide to see them." in narrow
    # Of a terminal that is too narrow for any table, it breaks the lines.
    assert [cell.strip() for cell in rows_of(meantime(*arguments, COLUMNS="8").stdout)[0]] == ["Alaska", "2"]
    whole = meantime(*arguments, "--wide", COLUMNS="50").stdout
    assert len(rows_of(whole)[0]) == 8
    assert "not shown" not in whole


def rows_of(shown: str) -> list[list[str]]:
    """Return the cells of the rows of a table."""
    return [line.strip("│").split("│") for line in shown.splitlines() if line.startswith("│")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-p", "lmit=5"), "Did you mean"),
        (("-p", "limit=five"), '"limit" must be a whole number from 1 to 1,000,000, or null, not "five".'),
        (("-p", "limit"), "NAME=VALUE"),
        (("--out", "best.doc"), ".csv"),
        (("--url", "http://127.0.0.1:5000"), "one or the other"),
    ],
)
def test_what_is_given_wrongly_is_said_before_the_file_is_read(arguments: Sequence[str], message: str) -> None:
    refused = meantime("ask", "summary", "--question", "obesity", "--data", "absent.csv", *arguments)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert "absent.csv" not in refused.stderr


def test_inspect_says_what_is_in_a_file_and_what_could_not_be_read(table: Path) -> None:
    table.write_text(TABLE + "too,short\n" + f"{QUESTION},Utah,19.0,Total,Total,2022,2022\n", encoding="utf-8")
    shown = meantime("inspect", str(table), MEANTIME_REJECTED_LIMIT="0.5")
    assert shown.returncode == 0, shown.stderr
    for part in (QUESTION, "Alaska", "2020 to 2022", "line 9", "LocationDesc", "Sex: Female", "*", "lower"):
        assert part in shown.stdout, part


def test_inspect_shows_the_standards_and_breaks_that_a_table_declares(table: Path) -> None:
    table.with_name(f"{table.name}.toml").write_text(
        "[[breaks]]\nyear = 2021\nreason = 'moved to the web'\nsource = 'Report 7'\n"
        "[standards.ours]\nsource = 'Census 2021'\nweights = { Female = 51, Male = 49 }\n",
        encoding="utf-8",
    )
    shown = meantime("inspect", str(table))
    assert shown.returncode == 0, shown.stderr
    for part in ("ours: ours (Census 2021). Groups: Female and Male", "2021: moved to the web (Report 7)"):
        assert part in shown.stdout, part
    asked = ("--question", QUESTION, "-p", "standard=nobody", "-p", "category=Sex")
    answered = meantime("ask", "standardised", "--data", str(table), *asked)
    assert "There are: european_2013, us_2000, who_2000_2025, ours;" in answered.stderr


def test_a_sample_is_the_same_for_the_same_seed_and_says_that_it_is_synthetic(tmp_path: Path) -> None:
    one, two, truth = tmp_path / "one.csv", tmp_path / "two.csv", tmp_path / "truth.csv"
    assert meantime("sample", "--seed", "7", "--truth", str(truth), "--out", str(one)).returncode == 0
    assert meantime("sample", "--seed", "7", "--out", str(two)).returncode == 0
    assert one.read_bytes() == two.read_bytes()
    assert truth.stat().st_size > 0
    assert "SYNTHETIC" in meantime("inspect", str(one)).stdout


def test_a_sample_of_counties_has_as_many_places_as_its_rows_allow_and_the_country(tmp_path: Path) -> None:
    path = tmp_path / "counties.csv"
    assert meantime("sample", "--level", "county", "--rows", "20000", "--out", str(path)).returncode == 0
    assert "909: Alderbrook County, Alabama" in meantime("inspect", str(path)).stdout
    refused = meantime("sample", "--level", "state", "--rows", "200000", "--out", str(path))
    assert refused.returncode == 2
    assert "--level county, or --rows-per-cell 2" in refused.stderr


def test_a_sample_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("mine", encoding="utf-8")
    assert meantime("sample", "--rows", "5", "--out", str(kept)).returncode == 2
    assert kept.read_text(encoding="utf-8") == "mine"
    for out in (tmp_path, tmp_path / "absent" / "sample.csv"):
        refused = meantime("sample", "--out", str(out))
        assert refused.returncode == 2
        assert "Traceback" not in refused.stderr
    assert meantime("sample", "--out", str(kept), "--truth", str(kept)).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["kept.csv"]


def test_a_pipe_that_is_closed_early_is_no_failure(table: Path) -> None:
    command = f"set -o pipefail; {sys.executable} -m meantime inspect {table} | true"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=PATIENCE_S)  # noqa: S607
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_question_that_is_like_none_lists_what_there_is(table: Path) -> None:
    unknown = meantime("ask", "best5", "--question", "zebra", "--data", str(table))
    assert unknown.returncode == 2
    assert QUESTION in unknown.stderr


def test_a_plain_file_with_a_compressed_name_is_read(tmp_path: Path) -> None:
    data = tmp_path / "plain.csv.gz"
    data.write_text(TABLE, encoding="utf-8")
    assert meantime("inspect", str(data)).returncode == 0


def test_columns_by_hand_and_toml_next_to_the_data(tmp_path: Path) -> None:
    data = tmp_path / "own.csv"
    data.write_text("what;where;much\nSmoking;North;12,5\nSmoking;South;10,5\n", encoding="utf-8")
    missing = meantime("inspect", str(data))
    assert missing.returncode == 2
    for part in ("question", "location", "value", "what", "where", "much", "--column"):
        assert part in missing.stderr, part
    options = ["--column", "question=what", "--column", "location=where", "--column", "value=much"]
    command = meantime("ask", "states_mean", "--question", "smok", "--data", str(data), "--format", "csv", *options)
    assert command.returncode == 0, command.stderr
    assert [row["location"] for row in csv.DictReader(io.StringIO(command.stdout))] == ["South", "North"]
    refused = meantime("ask", "best5", "--question", "smok", "--data", str(data), *options)
    assert refused.returncode == 2
    (tmp_path / "own.csv.toml").write_text(
        '[columns]\nquestion = "what"\nlocation = "where"\nvalue = "much"\n[questions."Smoking"]\npolarity = "lower"\n',
        encoding="utf-8",
    )
    best = meantime("ask", "best5", "--question", "smok", "--data", str(data))
    assert best.returncode == 0, best.stderr


def test_counties_are_listed_so_that_each_is_seen_to_be_one(tmp_path: Path) -> None:
    data = tmp_path / "counties.csv"
    data.write_text("Measure,StateDesc,LocationName,Data_Value\nM,Utah,Cache,1\nM,Ohio,Lake,2\n", encoding="utf-8")
    assert "2: Cache, Utah; and Lake, Ohio" in meantime("inspect", str(data)).stdout


def test_two_columns_for_one_role_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "plain.csv"
    data.write_text(TABLE, encoding="utf-8")
    refused = meantime("inspect", str(data), "--column", "value=Data_Value", "--column", "value=Other")
    assert refused.returncode == 2
    assert "the role value has two columns, 'Data_Value' and 'Other'" in refused.stderr


@pytest.mark.parametrize("command", ["serve", "inspect"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "absent.csv"),
        (b"", "empty"),
        (b"Question,LocationDesc,Data_Value\n", "header"),
        (b"a,b\n1,2\n", "--column"),
        (b"Question,LocationDesc,Data_Value,Data_Value\nq,l,1,2\n", "Data_Value"),
    ],
    ids=["absent", "empty", "header only", "missing roles", "repeated header"],
)
def test_a_bad_file_is_one_clear_message_and_exit_2(
    command: str, content: bytes | None, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "absent.csv"
    if content is not None:
        path = tmp_path / "bad.csv"
        path.write_bytes(content)
    ended = meantime(command, str(path), MEANTIME_PORT="0", MEANTIME_STATE_DIR=str(tmp_path / "state"))
    assert ended.returncode == 2, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_bad_settings_name_the_setting_the_value_and_what_is_expected(table: Path) -> None:
    ended = meantime("serve", str(table), "--port", "http")
    assert ended.returncode == 2
    assert "port is 'http' (from --port)" in ended.stderr


def test_a_command_as_a_process_prints_and_ends_as_in_this_one(table: Path) -> None:
    for words in (("--version",), ("inspect", str(table)), ("serve", str(table), "--port", "http")):
        here, there = meantime(*words), meantime_process(*words)
        assert (there.returncode, there.stdout, there.stderr) == (here.returncode, here.stdout, here.stderr)


def test_a_result_is_verified_against_its_file(table: Path, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    command = meantime("ask", "states_mean", "--question", "obes", "--data", str(table), "--format", "json")
    result.write_text(command.stdout)
    same = meantime("verify", str(result), "--data", f"another-name={table}")
    assert (same.returncode, same.stdout.strip().startswith("The same")) == (0, True)
    result.write_text(command.stdout.replace('"count":', '"count":1'))
    differs = meantime("verify", str(result), "--data", str(table))
    assert differs.returncode == 1
    assert "The first difference is rows/0/count: " in differs.stdout
    other = tmp_path / "other.csv"
    other.write_text("Question,LocationDesc,Data_Value\nQ,Utah,1\n")
    elsewhere = meantime("verify", str(result), "--data", str(other))
    assert elsewhere.returncode == 2
    assert "other data" in elsewhere.stdout
