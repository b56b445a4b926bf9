"""Options that several commands have."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from meantime.cli.inspect import inspect


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--column", "value=A", "--column", "value=B"], "the role value has two columns, 'A' and 'B'. Name one"),
        (["--set", "title=A", "--set", "title=B=C"], "the key title has two texts, 'A' and 'B=C'. Name one"),
        (["--column", "value"], "'value' is not of the form ROLE=COLUMN, e.g. value=Prevalence"),
        (["--set", "=A"], "'=A' is not of the form KEY=TEXT, e.g. location=\"United States\""),
    ],
)
def test_pairs_that_do_not_say_one_thing_are_refused(given: list[str], says: str) -> None:
    refused = CliRunner().invoke(inspect, ["absent.csv", *given])
    assert refused.exit_code == 2
    assert says in refused.output
