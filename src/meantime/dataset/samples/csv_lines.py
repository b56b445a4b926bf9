"""The lines of the synthetic table in the CDC's schema, and those of its true values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from meantime.dataset.samples.scheme import YEARS, SampleLocation, SampleStratum, Scheme
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
    """The texts that lines are made of, in the order of a line. Each is made once, so that a row only has to be joined.

    By question, year, stratum or location; values and limits by tenths of a percent, the last of them suppressed.
    """

    years: Texts
    place: Texts
    question: Texts
    value: Texts
    limit: Texts
    stratum_columns: Texts
    point: Texts
    question_ids: Texts
    place_id: Texts
    stratum: Texts

    @classmethod
    def of(cls, scheme: Scheme) -> LinePieces:
        """Make all pieces."""
        percents = [f"{tenths / 10:.1f}" for tenths in range(1001)]
        suppressed = f",,{_WITHHELD_SYMBOL},{_WITHHELD_FOOTNOTE},"
        topics = [scheme.topics[question.topic] for question in scheme.questions]
        asked = list(zip(scheme.questions, topics, strict=True))
        return cls(
            years=_texts(f"{year},{year}," for year in YEARS),
            place=_texts(_fields(place.abbreviation, place.name, SOURCE_NAME) for place in scheme.locations),
            question=_texts(_fields(topic["class"], topic["topic"], each.text, "", "Value") for each, topic in asked),
            value=_texts([*(f"{percent},{percent},,," for percent in percents), suppressed]),
            limit=_texts([*(f"{percent}," for percent in percents), ","]),
            stratum_columns=_texts("," + _fields(*_older_columns(stratum)) for stratum in scheme.strata),
            point=_texts(_fields(_point(place)) for place in scheme.locations),
            question_ids=_texts(_fields(each.topic, topic["id"], each.id, "VALUE") for each, topic in asked),
            place_id=_texts(_fields(place.id) for place in scheme.locations),
            stratum=_texts(
                _fields(each.category, each.name, each.category_id, each.id).removesuffix(",") + "\r\n"
                for each in scheme.strata
            ),
        )

    def join(self, groups: Integers, survey: Survey, estimates: SampleEstimates, count: int) -> bytes:
        """Return the first ``count`` lines of these groups."""
        question, year, stratum = groups.T[:, :, None]
        withheld = survey.is_withheld
        columns = [
            self.years[year],
            self.place,
            self.question[question],
            self.value[np.where(withheld, -1, estimates.value)],
            self.limit[np.where(withheld, -1, estimates.low)],
            self.limit[np.where(withheld, -1, estimates.high)],
            _counts(survey.respondents, withheld),
            self.stratum_columns[stratum],
            self.point,
            self.question_ids[question],
            self.place_id,
            self.stratum[stratum],
        ]
        lines = np.stack([np.broadcast_to(column, withheld.shape).ravel()[:count] for column in columns], axis=1)
        return b"".join(lines.ravel().tolist())


def _older_columns(stratum: SampleStratum) -> list[str]:
    return [stratum.name if column == stratum.column else "" for column in _STRATUM_COLUMNS]


def _point(location: SampleLocation) -> str:
    return f"({location.point[0]}, {location.point[1]})" if location.point else ""


def _counts(respondents: Integers, withheld: npt.NDArray[np.bool_]) -> Texts:
    numbers = np.where(withheld, -1, respondents)
    distinct, indices = np.unique(numbers, return_inverse=True)
    texts = _texts(str(number) if number >= 0 else "" for number in distinct.tolist())
    return texts[indices].reshape(numbers.shape)


def _texts(pieces: Iterable[str]) -> Texts:
    # As objects: numpy would pad bytes to the length of the longest.
    encoded = [piece.encode() for piece in pieces]
    return np.array(encoded, dtype=object)


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


def _fields(*cells: object) -> str:
    """Return the fields of a line and the comma after them."""
    return csv_lines([(*cells, "")]).decode().removesuffix("\r\n")
