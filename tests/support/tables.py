"""Small tables in which everything that a table may have occurs, and repeats."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.support.factories import row

Row = dict[str, Any]

# Few labels, so that keys repeat; few forms of numbers, but far apart.
_values = st.one_of(
    st.none(),
    st.decimals(min_value=-100, max_value=100, places=1, allow_nan=False).map(str),
    st.decimals(min_value=-1, max_value=1, places=9, allow_nan=False).map(str),
    st.sampled_from(["0", "-0.0", "1e-30", "-7e25", "3000000000.5", "4611686018427387904", "-4611686018427387903"]),
)
_limits = st.sampled_from([float("nan"), -0.0, 0.0, 1.5, 1e300])


@st.composite
def _rows(draw: st.DrawFn) -> Row:
    more: Row = {}
    choices: dict[str, list[Any]] = {
        "category": ["Age", "Sex"],
        "stratum": ["18 - 24", "Male", "Total"],
        "value_type": ["Crude", "Adjusted"],
        "period": [(2018, 2018), (2011, 2020)],
        "footnote": ["suppressed", "small sample"],
        "reason": ["~", "*"],
    }
    for name, among in choices.items():
        if (choice := draw(st.sampled_from([None, *among]))) is not None:
            more[name] = choice
    more |= {name: draw(_limits) for name in ("low", "high", "sample_size")}
    return row(draw(st.sampled_from("QRS")), draw(st.sampled_from(["Utah", "Ohio", "Guam"])), draw(_values), **more)


tables = st.lists(_rows(), max_size=25)
