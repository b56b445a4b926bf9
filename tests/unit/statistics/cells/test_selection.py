from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.statistics.cells.cell_parameters import CellParameters, check_form
from meantime.statistics.cells.default_groups import question_groups
from meantime.statistics.cells.pooled import pool_periods
from meantime.statistics.cells.select import select, select_rows
from meantime.statistics.cells.selection import LeftOut, left_out_warning
from meantime.statistics.methods.pooling import Weights
from meantime.statistics.methods.reliability import BOUNDARY, FEW_RESPONDENTS, NO_ERROR
from meantime.statistics.methods.standard_errors import Scale
from tests.support import factories

TOTAL: dict[str, Any] = {"category": "Total", "stratum": "Total"}
FEMALE: dict[str, Any] = {"category": "Sex", "stratum": "Female"}
MALE: dict[str, Any] = {"category": "Sex", "stratum": "Male"}


def row(location: str, year: int | None = 2020, value: str | None = "30.0", **more: Any) -> dict[str, Any]:
    """A row of a total with limits, if nothing else is said."""
    published = {} if value is None else {"low": float(value) - 1.9, "high": float(value) + 2.1, "sample_size": 1000.0}
    when = {} if year is None else {"period": (year, year)}
    return factories.row(location=location, value=value, **{**TOTAL, **published, **when, **more})


def made(*rows: dict[str, Any], **more: Any) -> Snapshot:
    return factories.snapshot(rows, **more)


def asked(**more: Any) -> CellParameters:
    return CellParameters(question="Q", **more)


def problems(snapshot: Snapshot, **more: Any) -> list[tuple[str, str]]:
    try:
        select(snapshot, asked(**more))
    except RequestInvalid as invalid:
        return [(problem.pointer, problem.code) for problem in invalid.problems]
    return []


def detail(snapshot: Snapshot, **more: Any) -> str:
    with pytest.raises(RequestInvalid) as error:
        select(snapshot, asked(**more))
    (problem,) = error.value.problems
    return problem.detail


