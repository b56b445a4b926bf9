"""The explorer writes numbers by the rule of ``meantime.text``, which sentences and charts follow too."""

from __future__ import annotations

from tests.support.browser import Visitor
from tests.support.text_cases import CASES

_WRITE = """async (cases) => {
    const main = document.querySelector('script[type=module]').src;
    const format = await import(new URL('format.js', main).href);
    const column = (name, unit, values) =>
        format.writer({ name, unit, kind: values.every(Number.isInteger) ? 'integer' : 'number' }, values)(values[0]);
    const years = (first, last) => format.years({ first, last });
    const writers = { ...format, p_value: format.pValue, years, column };
    return cases.map(([name, given]) => writers[name](...given));
}"""


def test_the_explorer_writes_numbers_as_sentences_and_charts_do(visitor: Visitor) -> None:
    page = visitor.go()
    written = page.evaluate(_WRITE, [[case.function, list(case.arguments)] for case in CASES])
    assert [case._replace(written=text) for case, text in zip(CASES, written, strict=True)] == list(CASES)
