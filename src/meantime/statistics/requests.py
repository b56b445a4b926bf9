"""The one check of what is asked: pure, quick on good input, and with all problems at once on bad.

The web calls it before a job exists, compute calls it again for jobs that were accepted while the data set was loading.
It runs in the event loop of the web, so whatever is sent and however many names there are, its work is bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from unicodedata import category

import msgspec
from rapidfuzz import fuzz, process

from meantime.dataset.cube import Cube
from meantime.dataset.snapshot import Snapshot
from meantime.model import Problem
from meantime.statistics.registry import STATISTICS, Statistic

Problems = tuple[Problem, ...]

# What was sent is said again in the reason, so that its sender knows it; a megabyte of it would help nobody.
_ECHOED_CHARACTERS = 200
# Longer than any question of the CDC (246), so that a full question text is always compared in full.
_COMPARED_CHARACTERS = 300
# Names are compared with care (letters moved, words missing, words in another order) only so many at a time: 22 us each
# at worst, 4 ms for all. Of more, the nearest by plain edit distance on the first characters: 10 ms at worst.
_COMPARED_WITH_CARE = 200
_COMPARED_AT_ALL = 20_000
_COMPARED_CHARACTERS_OF_MANY = 100
# Similarity from which a name may be what was meant. "obesety" has 51 with the question about obesity, which is 60
# characters long; what has nothing to do with each other stays below 45.
_SIMILAR_FROM = 50
# More would be a list to read, not a hint.
_CLOSEST = 3
# Reasons for withholding are the file's own text, and there may be as many as rows.
_REASONS_TOLD = 3
# Control characters, surrogates, separators of lines and paragraphs.
_NOT_SHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def check(name: str, raw: Mapping[str, object], snapshot: Snapshot | None) -> msgspec.Struct | Problems:
    """Return the parameters of a statistic if they can be answered, else everything that is wrong with them.

    Keys that the statistic does not know are ignored. Without a snapshot only the form is checked.

    >>> from meantime.dataset import example
    >>> def asked(name, **raw):
    ...     return check(name, raw, example.snapshot())
    >>> asked("states_mean", question=example.BREAKFAST)
    OfQuestion(question='Percent of adults who skip breakfast')
    >>> for problem in asked("state_mean", question="skip brekfast", state=7):
    ...     print(problem.pointer, problem.code, problem.closest)
    /question unknown ('Percent of adults who skip breakfast',)
    /state type ()

    What has nothing but withheld values is refused, and what has no row at all:

    >>> asked("global_mean", question=example.NAPS)[0].detail
    'The question "Percent of adults who nap" has no value: its only row is withheld (1 × "~").'
    >>> print(asked("state_mean", question=example.BREAKFAST, state="Dorado")[0].detail.partition(": ")[2])
    its only row there is withheld (1 × "~").
    >>> asked("state_mean", question=example.TEA, state="Dorado")[0].code
    'absent'
    >>> asked("best5", question=example.TEA)[0].code
    'no-polarity'
    """
    statistic = STATISTICS.get(name)
    if statistic is None:
        return (_unknown_statistic(name),)
    parameters = _read(statistic, raw)
    problems = [*parameters] if isinstance(parameters, tuple) else []
    if snapshot is not None:
        problems += _against(snapshot, statistic, raw)
    if isinstance(parameters, tuple) or problems:
        pointers = [f"/{field}" for field in statistic.parameters.__struct_fields__]
        return tuple(sorted(problems, key=lambda problem: pointers.index(problem.pointer)))
    return parameters


def closest(name: str, among: Sequence[str]) -> tuple[str, ...]:
    """Return the up to three names that may have been meant, best first.

    Of more than 20,000 names, only those are compared that stand nearest by alphabet (if sorted, as labels are).

    >>> closest("uta", ["Iowa", "Utah", "Ohio"])
    ('Utah',)
    >>> closest("", ["Utah"])
    ()
    """
    name = name[:_COMPARED_CHARACTERS]
    if len(among) > _COMPARED_AT_ALL:
        behind = min(bisect_left(among, name) + _COMPARED_AT_ALL // 2, len(among))
        among = among[max(behind - _COMPARED_AT_ALL, 0) : behind]
    if len(among) > _COMPARED_WITH_CARE:
        among = _nearest_spelt(name, among)
    found = process.extract(
        name, among, scorer=fuzz.WRatio, processor=_comparable, limit=_CLOSEST, score_cutoff=_SIMILAR_FROM
    )
    return tuple(match for match, _, _ in found)


def find(words: str, among: Sequence[str]) -> tuple[str, ...]:
    """Return all names that contain every word, whatever the case; a name that is exactly what was given wins alone.

    >>> find("virginia", ["Virginia", "West Virginia"])
    ('Virginia',)
    >>> find("VIRGIN", ["Virgin Islands", "Virginia", "West Virginia"])
    ('Virgin Islands', 'Virginia', 'West Virginia')
    >>> find("obesity 65", ["Percent with obesity", "Percent of those over 65 with obesity"])
    ('Percent of those over 65 with obesity',)
    """
    if words in among:
        return (words,)
    folded = words.strip().casefold()
    exact = tuple(name for name in among if name.casefold() == folded)
    if len(exact) == 1:
        return exact
    wanted = folded.split()
    return tuple(name for name in among if all(word in name.casefold() for word in wanted))


def _nearest_spelt(name: str, among: Sequence[str]) -> list[str]:
    found = process.extract(
        name[:_COMPARED_CHARACTERS_OF_MANY],
        among,
        scorer=fuzz.ratio,
        processor=lambda text: text[:_COMPARED_CHARACTERS_OF_MANY].casefold(),
        limit=_COMPARED_WITH_CARE,
    )
    return [match for match, _, _ in found]


def _comparable(text: str) -> str:
    return text[:_COMPARED_CHARACTERS].casefold()


def _unknown_statistic(name: str) -> Problem:
    near = closest(name, tuple(STATISTICS))
    return Problem(
        pointer="",
        code="unknown-statistic",
        detail=f"There is no statistic {_quoted(name)}. {_suggestion(near)}There are: {', '.join(STATISTICS)}.",
        closest=near,
    )


@cache
def _fields(parameters: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(parameters)


def _read(statistic: Statistic, raw: Mapping[str, object]) -> msgspec.Struct | Problems:
    """Make the parameters field by field, since converting the whole would stop at the first problem."""
    given: dict[str, Any] = {}
    problems = []
    for field in _fields(statistic.parameters):
        if field.name not in raw:
            if field.required:
                problems.append(_missing(statistic, field.name))
            continue
        try:
            given[field.name] = msgspec.convert(raw[field.name], field.type)
        except msgspec.ValidationError as error:
            problems.append(_of_wrong_type(field, raw[field.name], error))
    return tuple(problems) if problems else statistic.parameters(**given)


def _missing(statistic: Statistic, field: str) -> Problem:
    needed = " and ".join(f'"{each.name}"' for each in _fields(statistic.parameters) if each.required)
    return Problem(
        pointer=f"/{field}",
        code="missing",
        detail=f'"{field}" is missing: {statistic.name} is asked with a JSON object that has {needed}.',
    )


def _of_wrong_type(field: msgspec.structs.FieldInfo, value: object, error: msgspec.ValidationError) -> Problem:
    what = f"must be a text, not {_kind(value)}" if field.type is str else f"has the wrong form: {error}"
    return Problem(pointer=f"/{field.name}", code="type", detail=f'"{field.name}" {what}.')


def _kind(value: object) -> str:
    # The order matters: to Python, true is a number.
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        ((int, float), "a number"),
        (Mapping, "an object"),
        ((list, tuple), "a list"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def _against(snapshot: Snapshot, statistic: Statistic, raw: Mapping[str, object]) -> list[Problem]:
    """Check question and state against what the snapshot has; those of the wrong type are passed over."""
    cube = snapshot.cube
    problems = []
    question = state = None
    fields = statistic.parameters.__struct_fields__
    if "question" in fields and isinstance(named := raw.get("question"), str):
        question = cube.question_codes.get(named)
        if question is None:
            problems.append(_unknown("question", named, cube.labels.questions))
        else:
            problems += _of_question(snapshot, statistic, question)
    if "state" in fields and isinstance(named := raw.get("state"), str):
        state = cube.location_codes.get(named)
        if state is None:
            problems.append(_unknown("state", named, cube.labels.locations))
    if question is not None and state is not None and not problems:
        problems += _of_pair(cube, question, state)
    return problems


def _unknown(parameter: str, named: str, known: tuple[str, ...]) -> Problem:
    near = closest(named, known)
    hint = _suggestion(near) or f"It has {len(known):,}, for example {_quoted(known[0])}. " if known else ""
    return Problem(
        pointer=f"/{parameter}",
        code="unknown",
        detail=f"The data set has no {parameter} {_quoted(named)}. {hint}".rstrip(),
        closest=near,
    )


def _of_question(snapshot: Snapshot, statistic: Statistic, question: int) -> list[Problem]:
    about = snapshot.about.questions[question]
    problems = []
    if statistic.needs_polarity and about.polarity is None:
        detail = (
            f"Whether a low or a high value is good is not known for the question {_quoted(about.text)}, so it has no "
            "best and no worst. Whoever has the file can say it in the TOML beside it; states_mean needs no such word."
        )
        problems.append(Problem(pointer="/question", code="no-polarity", detail=detail))
    moments = snapshot.cube.by_question.moments
    if not moments.count[question]:
        starts = snapshot.cube.starts
        why = _withheld(snapshot.cube, int(starts[question]), int(starts[question + 1]), "")
        detail = f"The question {_quoted(about.text)} has no value: {why}"
        problems.append(Problem(pointer="/question", code="withheld", detail=detail))
    return problems


def _of_pair(cube: Cube, question: int, state: int) -> list[Problem]:
    text, location = _quoted(cube.labels.questions[question]), _quoted(cube.labels.locations[state])
    entries = cube.by_location.of(question)
    codes = cube.by_location.keys
    place = bisect_left(range(entries.stop), state, lo=entries.start, key=lambda entry: int(codes[entry, 1]))
    if place == entries.stop or codes[place, 1] != state:
        detail = (
            f"The question {text} has no row for {location}: it is absent there. "
            "states_mean gives the states that have a value."
        )
        return [Problem(pointer="/state", code="absent", detail=detail)]
    if cube.by_location.moments.count[place]:
        return []
    first, behind = _cells_of(cube, question, state)
    detail = f"The question {text} has no value for {location}: {_withheld(cube, first, behind, ' there')}"
    return [Problem(pointer="/state", code="withheld", detail=detail)]


def _cells_of(cube: Cube, question: int, state: int) -> tuple[int, int]:
    start, stop = int(cube.starts[question]), int(cube.starts[question + 1])

    def location_at(cell: int) -> int:
        return int(cube.cells.keys[cell, 1])

    first = bisect_left(range(stop), state, lo=start, key=location_at)
    return first, bisect_left(range(stop), state + 1, lo=first, key=location_at)


def _withheld(cube: Cube, first: int, behind: int, where: str) -> str:
    """Say how many rows of some neighbouring cells, all of them withheld, there are, and why."""
    cells = cube.cells
    # Entries are in the order of their cells.
    start, stop = cells.withheld_cell.searchsorted([first, behind]).tolist()
    counts: Counter[int] = Counter()
    reasons, rows = cells.withheld_reason[start:stop].tolist(), cells.withheld_count[start:stop].tolist()
    for reason, count in zip(reasons, rows, strict=True):
        counts[reason] += count
    total = counts.total()
    # By name where as frequent: the codes are in the order of the names.
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count:,} × {_quoted(cube.labels.reasons[reason])}" for reason, count in ranked[:_REASONS_TOLD]]
    if len(ranked) > _REASONS_TOLD:
        told.append(f"{len(ranked) - _REASONS_TOLD:,} reasons more")
    what = f"its only row{where} is" if total == 1 else f"all {total:,} rows{where} are"
    return f"{what} withheld ({', '.join(told)})."


def _suggestion(near: tuple[str, ...]) -> str:
    if not near:
        return ""
    return f"Did you mean {' or '.join(_quoted(name, _COMPARED_CHARACTERS) for name in near)}? "


def _quoted(text: str, characters: int = _ECHOED_CHARACTERS) -> str:
    """Put in quotation marks, cut, and without what would break a line of the log or could not be written as UTF-8."""
    shown = "".join("\N{REPLACEMENT CHARACTER}" if category(each) in _NOT_SHOWN else each for each in text[:characters])
    return f'"{shown}…"' if len(text) > characters else f'"{shown}"'
