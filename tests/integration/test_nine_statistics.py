"""Files become snapshots, and the nine statistics over them equal a computation that shares no code with ours."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from meantime.compute.local import LocalCompute
from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.source import Source
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.errors import Problem, RequestInvalid
from meantime.model import Request, Unwatched
from tests.support.real_data import BY_SEX, SUBSET, real_file
from tests.support.recompute import OF_ALL, OF_STATE, Fact, answer, assert_same, read

CDC = ("Question", "LocationDesc", "StratificationCategory1", "Stratification1", "Data_Value")

# Ties (North and South, and three ways to write ten), withheld values of three kinds, a location without any value
# (East), rows without a category, a category without a stratum, a question with a region that no other has, and one
# without any value.
OWN = '''\
Indicator;Region;Breakdown;Group;Percentage
Bad teeth;North;Total;Total;10.0
Bad teeth;South;Total;Total;10.00
Bad teeth;South;Sex;Men;1e1
Bad teeth;East;Sex;Men;*
Bad teeth;East;Sex;Women;<5
Bad teeth;East;Total;Total;*
Bad teeth;West;;;33.3
Bad teeth;West;Age;;33.4
Bad teeth;West;Total;Total;
Bad teeth;"St. John's, ""The Rock""";Sex;Women;-1.25
Bad teeth;Åland;;;12.34567890123
Hours of sleep;North;Total;Total;7.5
Hours of sleep;National;Total;Total;8
Never answered;North;Total;Total;N/A
'''
OWN_COLUMNS = ("Indicator", "Region", "Breakdown", "Group", "Percentage")
OWN_DESCRIPTION = '[questions."Bad teeth"]\npolarity = "lower"\nunit = "percent"\n'

GOOD = ("achieve at least", "engage in muscle-strengthening")


@dataclass(frozen=True)
class Loaded:
    """A file twice: as the project reads it, and as csv does."""

    snapshot: Snapshot
    facts: list[Fact]
    polarity: dict[str, str]

    def ask(self, statistic: str, question: str, state: str | None = None) -> Any:
        parameters = {"question": question} | ({"state": state} if state is not None else {})
        request = Request(
            dataset="data", statistic=statistic, parameters=parameters, fingerprint=self.snapshot.fingerprint
        )
        return json.loads(LocalCompute(_Only(self.snapshot)).compute(request, Unwatched()).body)

    def refusal(self, statistic: str, question: str, state: str | None = None) -> Problem:
        with pytest.raises(RequestInvalid) as caught:
            self.ask(statistic, question, state)
        [problem] = caught.value.problems
        return problem

    def pairs(self) -> Iterator[tuple[str, str, int, int]]:
        """Every question and location there is, with how many rows have a value, and how many are withheld."""
        counts = Counter((fact.question, fact.location) for fact in self.facts if fact.value is not None)
        withheld = Counter((fact.question, fact.location) for fact in self.facts if fact.value is None)
        for question in {fact.question for fact in self.facts}:
            for location in {fact.location for fact in self.facts}:
                yield question, location, counts[question, location], withheld[question, location]

    @cached_property
    def by_question(self) -> dict[str, list[Fact]]:
        questions: dict[str, list[Fact]] = {}
        for fact in self.facts:
            questions.setdefault(fact.question, []).append(fact)
        return questions

    def answerable(self) -> list[str]:
        return sorted({fact.question for fact in self.facts if fact.value is not None})


@dataclass(frozen=True)
class _Only:
    _snapshot: Snapshot

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        assert (name, fingerprint) == ("data", self._snapshot.fingerprint)
        return self._snapshot


@pytest.fixture(scope="session", params=["subset", pytest.param("by-sex", marks=pytest.mark.thorough), "own"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Each file, loaded once."""
    folder = tmp_path_factory.mktemp(request.param)
    match request.param:
        case "own":
            path = folder / "own.csv"
            path.write_text(OWN, encoding="utf-8")
            (folder / "own.csv.toml").write_text(OWN_DESCRIPTION, encoding="utf-8")
            roles = ("question", "location", "category", "stratum", "value")
            facts = read(path, OWN_COLUMNS, delimiter=";")
            source = Source(name="own", path=str(path), columns=dict(zip(roles, OWN_COLUMNS, strict=True)))
            polarity = {"Bad teeth": "lower"}
        case "subset":
            source, facts, polarity = _of_the_cdc(SUBSET)
        case _:
            source, facts, polarity = _of_the_cdc(BY_SEX)
    snapshot = DataIngestor(memory_mb=512, rejected_limit=0.05).ingest(source, folder / "snapshots")
    return Loaded(open_snapshot(snapshot), facts, polarity)


def _of_the_cdc(name: str) -> tuple[Source, list[Fact], dict[str, str]]:
    path = real_file(name)
    facts = read(path, CDC)
    questions = {fact.question for fact in facts}
    polarity = {text: "higher" if any(word in text for word in GOOD) else "lower" for text in questions}
    return Source(name="cdc", path=str(path)), facts, polarity


def test_every_row_is_there(loaded: Loaded) -> None:
    labels = loaded.snapshot.cube.labels
    assert loaded.snapshot.cube.rows == len(loaded.facts)
    assert list(labels.questions) == sorted({fact.question for fact in loaded.facts})
    assert list(labels.locations) == sorted({fact.location for fact in loaded.facts})
    withheld = sum(fact.value is None for fact in loaded.facts)
    assert sum(loaded.snapshot.cube.withheld_by_reason().values()) == withheld


@pytest.mark.parametrize("statistic", OF_ALL)
def test_it_equals_the_independent_computation_for_every_question(loaded: Loaded, statistic: str) -> None:
    asked_count = 0
    for question in loaded.answerable():
        if statistic in ("best5", "worst5") and question not in loaded.polarity:
            assert loaded.refusal(statistic, question).code == "no-polarity"
            continue
        is_lower_better = loaded.polarity.get(question) == "lower"
        expected = answer(loaded.facts, statistic, question, is_lower_better=is_lower_better)
        assert_same(loaded.ask(statistic, question), expected)
        asked_count += 1
    assert asked_count


@pytest.mark.parametrize("statistic", OF_STATE)
def test_it_equals_the_independent_computation_for_every_question_and_state(loaded: Loaded, statistic: str) -> None:
    for question, state, has_values, _ in loaded.pairs():
        if has_values:
            expected = answer(loaded.by_question[question], statistic, question, state=state)
            assert_same(loaded.ask(statistic, question, state), expected)


@pytest.mark.parametrize("statistic", OF_STATE)
def test_a_pair_without_a_value_is_refused_with_the_right_reason(loaded: Loaded, statistic: str) -> None:
    answerable = loaded.answerable()
    for question, state, has_values, withheld in loaded.pairs():
        if has_values or question not in answerable:
            continue
        problem = loaded.refusal(statistic, question, state)
        assert problem.pointer == "/state"
        assert problem.code == ("withheld" if withheld else "absent")
        if withheld:
            rows = "its only row there is" if withheld == 1 else f"all {withheld} rows there are"
            assert f"{rows} withheld" in problem.detail


@pytest.mark.parametrize("statistic", [*OF_ALL, *OF_STATE])
def test_a_question_without_any_value_is_refused(loaded: Loaded, statistic: str) -> None:
    without = {fact.question for fact in loaded.facts} - set(loaded.answerable())
    for question in without:
        rows = sum(fact.question == question for fact in loaded.facts)
        with pytest.raises(RequestInvalid) as caught:
            loaded.ask(statistic, question, "North")
        codes = [problem.code for problem in caught.value.problems]
        assert codes[-1] == "withheld"
        assert ("its only row" if rows == 1 else f"all {rows} rows") in caught.value.reason


@pytest.mark.parametrize("loaded", ["own"], indirect=True, scope="session")
def test_a_refusal_says_what_the_file_has_in_place_of_a_value(loaded: Loaded) -> None:
    detail = loaded.refusal("state_mean", "Bad teeth", "East").detail
    assert detail.endswith('all 3 rows there are withheld (2 × "*", 1 × "<5").')
    assert loaded.refusal("state_mean", "Hours of sleep", "West").code == "absent"
    assert loaded.refusal("global_mean", "Never answered").detail.endswith('its only row is withheld (1 × "N/A").')


def test_units_are_those_of_the_questions(loaded: Loaded) -> None:
    units = {question.text: question.unit for question in loaded.snapshot.about.questions}
    assert {units[text] for text in loaded.polarity} == {"percent"}