class TestBasis:
    def test_the_total_is_taken_where_the_table_has_one(self) -> None:
        found = select(made(row("Utah", value="30.0"), row("Utah", value="28.0", **FEMALE)), asked())
        assert found.value.tolist() == [[30.0]]
        assert found.stratum_names == [("Total", "Total")]
        assert "Everyone / 2020." in found.notes

    def test_rows_without_categories_are_totals_where_nothing_else_is(self) -> None:
        found = select(made(row("Utah", category=None, stratum=None)), asked())
        assert found.stratum_names == [("", "")]
        beside = made(row("Utah", category=None, stratum=None, value="1.0"), row("Utah", value="30.0"))
        assert select(beside, asked(basis="total")).value.tolist() == [[30.0]]

    def test_without_a_total_the_first_group_is_taken_and_the_others_are_named(self) -> None:
        age: dict[str, Any] = {"category": "Age", "stratum": "65 or older"}
        snapshot = made(row("Utah", value="33.0", **MALE), row("Utah", value="28.0", **FEMALE), row("Utah", **age))
        found = select(snapshot, asked())
        assert found.stratum_names == [("Age", "65 or older")]
        assert found.by_default == (
            "No group was requested, so this is about people (Age: 65 or older), the first one; there are figures for "
            "people (Sex: Female) and people (Sex: Male) too."
        )
        assert found.warnings == ()
        assert (found.parameters.category, found.parameters.stratum) == ("Age", "65 or older")
        assert select(snapshot, asked(category="Sex", stratum="Male")).by_default == ""

    def test_the_default_group_is_one_of_people_that_has_a_value(self) -> None:
        rows = [
            row("Utah", category="Age", stratum="18 to 24", value=None),
            row("Utah", category="Income", stratum="Data not reported"),
            row("Utah", category="Income", stratum="Less than $15,000", value="41.0"),
        ]
        assert select(made(*rows), asked()).value.tolist() == [[41.0]]
        nobody = made(row("Utah", category="Income", stratum="Unknown", value="41.0"))
        assert select(nobody, asked()).value.tolist() == [[41.0]]

    def test_the_total_is_refused_where_it_is_asked_for_and_there_is_none(self) -> None:
        snapshot = made(row("Utah", **FEMALE), row("Utah", **MALE))
        assert problems(snapshot, basis="total") == [("/basis", "missing")]
        assert '"Sex": "Female" and "Male"' in detail(snapshot, basis="total")

    def test_a_stratum_is_named_by_category_and_stratum(self) -> None:
        snapshot = made(row("Utah"), row("Utah", value="28.0", **FEMALE), row("Utah", value="33.0", **MALE))
        assert select(snapshot, asked(category="Sex", stratum="Male")).value.tolist() == [[33.0]]
        assert problems(snapshot, category="Sex") == [("/stratum", "missing")]
        assert problems(snapshot, basis="stratum") == [("/stratum", "missing")]
        assert problems(snapshot, category="Sex", stratum="Total") == [("/stratum", "absent")]
        assert problems(snapshot, category="Age", stratum="Male") == [("/stratum", "absent")]

    def test_a_stratum_that_one_category_has_needs_no_category(self) -> None:
        snapshot = made(
            row("Utah"),
            row("Utah", value="33.0", **MALE),
            row("Utah", value="28.0", category="Sex", stratum="Unknown"),
            row("Utah", value="28.0", category="Age", stratum="Unknown"),
        )
        found = select(snapshot, asked(stratum="Male"))
        assert found.value.tolist() == [[33.0]]
        assert found.parameters.category == "Sex"
        assert problems(snapshot, stratum="Unknown") == [("/category", "missing")]
        assert problems(snapshot, stratum="Nobody") == [("/category", "missing")]

    def test_what_contradicts_itself_is_refused(self) -> None:
        snapshot = made(row("Utah"), row("Utah", **FEMALE))
        assert problems(snapshot, basis="total", stratum="Female") == [("/basis", "contradiction")]
        assert problems(snapshot, basis="all_rows") == [("/basis", "no-standard-error")]

    def test_every_stratum_by_itself(self) -> None:
        snapshot = made(
            row("Utah", **FEMALE),
            row("Utah", **MALE),
            row("Ohio", **FEMALE),
            row("Ohio", category="Age", stratum="18 - 24"),
        )
        found = select(snapshot, asked(), by_stratum=True)
        assert list(zip(found.names, found.stratum_names, strict=True)) == [
            ("Ohio", ("Age", "18 - 24")),
            ("Ohio", ("Sex", "Female")),
            ("Utah", ("Sex", "Female")),
            ("Utah", ("Sex", "Male")),
        ]
        assert len(select(snapshot, asked(category="Sex"), by_stratum=True)) == 3
        assert len(select(snapshot, asked(stratum="Male"), by_stratum=True)) == 1
        with pytest.raises(RequestInvalid, match="does not have this stratum"):
            select(snapshot, asked(category="Income"), by_stratum=True)

    def test_strata_that_are_no_groups_are_known(self) -> None:
        snapshot = made(row("Utah", category="Income", stratum="Data not reported"), row("Utah", **FEMALE))
        found = select(snapshot, asked(), by_stratum=True)
        assert found.is_group.tolist() == [False, True]


class TestValueType:
    SNAPSHOT = made(
        row("Utah", value_type="Crude", unit="percent"),
        row("Utah", value="29.0", value_type="Age-adjusted", unit="percent"),
    )

    def test_types_are_never_mixed(self) -> None:
        assert problems(self.SNAPSHOT) == [("/value_type", "mixed")]
        assert '"Age-adjusted in percent", "Crude in percent"' in detail(self.SNAPSHOT)

    @pytest.mark.parametrize("named", ["Crude", "Crude in percent", "Crude in %"])
    def test_one_is_chosen_by_name(self, named: str) -> None:
        found = select(self.SNAPSHOT, asked(value_type=named))
        assert found.value.tolist() == [[30.0]]
        assert found.value_type.name == "Crude"
        assert 'Type of value: "Crude in percent".' in found.notes

    def test_an_unknown_one_is_refused(self) -> None:
        assert problems(self.SNAPSHOT, value_type="Rough") == [("/value_type", "unknown")]

    def test_types_without_a_name_have_one_in_the_error(self) -> None:
        snapshot = made(row("Utah"), row("Utah", value_type="Crude"))
        assert '"unnamed"' in detail(snapshot)


