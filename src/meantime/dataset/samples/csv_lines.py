"""The lines of the synthetic table in the CDC's schema, and those of its true values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from meantime.dataset.samples.scheme import YEARS, SampleLocation, SampleQuestion, SampleStratum, Scheme
from meantime.dataset.samples.simulation import Integers, SampleEstimates, Survey

Texts = npt.NDArray[np.object_]  # bytes, ready to join
# The text of the column Datasource in every row: it shows that nothing here is real.
SOURCE_NAME = "Synthetic (Meantime sample)"
_WITHHELD_SYMBOL = "~"
_WITHHELD_FOOTNOTE = "Data not available because sample size is insufficient."
HEADER = (
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
    "High_Confidence_Limit ",  # the trailing space is the publisher's, and readers must accept it
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
_STRATUM_COLUMNS = HEADER[17:23]
# Columns have the table's names where they mean the same, so that the two can be joined.
TRUTH_HEADER = (
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePieces:
    """The texts that lines are made of. Each is made once, so that a row only has to be joined."""

    before: Texts  # question, year, location: up to the value
    value: Texts  # by tenths of a percent; the last one is for a suppressed value
    limit: Texts  # likewise
    after: Texts  # question, stratum, location: after the sample size

    @classmethod
    def of(cls, scheme: Scheme) -> LinePieces:
        """Make all pieces."""
        percents = [f"{tenths / 10:.1f}" for tenths in range(1001)]
        return cls(
            before=_texts(
                [
                    [_csv_fields(_before(scheme, question, year, location)) + b"," for location in scheme.locations]
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
                        b"," + _csv_fields(_after(scheme, question, stratum, location)) + b"\r\n"
                        for location in scheme.locations
                    ]
                    for question in scheme.questions
                    for stratum in scheme.strata
                ],
                (len(scheme.questions), len(scheme.strata), len(scheme.locations)),
            ),
        )

    def join(self, groups: Integers, survey: Survey, estimates: SampleEstimates, count: int) -> bytes:
        """Return the first ``count`` lines of these groups."""
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


def _before(scheme: Scheme, question: SampleQuestion, year: int, location: SampleLocation) -> Sequence[object]:
    topic = scheme.topics[question.topic]
    where = (location.abbreviation, location.name, SOURCE_NAME)
    return (year, year, *where, topic["class"], topic["topic"], question.text, "", "Value")


def _after(
    scheme: Scheme, question: SampleQuestion, stratum: SampleStratum, location: SampleLocation
) -> Sequence[object]:
    columns = [stratum.name if column == stratum.column else "" for column in _STRATUM_COLUMNS]
    point = f"({location.point[0]}, {location.point[1]})" if location.point else ""
    ids = (question.topic, scheme.topics[question.topic]["id"], question.id, "VALUE", location.id)
    return (*columns, point, *ids, stratum.category, stratum.name, stratum.category_id, stratum.id)


def _counts(respondents: Integers, withheld: npt.NDArray[np.bool_]) -> Texts:
    numbers = np.where(withheld, -1, respondents)
    distinct, indices = np.unique(numbers, return_inverse=True)
    texts = _texts([b"%d" % number if number >= 0 else b"" for number in distinct.tolist()], distinct.shape)
    return texts[indices].reshape(numbers.shape)


def _texts(pieces: Sequence[object], shape: tuple[int, ...]) -> Texts:
    # As objects: numpy would pad bytes to the length of the longest.
    return np.array(pieces, dtype=object).reshape(shape)


def truth_rows(scheme: Scheme, groups: Integers, survey: Survey, count: int) -> Iterable[Sequence[object]]:
    """Return the true values of the first ``count`` cells of these groups, as rows."""
    columns = (survey.truth * 100, survey.respondents, survey.design_effect, survey.is_withheld)
    cells = zip(*(column.ravel()[:count].tolist() for column in columns), strict=True)
    for index, (percent, respondents, effect, withheld) in enumerate(cells):
        group, location = divmod(index, len(scheme.locations))
        question, year, stratum = groups[group].tolist()
        yield (
            scheme.questions[question].text,
            scheme.locations[location].name,
            scheme.strata[stratum].category,
            scheme.strata[stratum].name,
            YEARS[year],
            repr(percent),
            respondents,
            repr(effect) if respondents else "",
            "yes" if withheld else "no",
        )


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _csv_fields(row: Sequence[object]) -> bytes:
    return csv_lines([row]).removesuffix(b"\r\n")
