"""A synthetic table in the CDC's schema, with truth known: for a first try, for load, and to validate statistics.

How a number comes about::

    truth     logit(p) = question's level and trend + location + stratum + location x stratum + location x year
    survey    n respondents, who say as much as n / design effect would if drawn at random
    estimate  Binomial(n / design effect, p), as a percent with one decimal
    limits    the estimate's 95 % interval on the logit scale, as the CDC's are

Estimates are drawn cell by cell: respondents of "Female" and "Male" are not those of "Total" again. Every cell is
therefore right by itself, and a sum over strata only about right. National is the exception: it is the pool of the
states and DC that are published in its cell, so its sample size is the sum of theirs, as in the real table.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from meantime.errors import SettingInvalid

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]  # bytes, ready to be joined

# What the column Datasource says in every row; by it a reader knows that nothing here is real.
SOURCE_NAME = "Synthetic (Meantime sample)"

# Below this the cells that every statistic needs do not fit: all years overall, and all strata of the last year.
LEAST_ROWS = 20_000
# About 35 GB of text; nothing in the writer stops there, but a slip of the finger should.
MOST_ROWS = 100_000_000

# The sample that is served where no file is named: large enough for every statistic, made in well under a second.
DEFAULT_ROWS = LEAST_ROWS
DEFAULT_SEED = 1

YEARS = tuple(range(2011, 2024))

# The CDC publishes no estimate from fewer respondents.
_LEAST_RESPONDENTS = 50
_WITHHELD_SYMBOL = "~"
_WITHHELD_FOOTNOTE = "Data not available because sample size is insufficient."

# Drawn and written at a time, with a random stream of its own, so that neither the bytes nor the memory depend on
# how many rows follow. A pass over all cells is a whole number of batches. Changing it changes every sample.
_GROUPS_IN_BATCH = 364

_Z95 = 1.959964

# Sizes of the random effects. A point is a percentage point; the others are on the logit scale.
_LOCATION_SD_POINTS = 3.0
_LOCATION_STRATUM_SD = 0.05
_LOCATION_YEAR_SD = 0.025
# Share of a location's effect that all its questions have in common (as a correlation).
_COMMON_BURDEN = 0.7
# Of sample sizes, as SD of their logarithm: from year to year; of a stratum's share, which varies most by race.
_RESPONDENTS_SD = 0.12
_SHARE_SD = 0.08
_RACE_SHARE_SD = 0.35
# The median of the CDC's table and the spread about it.
_DESIGN_EFFECT = 2.0
_DESIGN_EFFECT_SD = 0.23

_HEADER = (
    "YearStart",
    "YearEnd",
    "LocationAbbr",
    "LocationDesc",
    "Datasource",
    "Class",
    "Topic",
    "Question",
    "Data_Value_Unit",
    "Data_Value_Type",
    "Data_Value",
    "Data_Value_Alt",
    "Data_Value_Footnote_Symbol",
    "Data_Value_Footnote",
    "Low_Confidence_Limit",
    "High_Confidence_Limit ",  # the trailing space is the publisher's, and readers must cope with it
    "Sample_Size",
    "Total",
    "Age(years)",
    "Education",
    "Gender",
    "Income",
    "Race/Ethnicity",
    "GeoLocation",
    "ClassID",
    "TopicID",
    "QuestionID",
    "DataValueTypeID",
    "LocationID",
    "StratificationCategory1",
    "Stratification1",
    "StratificationCategoryId1",
    "StratificationID1",
)
_STRATUM_COLUMNS = _HEADER[17:23]

# The names are those of the table where they mean the same, so that the two can be joined.
_TRUTH_HEADER = (
    "Question",
    "LocationDesc",
    "StratificationCategory1",
    "Stratification1",
    "YearStart",
    "True_Percent",
    "Sample_Size",
    "Design_Effect",
    "Withheld",
)


def write_sample(
    out: BinaryIO,
    *,
    rows: int,
    seed: int,
    truth: BinaryIO | None = None,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> None:
    """Write a synthetic table as CSV, the same bytes for the same seed.

    A shorter sample is the beginning of a longer one. First come the overall strata of all years, then the other
    strata, latest year first; after all 180,180 cells they come again, each time drawn anew. ``truth`` takes the true
    percent of every cell of the table, the withheld ones too. ``on_progress`` hears the share written, from 0 to 1.

    Raises:
        SettingInvalid: ``rows`` or ``seed`` is out of range.
    """
    if not LEAST_ROWS <= rows <= MOST_ROWS:
        raise SettingInvalid(f"rows is {rows:,}; a sample has from {LEAST_ROWS:,} to {MOST_ROWS:,} rows.")
    if seed < 0:
        raise SettingInvalid(f"seed is {seed}; it must be a whole number from 0.")
    scheme = _Scheme.read()
    world = _create(scheme, seed)
    pieces = _Pieces.of(scheme)
    groups = _groups(scheme)
    cells = len(groups) * len(scheme.locations)
    out.write(_lines([_HEADER]))
    if truth is not None:
        truth.write(_lines([_TRUTH_HEADER]))
    written = 0
    for batch, rng in enumerate(_streams(seed)):
        here = groups[_places_of(batch, len(groups))]
        survey = world.survey(here)
        count = min(survey.respondents.size, rows - written)
        out.write(pieces.join(here, survey, _draw(survey, rng), count))
        if truth is not None and written < cells:
            truth.write(_lines(_truths(scheme, here, survey, count)))
        written += count
        on_progress(written / rows)
        if written == rows:
            return


def is_synthetic(datasource: str) -> bool:
    """Whether a row with this ``Datasource`` was made by ``write_sample``.

    >>> is_synthetic(SOURCE_NAME), is_synthetic("BRFSS"), is_synthetic("")
    (True, False, False)
    """
    return datasource.strip() == SOURCE_NAME


class _Location(NamedTuple):
    name: str
    abbreviation: str
    id: int
    kind: str  # state (DC is one here), territory, or country
    point: tuple[float, float] | None = None
    respondents: int = 0
    shares: Mapping[str, float] = {}


class _Stratum(NamedTuple):
    category: str
    category_id: str
    column: str  # the older way to give a stratum: a column per category
    name: str
    id: str
    share: float
    effects: Sequence[float]


class _Question(NamedTuple):
    id: str
    topic: str
    family: str
    level: float
    slope: float
    bend: float
    burden: int
    text: str


class _Scheme(NamedTuple):
    """What the table is made of. The country comes last, after the states that it is the pool of."""

    families: Sequence[str]
    questions: Sequence[_Question]
    strata: Sequence[_Stratum]
    locations: Sequence[_Location]
    topics: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls) -> _Scheme:
        given: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
        strata = [
            _Stratum(category["name"], category["id"], category["column"], **stratum)
            for category in given["categories"]
            for stratum in category["strata"]
        ]
        return cls(
            families=given["families"],
            questions=[_Question(**question) for question in given["questions"]],
            strata=strata,
            locations=[_Location(**location) for location in given["locations"]],
            topics=given["topics"],
        )

    @property
    def surveyed(self) -> Sequence[_Location]:
        return self.locations[:-1]


class _Survey(NamedTuple):
    """What is asked of whom: one row a group (question, year, stratum), one column a location, the country last."""

    respondents: Integers
    effective: Integers  # respondents / design effect, of the surveyed locations only
    truth: Doubles  # as shares, not percents
    design_effect: Doubles  # NaN without respondents
    weights: Doubles  # of the surveyed locations in the country: their share of its respondents

    @property
    def is_withheld(self) -> npt.NDArray[np.bool_]:
        return self.respondents < _LEAST_RESPONDENTS


class _Estimates(NamedTuple):
    """What is published, in tenths of a percent."""

    value: Integers
    low: Integers
    high: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """The truth, and the survey that looks at it. Axes: question, year, stratum, surveyed location."""

    percent: Doubles  # as a share
    respondents: Integers
    effective: Integers
    is_state: npt.NDArray[np.bool_]

    def survey(self, groups: Integers) -> _Survey:
        at = tuple(groups.T)
        truth, respondents, effective = self.percent[at], self.respondents[at], self.effective[at]
        pooled = np.where((respondents >= _LEAST_RESPONDENTS) & self.is_state, respondents, 0)
        total = pooled.sum(axis=1)
        # Where nothing is published there is still a truth to tell: that of all states, equally.
        weights = np.where(total[:, None] > 0, pooled / np.maximum(total, 1)[:, None], self.is_state / 51)
        country = (weights * truth).sum(axis=1)
        variance = (weights**2 * truth * (1 - truth) / effective).sum(axis=1)
        respondents = np.column_stack([respondents, total])
        effects = np.column_stack([respondents[:, :-1] / effective, total * variance / (country * (1 - country))])
        return _Survey(
            respondents=respondents,
            effective=effective,
            truth=np.column_stack([truth, country]),
            design_effect=np.where(respondents > 0, effects, np.nan),
            weights=weights,
        )


def _create(scheme: _Scheme, seed: int) -> _World:
    rng = _stream(seed, 0)
    respondents = _respondents(scheme, rng)
    percent = 1 / (1 + np.exp(-_logits(scheme, rng)))
    wanted = _DESIGN_EFFECT * np.exp(_DESIGN_EFFECT_SD * rng.standard_normal(respondents.shape))
    effective = np.maximum(np.rint(respondents / np.maximum(wanted, 1)), 1).astype(np.int64)
    return _World(
        percent=percent,
        respondents=respondents,
        effective=effective,
        is_state=np.array([location.kind == "state" for location in scheme.surveyed]),
    )


def _logits(scheme: _Scheme, rng: np.random.Generator) -> Doubles:
    questions, strata, locations = len(scheme.questions), len(scheme.strata), len(scheme.surveyed)
    level = np.array([question.level for question in scheme.questions]) / 100
    overall = np.array([stratum.category == "Total" for stratum in scheme.strata])
    of_location_and_stratum = _LOCATION_STRATUM_SD * rng.standard_normal((questions, strata, locations))
    of_location_and_stratum[:, overall] = 0
    logits: Doubles = (
        np.log(level / (1 - level))[:, None, None, None]
        + _trends(scheme)[:, :, None, None]
        + _of_strata(scheme)[:, None, :, None]
        + _of_locations(scheme, level, rng)[:, None, None, :]
        + of_location_and_stratum[:, None, :, :]
        + _LOCATION_YEAR_SD * rng.standard_normal((questions, len(YEARS), 1, locations))
    )
    return logits


def _trends(scheme: _Scheme) -> Doubles:
    passed = np.array(YEARS) - YEARS[0]
    along = passed / passed[-1]
    slope = np.array([question.slope for question in scheme.questions])[:, None]
    bend = np.array([question.bend for question in scheme.questions])[:, None]
    return np.asarray(slope * passed + bend * 4 * along * (1 - along), dtype=np.float64)


def _of_strata(scheme: _Scheme) -> Doubles:
    """Return the effects of strata, centred by share in each category so that the category as a whole is the Total."""
    family = [scheme.families.index(question.family) for question in scheme.questions]
    effects = np.array([stratum.effects for stratum in scheme.strata], dtype=np.float64).T[family]
    for members in _categories(scheme):
        share = np.array([scheme.strata[place].share for place in members])
        effects[:, members] -= (effects[:, members] * share / share.sum()).sum(axis=1, keepdims=True)
    return effects


def _of_locations(scheme: _Scheme, level: Doubles, rng: np.random.Generator) -> Doubles:
    burden = np.array([question.burden for question in scheme.questions])[:, None]
    common = rng.standard_normal(len(scheme.surveyed))
    own = rng.standard_normal((len(level), len(common)))
    effects = _COMMON_BURDEN * burden * common + np.sqrt(1 - _COMMON_BURDEN**2) * own
    effects -= effects.mean(axis=1, keepdims=True)
    effects /= effects.std(axis=1, keepdims=True)
    # A step of the logit is p (1 - p) of the share.
    return np.asarray(_LOCATION_SD_POINTS / 100 / (level * (1 - level))[:, None] * effects, dtype=np.float64)


def _respondents(scheme: _Scheme, rng: np.random.Generator) -> Integers:
    base = np.array([location.respondents for location in scheme.surveyed])
    by_year = base * np.exp(_RESPONDENTS_SD * rng.standard_normal((1, len(YEARS), len(base))))
    # Some do not answer a question; it is asked of everybody else.
    answered = rng.uniform(0.92, 1, (len(scheme.questions), 1, 1))
    overall = np.clip(by_year * answered, 200, 15_000)
    return np.floor(overall[:, :, None, :] * _shares(scheme, rng)).astype(np.int64)


def _shares(scheme: _Scheme, rng: np.random.Generator) -> Doubles:
    """Return the share of each stratum among the respondents of each location: as stated there, else as usual."""
    usual = np.array([stratum.share for stratum in scheme.strata])[:, None]
    by_race = np.array([stratum.category_id == "RACE" for stratum in scheme.strata])[:, None]
    spread = np.where(by_race, _RACE_SHARE_SD, _SHARE_SD)
    shares = usual * np.exp(spread * rng.standard_normal((len(usual), len(scheme.surveyed))))
    stated = np.array(
        [[location.shares.get(stratum.id, np.nan) for location in scheme.surveyed] for stratum in scheme.strata]
    )
    is_stated = ~np.isnan(stated)
    for members in _categories(scheme):
        rest = usual[members].sum() - np.where(is_stated, stated, 0)[members].sum(axis=0)
        others = np.where(is_stated, 0, shares)[members]
        shares[members] = np.where(is_stated[members], stated[members], others * rest / others.sum(axis=0))
    return shares


def _categories(scheme: _Scheme) -> list[list[int]]:
    names = dict.fromkeys(stratum.category for stratum in scheme.strata)
    return [[place for place, stratum in enumerate(scheme.strata) if stratum.category == name] for name in names]


def _groups(scheme: _Scheme) -> Integers:
    """Return (question, year, stratum) in the order of the table: what the shortest sample must have comes first."""
    questions, years = range(len(scheme.questions)), range(len(YEARS) - 1, -1, -1)
    is_overall = [stratum.category == "Total" for stratum in scheme.strata]
    overall = [place for place, whether in enumerate(is_overall) if whether]
    others = [place for place, whether in enumerate(is_overall) if not whether]
    order = [
        (question, year, stratum)
        for strata in (overall, others)
        for year in years
        for question in questions
        for stratum in strata
    ]
    return np.array(order, dtype=np.int64)


def _places_of(batch: int, groups: int) -> Integers:
    first = batch * _GROUPS_IN_BATCH
    return np.arange(first, first + _GROUPS_IN_BATCH) % groups


def _streams(seed: int) -> Iterable[np.random.Generator]:
    batch = 0
    while True:
        batch += 1
        yield _stream(seed, batch)


def _stream(seed: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number,))))


def _draw(survey: _Survey, rng: np.random.Generator) -> _Estimates:
    effective = survey.effective
    hits = rng.binomial(effective, survey.truth[:, :-1])
    share = hits / effective
    # Half a hit more of each kind: a state where nobody said yes is not thereby known exactly.
    inside = (hits + 0.5) / (effective + 1)
    variance = (survey.weights**2 * inside * (1 - inside) / effective).sum(axis=1)
    pooled = (survey.weights * inside).sum(axis=1)
    country = (survey.weights * share).sum(axis=1)
    share = np.column_stack([share, np.minimum(country, 1)])
    low, high = _limits(share, np.column_stack([effective, pooled * (1 - pooled) / variance]))
    return _Estimates(_tenths(share), _tenths(low), _tenths(high))


def _limits(share: Doubles, effective: Doubles) -> tuple[Doubles, Doubles]:
    """Return 95 % limits: on the logit scale, or exact ones where all said the same and the logit is infinite."""
    inside = np.clip(share, 1e-9, 1 - 1e-9)
    logit = np.log(inside / (1 - inside))
    reach = _Z95 / np.sqrt(effective * inside * (1 - inside))
    low, high = 1 / (1 + np.exp(np.minimum(reach - logit, 700))), 1 / (1 + np.exp(np.maximum(-reach - logit, -700)))
    exact = 0.025 ** (1 / effective)
    low = np.where(share <= 0, 0, np.where(share >= 1, exact, low))
    high = np.where(share >= 1, 1, np.where(share <= 0, 1 - exact, high))
    return low, high


def _tenths(share: Doubles) -> Integers:
    return np.rint(share * 1000).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pieces:
    """The texts that lines are made of. Each is made once: joining is all that is left to do per row."""

    before: Texts  # question, year, location: up to the value
    value: Texts  # by tenths of a percent, and last the one that stands for a withheld value
    limit: Texts  # likewise
    after: Texts  # question, stratum, location: behind the sample size

    @classmethod
    def of(cls, scheme: _Scheme) -> _Pieces:
        percents = [f"{tenths / 10:.1f}" for tenths in range(1001)]
        return cls(
            before=_texts(
                [
                    [_cells(_before(scheme, question, year, location)) + b"," for location in scheme.locations]
                    for question in scheme.questions
                    for year in YEARS
                ],
                (len(scheme.questions), len(YEARS), len(scheme.locations)),
            ),
            value=_texts(
                [
                    *(f"{percent},{percent},,,".encode() for percent in percents),
                    f",,{_WITHHELD_SYMBOL},{_WITHHELD_FOOTNOTE},".encode(),
                ],
                (1002,),
            ),
            limit=_texts([*(f"{percent},".encode() for percent in percents), b","], (1002,)),
            after=_texts(
                [
                    [
                        b"," + _cells(_after(scheme, question, stratum, location)) + b"\r\n"
                        for location in scheme.locations
                    ]
                    for question in scheme.questions
                    for stratum in scheme.strata
                ],
                (len(scheme.questions), len(scheme.strata), len(scheme.locations)),
            ),
        )

    def join(self, groups: Integers, survey: _Survey, estimates: _Estimates, count: int) -> bytes:
        """Return the first ``count`` lines of the groups."""
        question, year, stratum = groups.T
        withheld = survey.is_withheld
        columns = [
            self.before[question, year],
            self.value[np.where(withheld, -1, estimates.value)],
            self.limit[np.where(withheld, -1, estimates.low)],
            self.limit[np.where(withheld, -1, estimates.high)],
            _counts(survey.respondents, withheld),
            self.after[question, stratum],
        ]
        lines = np.stack([column.ravel()[:count] for column in columns], axis=1)
        return b"".join(lines.ravel().tolist())


def _before(scheme: _Scheme, question: _Question, year: int, location: _Location) -> Sequence[object]:
    topic = scheme.topics[question.topic]
    place = (location.abbreviation, location.name, SOURCE_NAME)
    return (year, year, *place, topic["class"], topic["topic"], question.text, "", "Value")


def _after(scheme: _Scheme, question: _Question, stratum: _Stratum, location: _Location) -> Sequence[object]:
    columns = [stratum.name if column == stratum.column else "" for column in _STRATUM_COLUMNS]
    point = f"({location.point[0]}, {location.point[1]})" if location.point else ""
    ids = (question.topic, scheme.topics[question.topic]["id"], question.id, "VALUE", location.id)
    return (*columns, point, *ids, stratum.category, stratum.name, stratum.category_id, stratum.id)


def _counts(respondents: Integers, withheld: npt.NDArray[np.bool_]) -> Texts:
    numbers = np.where(withheld, -1, respondents)
    distinct, places = np.unique(numbers, return_inverse=True)
    texts = _texts([b"%d" % number if number >= 0 else b"" for number in distinct.tolist()], distinct.shape)
    return texts[places].reshape(numbers.shape)


def _texts(given: Sequence[object], shape: tuple[int, ...]) -> Texts:
    # Through object: as bytes, numpy would pad all to the longest.
    return np.array(given, dtype=object).reshape(shape)


def _truths(scheme: _Scheme, groups: Integers, survey: _Survey, count: int) -> Iterable[Sequence[object]]:
    columns = (survey.truth * 100, survey.respondents, survey.design_effect, survey.is_withheld)
    cells = zip(*(column.ravel()[:count].tolist() for column in columns), strict=True)
    for place, (percent, respondents, effect, withheld) in enumerate(cells):
        group, location = divmod(place, len(scheme.locations))
        question, year, stratum = groups[group].tolist()
        known = scheme.strata[stratum]
        yield (
            scheme.questions[question].text,
            scheme.locations[location].name,
            known.category,
            known.name,
            YEARS[year],
            repr(percent),
            respondents,
            repr(effect) if respondents else "",
            "yes" if withheld else "no",
        )


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(row: Sequence[object]) -> bytes:
    return _lines([row]).removesuffix(b"\r\n")
