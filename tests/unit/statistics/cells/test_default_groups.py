"""What a request that names no group is about: the same wherever it is asked, and said in the first finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.cells.default_groups import DefaultGroup, question_groups
from meantime.statistics.check import check
from meantime.table import Table
from tests.support import factories
from tests.support.answers import refused

AGES = ("18-44", "45-64", "65 or older")
GROUPS: Mapping[str, Sequence[str]] = {"Age": AGES, "Sex": ("Female", "Male"), "Veteran": ("Yes",)}
OBESITY = "Percent of adults who have obesity"


def made(groups: Mapping[str, Sequence[str]], *, total: bool = False) -> Snapshot:
    named = [(category, stratum) for category, strata in groups.items() for stratum in strata]
    named += [("Total", "Total")] if total else []
    return factories.snapshot(
        factories.row(
            OBESITY,
            place,
            f"{24 + 5 * index + 2 * number}.5",
            category=category,
            stratum=stratum,
            low=22.5 + 5 * index + 2 * number,
            high=26.5 + 5 * index + 2 * number,
            sample_size=900.0,
        )
        for index, place in enumerate(("Ohio", "Utah", "Iowa"))
        for number, (category, stratum) in enumerate(named)
    )


def answer(statistic: str, of: Snapshot, **raw: Any) -> Table:
    return check(statistic, {"question": OBESITY, **raw}, of).compute(Unwatched())


def added(statistic: str, of: Snapshot, named: dict[str, Any], **raw: Any) -> str:
    """What the first finding says more than that of the request that names the same; the rest is the same."""
    own, other = answer(statistic, of, **raw), answer(statistic, of, **raw, **named)
    assert own.data == other.data
    assert (own.notes, own.warnings, own.findings[1:]) == (other.notes, other.warnings, other.findings[1:])
    assert own.findings[0].startswith(other.findings[0])
    return own.findings[0].removeprefix(other.findings[0]).strip()


@pytest.mark.parametrize("total", [False, True])
def test_disparity_compares_the_first_category_with_its_first_group(total: bool) -> None:
    said = added("disparity", made(GROUPS, total=total), {"category": "Age", "reference_stratum": "18-44"})
    assert said == (
        "No category was requested, so groups are those of Age, the first one; there is Sex too. No reference was "
        "requested, so it is adults (Age: 18-44), the first group; it could be adults (Age: 45-64) or adults "
        "(Age: 65 or older) too."
    )


def test_gap_ranking_compares_the_first_two_groups() -> None:
    named = {"category": "Sex", "stratum": "Male", "reference_stratum": "Female"}
    assert added("gap_ranking", made({"Sex": GROUPS["Sex"], "Veteran": ("Yes",)}), named) == (
        "No category was requested, so groups are those of Sex. No reference was requested, so it is women, the first "
        "group; it could be men too. No group was requested, so it is men."
    )


def test_what_is_named_is_kept_and_the_rest_is_chosen_beside_it() -> None:
    of = made(GROUPS)
    assert added("disparity", of, {"reference_stratum": "Female"}, category="Sex") == (
        "No reference was requested, so it is women, the first group; it could be men too."
    )
    assert added("disparity", of, {"reference_stratum": "Male"}, category="Sex", stratum="Female") == (
        "No reference was requested, so it is men."
    )
    assert added("disparity", of, {"category": "Sex"}, reference_stratum="Male") == (
        "No category was requested, so groups are those of Sex."
    )
    assert added("gap_ranking", of, {"category": "Age", "stratum": "18-44"}, reference_stratum="45-64") == (
        "No category was requested, so groups are those of Age. No group was requested, so it is adults (Age: 18-44), "
        "the next group; it could be adults (Age: 65 or older) too."
    )


def test_what_is_no_group_and_everyone_are_no_default() -> None:
    strata = {"Age": ("Data not reported", "Total", "Young"), "Sex": ("Female", "Male")}
    assert question_groups(made(strata).cube, 0).reference == DefaultGroup("Sex", "Female")
    assert question_groups(made({"Age": ("All", "Old", "Young")}).cube, 0).reference == DefaultGroup("Age", "Old")
    assert question_groups(made({"Veteran": ("Yes",)}).cube, 0).reference is None


@pytest.mark.parametrize(
    ("statistic", "raw", "pointer", "words"),
    [
        (
            "disparity",
            {},
            "/category",
            'No category of the question has two groups to compare. There are, by category: "',
        ),
        ("gap_ranking", {"category": "Veteran"}, "/category", '"Veteran" has no group to compare that is not named.'),
        ("gap_ranking", {"category": "Veteran", "reference_stratum": "Yes"}, "/category", "has no group to compare"),
        ("disparity", {"stratum": "Yes"}, "/category", 'two groups to compare, with "Yes" among them.'),
        ("standardised", {}, "/category", "No category of the question has the groups of the standard"),
        ("standardised", {"category": "Veteran"}, "/standard", 'No standard population has the groups of "Veteran".'),
    ],
)
def test_where_there_is_nothing_to_choose_the_request_is_refused_with_what_there_is(
    statistic: str, raw: dict[str, Any], pointer: str, words: str
) -> None:
    [problem] = refused(statistic, {"question": OBESITY, **raw}, made({"Veteran": ("Yes",)}))
    assert problem.pointer == pointer
    assert words in problem.detail


def test_standardised_takes_the_ages_and_the_standard_of_the_united_states() -> None:
    said = added("standardised", made(GROUPS), {"category": "Age", "standard": ["us_2000"]})
    assert said == (
        "No standard was requested, so it is us_2000 (the projected population of the United States, 2000, adults); "
        "european_2013 and who_2000_2025 fit too. No category was requested, so groups are those of Age."
    )
    assert added("standardised", made(GROUPS), {"category": "Age"}, standard=["us_2000"]) == (
        "No category was requested, so groups are those of Age."
    )
    assert added("standardised", made(GROUPS), {"standard": ["us_2000"]}, category="Age").startswith("No standard was")
    of_sexes = added("standardised", made(GROUPS), {"category": "Sex"}, standard=["Female=51", "Male=49"])
    assert of_sexes == "No category was requested, so groups are those of Sex."


def test_a_table_whose_groups_fit_its_own_standard_alone_is_weighted_by_that() -> None:
    plain = made({"Sex": ("Female", "Male")})
    ours = {"name": "ours", "title": "Ours", "source": "Census", "weights": {"Female": 51.0, "Male": 49.0}}
    about = msgspec.convert(msgspec.to_builtins(plain.about) | {"standards": [ours]}, type(plain.about))
    own = Snapshot(fingerprint=plain.fingerprint, cube=plain.cube, about=about)
    assert added("standardised", own, {"category": "Sex", "standard": ["ours"]}) == (
        "No standard was requested, so it is ours (Ours), the only one that fits. No category was requested, so groups "
        "are those of Sex."
    )


def test_an_answer_without_findings_says_its_default_in_a_warning() -> None:
    of = made({"Sex": ("Female", "Male")})
    bare = answer("estimate", of, by=["period"])
    assert bare.findings == ()
    assert bare.warnings[0] == (
        "No group was requested, so this is about women, the first one; there are figures for men too."
    )


@pytest.mark.parametrize("groups", [GROUPS, {"Sex": ("Female", "Male")}, {"Veteran": ("No", "Unknown", "Yes")}])
def test_the_resource_of_a_data_set_names_the_groups_that_answers_take(groups: Mapping[str, Sequence[str]]) -> None:
    of = made(groups)
    found = question_groups(of.cube, 0)
    assert (found.has_total, found.group is None) == (False, False)
    assert found.group is not None
    assert found.reference is not None
    category, stratum = found.group
    added("estimate", of, {"category": category, "stratum": stratum})
    added("disparity", of, {"category": found.reference.category, "reference_stratum": found.reference.stratum})
    with_total = made(groups, total=True)
    assert question_groups(with_total.cube, 0)[:2] == (True, None)
    assert "No group" not in "".join(answer("estimate", with_total, locations=["Ohio"]).findings)