class TestYears:
    SNAPSHOT = made(
        *(row(f"L{number:02}", 2019) for number in range(20)),
        *(row(f"L{number:02}", 2020) for number in range(18)),
        row("L00", 2021),
        row("L18", 2020, None, reason="~"),
    )

    def test_the_latest_is_the_last_that_nine_in_ten_locations_have(self) -> None:
        found = select(self.SNAPSHOT, asked())
        assert found.years == "2020"
        assert "Everyone / 2020." in found.notes

    def test_who_lacks_a_year_is_left_out_by_name_with_the_reason(self) -> None:
        found = pool_periods(select(self.SNAPSHOT, asked(years="2019..2020")))
        assert len(found) == 18
        assert found.left_out == (("L18", 'is suppressed or missing in 2020 ("~")'), ("L19", "has no 2020 value"))
        assert left_out_warning(found.left_out) == (
            'Not shown: L18 is suppressed or missing in 2020 ("~"); L19 has no 2020 value.'
        )

    def test_who_has_no_row_at_all_is_left_out_too(self) -> None:
        found = pool_periods(select(self.SNAPSHOT, asked(years=2021, locations=("L00", "L01"))))
        assert found.groups.names == ["L00"]
        assert found.left_out == (("L01", "has no 2021 value"),)

    def test_a_year_that_nobody_has_is_refused_and_the_years_told(self) -> None:
        assert problems(self.SNAPSHOT, years="2018") == [("/years", "absent")]
        assert detail(self.SNAPSHOT, years="2018") == "The question has no value for 2018. It has: 2019–2021."
        assert problems(self.SNAPSHOT, years="2001..2003") == [("/years", "absent")]

    def test_what_is_no_year_is_refused_with_and_without_the_data(self) -> None:
        assert problems(self.SNAPSHOT, years="soon") == [("/years", "type")]
        (problem,) = check_form(asked(years="soon"))
        assert problem.pointer == "/years"
        assert check_form(asked()) == ()

    def test_where_no_year_is_had_by_most_the_commonest_is_taken_and_that_is_said(self) -> None:
        snapshot = made(row("A", 2018), row("B", 2018), row("C", 2019), row("D", 2020))
        found = select(snapshot, asked())
        assert found.years == "2018"
        assert any("2018 has them for most (2 of 4)" in warning for warning in found.warnings)

    def test_of_every_stratum_the_latest_year_is_that_which_most_strata_have(self) -> None:
        snapshot = made(row("A", 2019, **FEMALE), row("A", 2019, **MALE), row("A", 2020, **FEMALE))
        assert select(snapshot, asked(), by_stratum=True).years == "2019"

    def test_where_the_choice_of_locations_moves_the_latest_year_it_says_why_and_which_is_later(self) -> None:
        found = select(self.SNAPSHOT, asked(locations=("L01", "L02", "L18", "L19")))
        assert (found.years, found.later_years) == ("2019", "2020")
        assert "The latest year shown is 2019, because L18 and L19 have no 2020 value." in found.warnings
        alone = select(self.SNAPSHOT, asked(locations=("L18",)))
        assert (alone.years, alone.later_years) == ("2019", "")
        assert "The latest year shown is 2019, because L18 has no 2020 value." in alone.warnings
        assert select(self.SNAPSHOT, asked(locations=("L01", "L02"))).warnings == ()
        assert select(self.SNAPSHOT, asked(years="2019", locations=("L01", "L18"))).later_years == ""

    def test_where_the_choice_leaves_fewer_groups_in_the_latest_year_it_says_so(self) -> None:
        both = [
            row(f"L{number}", year, **group) for number in range(4) for year in (2019, 2020) for group in (MALE, FEMALE)
        ]
        snapshot = made(*both, *(row("A", 2019, **group) for group in (MALE, FEMALE)), row("A", 2020, **FEMALE))
        found = select(snapshot, asked(locations=("A",)), by_stratum=True)
        assert (found.years, found.later_years) == ("2019", "2020")
        assert found.warnings == ("The latest year shown is 2019, because A has values of fewer groups in 2020.",)

    def test_a_table_without_years_has_its_rows(self) -> None:
        snapshot = made(row("Utah", None), row("Ohio", None, None, reason="*"))
        found = pool_periods(select(snapshot, asked()))
        assert (found.groups.years, found.groups.periods) == ("", (None,))
        assert found.left_out == (("Ohio", 'is suppressed or missing ("*")'),)
        assert problems(snapshot, years="2020") == [("/years", "absent")]

    def test_a_question_with_nothing_of_the_kind_is_refused(self) -> None:
        snapshot = made(row("Utah", value=None), row("Utah", **FEMALE))
        assert problems(snapshot) == [("/question", "absent")]

    def test_equal_years_are_written_in_one_way(self) -> None:
        assert asked(years=2020) == asked(years=" 2020 ")
        assert asked(years="Latest") == asked()
        assert asked(locations=()) == asked(locations=("all", "all"))


