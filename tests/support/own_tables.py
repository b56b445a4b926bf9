"""Some twenty tables as an analyst has them: one survey of tea, in the forms that spreadsheets and publishers write.

``python -m tests.support.own_tables FOLDER`` writes them, to try a reader by hand. Every number is invented.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openpyxl import Workbook  # type: ignore[import-untyped]  # it ships no types

QUESTION = "Adults who drink tea every day"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the survey found in a place and a year."""

    place: str
    year: int
    percent: float
    low: float
    high: float
    asked: int


def _estimate(place: str, year: int, percent: float, half: float, asked: int) -> Estimate:
    return Estimate(place, year, round(percent, 1), round(percent - half, 1), round(percent + half, 1), asked)


SURVEY = tuple(
    _estimate(place, year, percent + year % 10 / 2, half, asked)
    for place, percent, half, asked in (
        ("Avalon County", 34.3, 2.1, 2141),
        ("Borduria County", 41.2, 3.4, 998),
        ("Cockaigne County", 55.9, 1.8, 3020),
    )
    for year in (2020, 2021, 2022)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTable:
    """A table in some form, and what one has to say of it."""

    name: str  # of the file
    content: bytes
    settings: Mapping[str, str] = field(default_factory=dict)  # --set
    columns: Mapping[str, str] = field(default_factory=dict)  # --column
    times: float = 1  # what the values are multiplied by
    limits: str = "own"  # those of the survey; "computed" ones are like them; "" where none are told
    withheld: int = 0
    places: int = 3


def csv(lines: list[list[object]], delimiter: str = ",", *, above: str = "", below: str = "") -> str:
    """Write rows as they are: a field with a delimiter in it has quotation marks."""
    texts = [[str(each) for each in line] for line in lines]
    rows = [delimiter.join(f'"{each}"' if delimiter in each else each for each in line) for line in texts]
    return above + "\n".join(rows) + "\n" + below


def table(header: str, row: Callable[[Estimate], list[object]]) -> list[list[object]]:
    """Make a table with a row for each estimate."""
    return [[*header.split("|")], *(row(each) for each in SURVEY)]


def own_tables() -> dict[str, OwnTable]:
    """Return the tables, by what is particular to them."""
    asked = {"question": QUESTION}
    full = table("County|Year|Percent|Lower|Upper|N", lambda e: [e.place, e.year, e.percent, e.low, e.high, e.asked])
    named = table(
        "Indicator|County|Year|Percent|Lower|Upper|N",
        lambda e: [QUESTION, e.place, e.year, e.percent, e.low, e.high, e.asked],
    )
    return {
        "county, year, percent, limits, N": _of("own.csv", csv(full), settings=asked),
        "with a column of indicators": _of("own.csv", csv(named)),
        "percents alone": _of("own.csv", csv([row[:4] for row in named]), limits=""),
        "percents and respondents": _of(
            "own.csv",
            csv(table("Indicator|County|Year|Percent|N", lambda e: [QUESTION, e.place, e.year, e.percent, e.asked])),
            limits="from respondents",
        ),
        "standard errors": _of(
            "own.csv",
            csv(table("County|Year|Percent|SE", lambda e: [e.place, e.year, e.percent, _se(e)])),
            settings=asked,
            limits="computed",
        ),
        "margins of error at 90%": _of(
            "own.csv",
            csv(
                table("County|Year|Percent|MOE (90%)", lambda e: [e.place, e.year, e.percent, round(_se(e) * 1.645, 3)])
            ),
            settings=asked,
            limits="computed",
        ),
        "an interval in one column": _of(
            "own.csv",
            csv(table("County|Year|Percent|95% CI", lambda e: [e.place, e.year, e.percent, f"{e.low}-{e.high}"])),
            settings=asked,
        ),
        "value and interval in one cell": _of(
            "own.csv",
            csv(table("County|Year|Percent", lambda e: [e.place, e.year, f"{e.percent} ({e.low}-{e.high})"])),
            settings=asked,
        ),
        "a column for each year": _of("own.csv", csv(_by_year()), limits="", settings=asked),
        "limits for each year": _of("own.csv", csv(_limits_by_year()), settings=asked),
        "a spreadsheet": OwnTable(name="own.xlsx", content=_spreadsheet(named)),
        "German": OwnTable(
            name="own.csv",
            content=csv(_german(), ";").encode("cp1252"),
            columns={"location": "Größe", "question": "Frage", "value": "Wert"},
            limits="",
        ),
        "dates": _of("own.csv", csv(_dated("{}-07-01")), settings=asked, limits=""),
        "American dates": _of("own.csv", csv(_dated("7/15/{}")), settings=asked, limits=""),
        "separated thousands": _of(
            "own.csv", csv(_thousands()), settings={**asked, "thousands": ","}, limits="", times=1000
        ),
        "separated thousands of respondents": _of(
            "own.csv",
            csv(
                table(
                    "County|Year|Percent|Lower|Upper|N",
                    lambda e: [e.place, e.year, e.percent, e.low, e.high, f"{e.asked:,}"],
                )
            ),
            settings=asked,
        ),
        "percent signs": _of(
            "own.csv",
            csv(table("County|Year|Percent", lambda e: [e.place, e.year, f"{e.percent}%"])),
            settings=asked,
            limits="",
        ),
        "proportions": _of(
            "own.csv",
            csv(table("County|Year|Proportion", lambda e: [e.place, e.year, f"{e.percent / 100:.3f}"])),
            settings=asked,
            limits="",
            times=0.01,
        ),
        "titles above": _of(
            "own.csv", csv(full, above=f"{QUESTION},,,,,\nSurvey of tea,,,,,\n,,,,,\n"), settings=asked
        ),
        "notes below": _of("own.csv", csv(full, below="\nN: people asked\nSource: survey of tea\n"), settings=asked),
        "a row twice": _of("own.csv", csv([*full, full[-1]]), settings=asked),
        "suppressed values": _of(
            "own.csv",
            csv(
                [
                    *full,
                    *(
                        [place, 2020, text, "", "", ""]
                        for place, text in zip("DEFG", ("*", "<5", "NA", "-"), strict=True)
                    ),
                ]
            ),
            settings=asked,
            withheld=4,
            places=7,
        ),
        "tabs and UTF-16": OwnTable(name="own.tsv", content=csv(full, "\t").encode("utf-16"), settings=asked),
    }


def _of(
    name: str,
    text: str,
    *,
    settings: Mapping[str, str] | None = None,
    limits: str = "own",
    times: float = 1,
    withheld: int = 0,
    places: int = 3,
) -> OwnTable:
    return OwnTable(
        name=name,
        content=text.encode(),
        settings=settings or {},
        limits=limits,
        times=times,
        withheld=withheld,
        places=places,
    )


def _se(estimate: Estimate) -> float:
    return round((estimate.high - estimate.low) / 2 / 1.96, 3)


def _of_places() -> dict[str, list[Estimate]]:
    found: dict[str, list[Estimate]] = {}
    for each in SURVEY:
        found.setdefault(each.place, []).append(each)
    return found


def _by_year() -> list[list[object]]:
    return [
        ["County", "2020", "2021", "2022"],
        *([place, *(each.percent for each in years)] for place, years in _of_places().items()),
    ]


def _limits_by_year() -> list[list[object]]:
    header = [f"{name} {year}" for year in (2020, 2021, 2022) for name in ("Percent", "Lower", "Upper")]
    return [
        ["County", *header],
        *(
            [place, *(number for each in years for number in (each.percent, each.low, each.high))]
            for place, years in _of_places().items()
        ),
    ]


def _german() -> list[list[object]]:
    return [
        ["Größe", "Year", "Frage", "Wert"],
        *([each.place, each.year, QUESTION, str(each.percent).replace(".", ",")] for each in SURVEY),
    ]


def _dated(form: str) -> list[list[object]]:
    return table("County|Date|Percent", lambda e: [e.place, form.format(e.year), e.percent])


def _thousands() -> list[list[object]]:
    return table("County|Year|Rate", lambda e: [e.place, e.year, f"{round(e.percent * 1000):,}"])


def _spreadsheet(lines: list[list[object]]) -> bytes:
    book = Workbook()
    for line in lines:
        book.active.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def main(folder: Path) -> None:
    """Write each table into a folder of its own."""
    for name, each in own_tables().items():
        into = folder / name.replace(",", "").replace(" ", "-")
        into.mkdir(parents=True, exist_ok=True)
        (into / each.name).write_bytes(each.content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
