"""The only check of requests: pure, fast for valid ones, and with all problems at once for others.

What it returns is prepared, and the answer is computed from that. The web calls it before there is a job, and hands
over what was prepared to the worker, which checks the request itself if that is gone: a result depends on snapshot and
request alone. ``check_names`` runs in the event loop of the web, so
whatever is sent and however many names there are, its work is bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from meantime.dataset.cube import Cells, Cube
from meantime.dataset.facts.classic_polarity import classic_polarity
from meantime.dataset.facts.geography import for_locations
from meantime.dataset.snapshot import Snapshot
from meantime.did_you_mean import closest, suggestion
from meantime.errors import Problem, RequestInvalid
from meantime.statistics.asked_names import as_in_table, as_parameters
from meantime.statistics.cost import Cost, CostLimit, in_words
from meantime.statistics.parameters import Leaf, Names, capped, leaves, naming, period_of, period_text, read
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyPrepared, AnyStatistic
from meantime.text import listed, quoted

__all__ = ["Named", "check", "check_form", "check_job", "check_names", "closest", "prepared_job"]

# Reasons for withholding are the file's own text, and there may be as many as rows.
_REASONS_TOLD = 3
# More names than these are counted.
_NAMED = 2


def check(
    name: str,
    raw: Mapping[str, object],
    snapshot: Snapshot,
    *,
    refuse_unknown: bool = False,
    by_words: bool = False,
    limit: CostLimit | None = None,
) -> AnyPrepared:
    """Return a request that can be answered, with its cells selected.

    Keys that the statistic does not know are ignored, as the classic API promises, or refused. ``by_words``: names are
    found as people write them (``asked_names``), which the classic API does not do. With a limit, that of
    jobs, what costs more is refused; what is seen to cost more by the number of its cells, before they are selected.

    >>> from meantime.dataset.samples import example
    >>> check("states_mean", {"question": example.BREAKFAST}, example.snapshot()).parameters
    OfQuestion(question='Percent of adults who skip breakfast')
    >>> def wrong(name, **raw):
    ...     try:
    ...         check(name, raw, example.snapshot())
    ...     except RequestInvalid as invalid:
    ...         return invalid.problems
    >>> for problem in wrong("state_mean", question="skip brekfast", state=7):
    ...     print(problem.pointer, problem.code, problem.closest)
    /question unknown ('Percent of adults who skip breakfast',)
    /state type ()

    What has nothing but withheld values is refused, and what has no row at all:

    >>> wrong("global_mean", question=example.NAPS)[0].detail
    'The question "Percent of adults who nap" has no value: its only row is withheld (1 × "~").'
    >>> print(wrong("state_mean", question=example.BREAKFAST, state="Dorado")[0].detail.partition(": ")[2])
    its only row there is withheld (1 × "~").
    >>> wrong("state_mean", question=example.TEA, state="Dorado")[0].code
    'absent'
    >>> wrong("best5", question=example.TEA)[0].code
    'no-polarity'

    Raises:
        RequestInvalid: it cannot be answered; carries everything that is wrong with it.
    """
    named = check_names(name, raw, snapshot, refuse_unknown=refuse_unknown, by_words=by_words)
    if limit is None:
        return named.prepared()
    _require_affordable(name, named.least_cost, limit)
    prepared = named.prepared()
    _require_affordable(name, prepared.cost, limit)
    return prepared


def check_job(
    name: str,
    raw: Mapping[str, object],
    snapshot: Snapshot,
    *,
    refuse_unknown: bool = False,
    by_words: bool = False,
    limit: CostLimit | None = None,
) -> dict[str, Any]:
    """Check a request that becomes a job, as ``check`` does, and return its parameters as the job keeps them.

    What was prepared is handed over to ``prepared_job``.
    """
    prepared = check(name, raw, snapshot, refuse_unknown=refuse_unknown, by_words=by_words, limit=limit)
    parameters: dict[str, Any] = msgspec.to_builtins(prepared.parameters)
    snapshot.handover.keep(_job_key(name, parameters), prepared, cells=prepared.cost.searched)
    return parameters


def prepared_job(
    name: str, parameters: Mapping[str, object], snapshot: Snapshot, *, by_words: bool, limit: CostLimit
) -> AnyPrepared:
    """Return the request of a job, prepared when it was accepted, or now.

    Raises:
        RequestInvalid: it costs more than a job may, or, if it was accepted in its form only, cannot be answered.
    """
    prepared = cast("AnyPrepared | None", snapshot.handover.take(_job_key(name, parameters)))
    if prepared is None:
        return check(name, parameters, snapshot, by_words=by_words, limit=limit)
    _require_affordable(name, prepared.cost, limit)
    return prepared


def _job_key(name: str, parameters: Mapping[str, object]) -> tuple[str, bytes]:
    return name, msgspec.json.encode(parameters)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Named:
    """A request whose names the snapshot has; its cells are not selected yet."""

    statistic: AnyStatistic
    snapshot: Snapshot
    parameters: msgspec.Struct

    @property
    def least_cost(self) -> Cost:
        """What the answer costs at least. It is known at once, where ``Prepared.cost`` needs the cells selected."""
        return Cost(searched=self.statistic.searched(self.snapshot, self.parameters))

    @property
    def expected_cost(self) -> Cost:
        """About what the answer costs at least, known at once: ``least_cost``, and a row for each of many locations."""
        return self.statistic.expected_cost(self.snapshot, self.parameters)

    def prepared(self) -> AnyPrepared:
        """Select the cells, in a time that grows with those of the question.

        Raises:
            RequestInvalid: it cannot be answered; carries everything that is wrong with it.
        """
        try:
            return self.statistic.prepared(self.snapshot, self.parameters)
        except RequestInvalid as invalid:
            raise _refusal(invalid.problems, self.statistic) from invalid


def check_names(
    name: str, raw: Mapping[str, object], snapshot: Snapshot, *, refuse_unknown: bool = False, by_words: bool = False
) -> Named:
    """Check a request without selecting its cells, which takes no longer for many cells than for few.

    Raises:
        RequestInvalid: it cannot be answered; carries everything that can be seen without the cells.
    """
    statistic = _statistic(name)
    parameters = _parameters(statistic, raw, snapshot, refuse_unknown=refuse_unknown, by_words=by_words)
    return Named(statistic=statistic, snapshot=snapshot, parameters=parameters)


def check_form(
    name: str, raw: Mapping[str, object], *, refuse_unknown: bool = False, by_words: bool = False
) -> msgspec.Struct:
    """Check the form of a request whose data are not loaded yet, and return its parameters.

    >>> check_form("best5", {"question": "whatever it may be"})
    OfQuestion(question='whatever it may be')
    >>> check_form("best5", {"question": "", "questoin": ""}, refuse_unknown=True)
    Traceback (most recent call last):
    meantime.errors.requests.RequestInvalid: best5 has no parameter "questoin". Did you mean "question"?

    Raises:
        RequestInvalid: it cannot be answered, whatever the data are; carries everything that is wrong with it.
    """
    statistic = _statistic(name)
    parameters = _parameters(statistic, raw, None, refuse_unknown=refuse_unknown, by_words=by_words)
    if problems := tuple(statistic.check_form(parameters)):
        raise _refusal(problems, statistic)
    return parameters


def _require_affordable(statistic: str, cost: Cost, limit: CostLimit) -> None:
    if not limit.allows(cost):
        detail = (
            f"{in_words(statistic, cost)} A job is limited to {limit}. Ask for fewer locations, groups or years, or "
            "have the settings job_cost_s and job_size_mb raised."
        )
        raise RequestInvalid(detail, problems=(Problem(pointer="", code="too-large", detail=detail),))


def _statistic(name: str) -> AnyStatistic:
    if (statistic := STATISTICS.get(name)) is None:
        problem = _unknown_statistic(name)
        raise RequestInvalid(problem.detail, problems=(problem,))
    return statistic


def _parameters(
    statistic: AnyStatistic,
    raw: Mapping[str, object],
    snapshot: Snapshot | None,
    *,
    refuse_unknown: bool,
    by_words: bool,
) -> msgspec.Struct:
    """Read the parameters, and check each name among them against the snapshot."""
    if by_words:
        raw = as_parameters(statistic.parameters, raw)
    values, problems = read(statistic.name, statistic.parameters, raw, refuse_unknown=refuse_unknown)
    if snapshot is not None:
        ambiguous: list[Problem] = []
        if by_words:
            values, ambiguous = as_in_table(snapshot, _not_there(snapshot, statistic, values), values)
        problems += [*ambiguous, *_against(snapshot, statistic, values, {each.pointer for each in ambiguous})]
    if not problems:
        parameters: msgspec.Struct = statistic.parameters(**values)
        problems = _columns(statistic, parameters)
    if problems:
        raise _refusal(problems, statistic)
    return parameters


def _refusal(problems: Sequence[Problem], statistic: AnyStatistic) -> RequestInvalid:
    ordered = _in_order(problems, statistic)
    return RequestInvalid(" ".join(problem.detail for problem in ordered), problems=ordered)


def _in_order(problems: Sequence[Problem], statistic: AnyStatistic) -> tuple[Problem, ...]:
    """Sort problems by parameter; those without one come last."""
    index = {field: number for number, field in enumerate(statistic.parameters.__struct_fields__)}

    def rank(problem: Problem) -> int:
        field = problem.pointer[1:].partition("/")[0]
        return index.get(field, len(index))

    return tuple(sorted(problems, key=rank))


def _unknown_statistic(name: str) -> Problem:
    near = closest(name, tuple(STATISTICS))
    return Problem(
        pointer="",
        code="unknown-statistic",
        detail=f"There is no statistic {quoted(name)}. {suggestion(near)}There are: {', '.join(STATISTICS)}.",
        closest=near,
    )


def _not_there(snapshot: Snapshot, statistic: AnyStatistic, values: Mapping[str, Any]) -> list[Leaf]:
    """Return the names that the table does not have as they are written."""
    # Not checked here, since words such as "all" may stand for names.
    locations = values.get("locations") or ()
    words = {"all", *for_locations(snapshot.cube.labels.locations).sets} if len(locations) == 1 else set()
    of_locations = [
        Leaf(Names.LOCATION, text, f"/locations/{at}") for at, text in enumerate(locations) if text not in words
    ]
    return [leaf for leaf in (*leaves(statistic.parameters, values), *of_locations) if not _is_there(snapshot, leaf)]


def _against(
    snapshot: Snapshot, statistic: AnyStatistic, values: Mapping[str, Any], ambiguous: set[str]
) -> list[Problem]:
    """Check all names against the snapshot but the ambiguous ones; values of the wrong form are skipped."""
    named_in = leaves(statistic.parameters, values)
    unknown = [leaf for leaf in named_in if leaf.pointer not in ambiguous and not _is_there(snapshot, leaf)]
    problems = list(capped((_unknown(leaf, snapshot) for leaf in unknown), ""))
    pointers = {leaf.pointer for leaf in unknown} | ambiguous
    cube = snapshot.cube

    def named(names: Names) -> tuple[str, str] | None:
        field = naming(statistic.parameters, names)
        if field is None or values.get(field) is None or f"/{field}" in pointers:
            return None
        return f"/{field}", values[field]

    question, location = named(Names.QUESTION), named(Names.LOCATION)
    if question is not None:
        problems += _of_question(snapshot, statistic, cube.question_codes[question[1]], question[0])
    if question is not None and location is not None and not problems:
        codes = cube.question_codes[question[1]], cube.location_codes[location[1]]
        problems += _of_pair(cube, *codes, location[0])
    return problems


def _is_there(snapshot: Snapshot, leaf: Leaf) -> bool:
    cube = snapshot.cube
    match leaf.names:
        case Names.QUESTION:
            return leaf.text in cube.question_codes
        case Names.LOCATION:
            return leaf.text in cube.location_codes
        case Names.CATEGORY | Names.STRATUM:
            return not leaf.text or _has(_known(snapshot, leaf.names), leaf.text)
        case Names.PERIOD:
            wanted = period_of(leaf.text)
            return any(wanted.first <= first and last <= wanted.last for first, last in cube.labels.periods)
        case _:  # a column is the answer's, and not the snapshot's
            return True


def _has(labels: Sequence[str], text: str) -> bool:
    """Whether sorted labels have this one."""
    index = bisect_left(labels, text)
    return index < len(labels) and labels[index] == text


def _known(snapshot: Snapshot, names: Names) -> Sequence[str]:
    labels = snapshot.cube.labels
    match names:
        case Names.QUESTION:
            return labels.questions
        case Names.LOCATION:
            return labels.locations
        case Names.CATEGORY:
            return labels.categories
        case Names.STRATUM:
            return labels.strata
        case _:
            return tuple(period_text(period) for period in labels.periods)


def _columns(statistic: AnyStatistic, parameters: msgspec.Struct) -> list[Problem]:
    """Check the columns that are named against those that the answer will have."""
    values = {name: getattr(parameters, name) for name in parameters.__struct_fields__}
    named = [leaf for leaf in leaves(statistic.parameters, values) if leaf.names is Names.COLUMN]
    if not named:
        return []
    columns = tuple(column.name for column in statistic.columns_of(parameters))
    unknown = (leaf for leaf in named if leaf.text.removeprefix("-") not in columns)
    return list(capped((_no_column(leaf, columns) for leaf in unknown), ""))


def _no_column(leaf: Leaf, columns: tuple[str, ...]) -> Problem:
    near = closest(leaf.text.removeprefix("-"), columns)
    return Problem(
        pointer=leaf.pointer,
        code="unknown",
        detail=f"The answer has no column {quoted(leaf.text.removeprefix('-'))}. {suggestion(near)}It has "
        f"{', '.join(columns)}.",
        closest=near,
    )


def _unknown(leaf: Leaf, snapshot: Snapshot) -> Problem:
    known = _known(snapshot, leaf.names)
    near = closest(leaf.text, known)
    hint = suggestion(near) or (f"It has {_some(known)}. " if known else "")
    parameter = leaf.pointer.split("/")[1]
    # What alike_of, reference or other name is known by what it is; the classic API says state.
    what = parameter if parameter == "state" else leaf.names
    return Problem(
        pointer=leaf.pointer,
        code="unknown",
        detail=f"The data set has no {what} {quoted(leaf.text)}. {hint}".rstrip(),
        closest=near,
    )


def _some(names: Sequence[str]) -> str:
    """Name two, or say how many there are, with an example."""
    if len(names) > _NAMED:
        return f"{len(names):,}, for example {quoted(names[0])}"
    return listed(map(quoted, names))


def _of_question(snapshot: Snapshot, statistic: AnyStatistic, question: int, pointer: str) -> list[Problem]:
    about = snapshot.about.questions[question]
    problems = []
    if statistic.needs_polarity and classic_polarity(about) is None:
        detail = (
            f"Is a low or a high value better for {quoted(about.text)}? Meantime does not know, and does not guess. "
            "Please set polarity for it in the TOML file next to the data, or use ranking with better=lower or "
            "better=higher; states_mean needs no direction."
        )
        problems.append(Problem(pointer=pointer, code="no-polarity", detail=detail))
    moments = snapshot.cube.by_question.moments
    if not moments.count[question]:
        why = _withheld(snapshot.cube, dict(snapshot.cube.outline(question).reasons), "")
        detail = f"The question {quoted(about.text)} has no value: {why}"
        problems.append(Problem(pointer=pointer, code="withheld", detail=detail))
    return problems


def _of_pair(cube: Cube, question: int, location: int, pointer: str) -> list[Problem]:
    text, place_name = quoted(cube.labels.questions[question]), quoted(cube.labels.locations[location])
    marginal = cube.block(question).by_location
    codes = marginal.keys
    index = bisect_left(range(len(codes)), location, key=lambda entry: int(codes[entry, 1]))
    if index == len(codes) or codes[index, 1] != location:
        detail = (
            f"The question {text} has no row for {place_name}: it is absent there. states_mean gives the states that "
            "have a value."
        )
        return [Problem(pointer=pointer, code="absent", detail=detail)]
    if marginal.moments.count[index]:
        return []
    reasons = _reasons_at(cube.block(question).cells, location)
    detail = f"The question {text} has no value for {place_name}: {_withheld(cube, reasons, ' there')}"
    return [Problem(pointer=pointer, code="withheld", detail=detail)]


def _reasons_at(cells: Cells, location: int) -> Counter[int]:
    """Count the withheld rows of a question at a location by reason."""

    def location_at(cell: int) -> int:
        return int(cells.keys[cell, 1])

    every = range(len(cells))
    first = bisect_left(every, location, key=location_at)
    stop = bisect_left(every, location + 1, lo=first, key=location_at)
    # Entries are in the order of their cells.
    start, end = cells.withheld_cell.searchsorted([first, stop]).tolist()
    counts: Counter[int] = Counter()
    reasons, rows = cells.withheld_reason[start:end].tolist(), cells.withheld_count[start:end].tolist()
    for reason, count in zip(reasons, rows, strict=True):
        counts[reason] += count
    return counts


def _withheld(cube: Cube, counts: Mapping[int, int], where: str) -> str:
    """Write how many rows are withheld, and why, where no row has a value."""
    total = sum(counts.values())
    # By name where as frequent: the codes are in the order of the names.
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    reasons = [f"{count:,} × {quoted(cube.labels.reasons[reason])}" for reason, count in ranked[:_REASONS_TOLD]]
    if len(ranked) > _REASONS_TOLD:
        reasons.append(f"{len(ranked) - _REASONS_TOLD:,} reasons more")
    what = f"its only row{where} is" if total == 1 else f"all {total:,} rows{where} are"
    return f"{what} withheld ({', '.join(reasons)})."