class TestLocations:
    SNAPSHOT = made(row("National"), row("Ohio"), row("Utah"), row("Guam"))

    def test_all_are_those_of_the_question(self) -> None:
        found = select(self.SNAPSHOT, asked())
        assert found.names == ["Guam", "National", "Ohio", "Utah"]
        assert found.is_aggregate.tolist() == [False, True, False, False]

    def test_a_set_is_what_the_geography_says(self) -> None:
        assert select(self.SNAPSHOT, asked(locations=("states",))).names == ["Ohio", "Utah"]
        assert select(self.SNAPSHOT, asked(locations=("territories",))).names == ["Guam"]

    def test_names_are_looked_up_and_the_closest_told(self) -> None:
        assert select(self.SNAPSHOT, asked(locations=("Utah", "Guam"))).names == ["Guam", "Utah"]
        assert problems(self.SNAPSHOT, locations=("Utha", "Ohio")) == [("/locations/0", "unknown")]
        told = detail(self.SNAPSHOT, locations=("Utha",))
        assert 'Did you mean "Utah"' in told
        assert '"all", "states", "territories"' in told

    def test_another_one_may_be_added(self) -> None:
        assert select(self.SNAPSHOT, asked(locations=("Utah",)), also="National").names == ["National", "Utah"]

    def test_everything_that_is_wrong_is_told_at_once(self) -> None:
        assert problems(self.SNAPSHOT, locations=("Nowhere",), years="soon", basis="stratum") == [
            ("/locations/0", "unknown"),
            ("/stratum", "missing"),
            ("/years", "type"),
        ]


class TestCells:
    def test_mixed_cells_are_refused_with_the_columns_in_which_their_rows_may_differ(self) -> None:
        snapshot = made(row("Utah"), row("Utah", value="31.0"))
        assert problems(snapshot) == [("/question", "mixed")]
        assert "their values alone" in detail(snapshot)

    def test_a_column_without_a_role_is_named(self) -> None:
        snapshot = made(row("Utah"), row("Utah", value="31.0"))
        about = snapshot.about.__class__(
            **{name: getattr(snapshot.about, name) for name in snapshot.about.__struct_fields__ if name != "columns"},
            columns=(*snapshot.about.columns, "Sitecode"),
        )
        mixed = Snapshot(fingerprint=snapshot.fingerprint, cube=snapshot.cube, about=about)
        assert '"Sitecode"' in detail(mixed)

    def test_a_mixed_cell_elsewhere_does_not_matter(self) -> None:
        snapshot = made(row("Utah"), row("Ohio", 2019), row("Ohio", 2019, "31.0"), row("Ohio"))
        assert problems(snapshot, years="2020") == []

    def test_limits_are_as_published_and_computed_where_they_were_not(self) -> None:
        snapshot = made(row("Ohio"), row("Utah", low=np.nan, high=np.nan), row("Iowa", low=np.nan))
        found = pool_periods(select(snapshot, asked()))
        assert found.groups.names == ["Iowa", "Ohio", "Utah"]
        assert (found.low[1], found.high[1]) == (28.1, 32.1)
        assert found.low[2] == pytest.approx(
            30 - 1.96 * np.sqrt(2 * 30 * 70 / 1000 + 0.01 / 12), abs=0.2
        )  # the logit scale is uneven
        assert any("1 of 3 values were published without limits" in each for each in found.groups.warnings)

    def test_what_cannot_be_tested_is_said(self) -> None:
        nothing: dict[str, Any] = {"low": np.nan, "high": np.nan, "sample_size": np.nan}
        snapshot = made(
            row("Ohio", **nothing), row("Utah", value="0.0", low=0.0, high=1.0), row("Iowa", sample_size=20.0)
        )
        found = pool_periods(select(snapshot, asked()))
        assert found.flags.tolist() == [FEW_RESPONDENTS, NO_ERROR, BOUNDARY]
        assert found.flagged.tolist() == [1, 1, 1]
        assert any("neither limits nor respondents" in each for each in found.groups.warnings)
        assert np.isfinite(found.se).tolist() == [True, False, True]
        assert not any("are 0 or 100" in each for each in found.groups.warnings)
        bare = pool_periods(select(made(row("Utah", value="0.0", **nothing)), asked()))
        assert np.isnan(bare.se).all()
        assert any("are 0 or 100" in each for each in bare.groups.warnings)

    def test_the_scale_is_the_one_asked_for_and_linear_for_what_is_no_percent(self) -> None:
        snapshot = made(row("Ohio"))
        assert select(snapshot, asked()).scale is Scale.LOGIT
        assert select(snapshot, asked(interval_scale="linear")).scale is Scale.LINEAR
        cups = made(row("Ohio", value="230.0"), unit="cups")
        found = select(cups, asked(interval_scale="logit"))
        assert found.scale is Scale.LINEAR
        assert (found.is_percent, found.unit) == (False, "cups")
        assert found.flags.tolist() == [[0]]
        assert any("(linear scale, as requested)" in note for note in found.notes)

    def test_pooling_over_years_is_with_the_weights_asked_for(self) -> None:
        snapshot = made(row("Ohio", 2019, "20.0", sample_size=3000.0), row("Ohio", 2020, "30.0"))
        assert pool_periods(select(snapshot, asked(years="all"))).value.tolist() == [25.0]
        by_size = pool_periods(select(snapshot, asked(years="all", weights=Weights.SAMPLE_SIZE)))
        assert by_size.value.tolist() == [22.5]
        assert by_size.respondents.tolist() == [4000.0]

    def test_groups_may_be_left_out_with_a_reason(self) -> None:
        found = pool_periods(select(made(row("Ohio"), row("Utah")), asked()))
        fewer = found.without(np.array([True, False]), "on holiday")
        assert fewer.groups.names == ["Utah"]
        assert fewer.left_out == (("Ohio", "on holiday"),)

    def test_made_up_data_are_said_to_be(self) -> None:
        snapshot = made(row("Ohio"))
        about = snapshot.about.__class__(
            **{**{name: getattr(snapshot.about, name) for name in snapshot.about.__struct_fields__}, "synthetic": True}
        )
        synthetic = Snapshot(fingerprint=snapshot.fingerprint, cube=snapshot.cube, about=about)
        assert "Synthetic data: the numbers are made up." in select(synthetic, asked()).notes


