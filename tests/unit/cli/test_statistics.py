from __future__ import annotations

from meantime.statistics.registry import STATISTICS
from tests.support.command_line import meantime


def test_all_statistics_are_listed_with_what_they_compute() -> None:
    shown = meantime("statistics").stdout
    for name, row in STATISTICS.items():
        assert name in shown
        assert row.help.split()[0] in shown


def test_a_statistic_is_described_with_its_parameters_as_they_are_typed_and_an_example() -> None:
    for name, row in STATISTICS.items():
        shown = meantime("statistics", name).stdout
        assert "│ --question " in shown
        assert all(f"│ {column.name} " in shown for column in row.columns)
        assert f"  meantime ask {name} --question " in shown
    ranking = meantime("statistics", "ranking").stdout
    assert "│ --question        │ required │" in ranking
    assert "│ -p years          │ latest   │" in ranking


def test_an_unknown_statistic_has_the_closest_name() -> None:
    refused = meantime("statistics", "rankin")
    assert refused.returncode == 2
    assert 'There is no statistic "rankin". Did you mean "ranking"' in refused.stderr
    assert refused.stderr.endswith("List them with `meantime statistics`.\n")