def test_all_rows_are_every_category_and_nothing_that_is_withheld() -> None:
    snapshot = made(row("Ohio"), row("Ohio", **FEMALE), row("Ohio", value=None, **MALE), row("Utah", 2019))
    found = select_rows(snapshot, asked(basis="all_rows", years="2020"))
    assert len(found.cells) == 2
    assert found.left_out == (("Utah", "has no 2020 value"),)
    with pytest.raises(RequestInvalid):
        select_rows(snapshot, asked(basis="all_rows", years="soon"))


def test_many_names_are_cut() -> None:
    said = left_out_warning([LeftOut(f"L{number}", "is gone") for number in range(15)])
    assert said.endswith("L11, and 3 more are gone.")
    assert left_out_warning(()) == ""


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([FEMALE, TOTAL], True),
        ([FEMALE, {"category": "Overall", "stratum": " all adults"}], True),
        ([FEMALE, {"category": None, "stratum": None}], True),
        ([FEMALE, MALE], False),
        ([{"category": "Sex", "stratum": "Total"}], True),
        ([{"category": "Sex; Age", "stratum": "Both sexes; 65 or older"}], False),
    ],
)
def test_a_question_has_a_total_exactly_where_no_group_is_taken_for_it(
    groups: list[dict[str, Any]], expected: bool
) -> None:
    snapshot = made(*(row("Utah", **group) for group in groups), factories.row("Another", category=None))
    assert question_groups(snapshot.cube, snapshot.cube.question_codes["Q"]).has_total is expected
    assert (select(snapshot, asked()).by_default == "") is expected


def test_periods_with_years_in_common_are_refused_unless_each_is_told_by_itself() -> None:
    # Rolling periods: two of three years are the same interviews, and pooled as if separate they would look too sure.
    snapshot = factories.snapshot([{**row("Ohio"), "period": (year, year + 2)} for year in (2016, 2018, 2019, 2021)])
    assert problems(snapshot, years="2016-2018,2018-2020") == [("/years", "contradiction")]
    assert problems(snapshot, years="all") == [("/years", "contradiction")]
    assert "2016–2018 and 2018–2020 have years in common" in detail(snapshot, years="all")
    assert problems(snapshot, years="2016-2018,2019-2021") == []
    assert len(select(snapshot, asked(years="all"), each_period=True).periods) == 4
