"""Every form is documented, and can be read as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from meantime.formats.registry import FORMATS
from meantime.table import Table
from tests.support.result_documents import COUNT, LOCATION, MEAN, of

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_table_of_the_page_has_every_form_with_its_media_type_and_no_other() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \| `(.*?)` \|", PAGE, flags=re.MULTILINE)
    assert rows == [(form.suffix, form.name, form.media_type) for form in FORMATS.values()]


@pytest.mark.parametrize("program", PROGRAMS, ids=["pandas", "polars", "pyarrow", "duckdb"])
def test_a_result_can_be_read_as_the_page_says(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(columns=(LOCATION, MEAN, COUNT), data=(["Åland", "=1"], [0.1 + 0.2, None], [1, 2]))
    for form in (form for form in FORMATS.values() if form.draw is None):
        (tmp_path / f"result.{form.suffix}").write_bytes(b"".join(form.pieces(of(table))))
    monkeypatch.chdir(tmp_path)
    seen: dict[str, object] = {}
    # The page uses the same few names again and again, so each is looked at after each statement.
    for statement in re.split(r"\n(?=\S)", program.strip()):
        exec(statement, seen)  # noqa: S102 - our own page
        for name in ("frame", "table", "rows"):
            if name in seen:
                assert len(seen[name]) == 2, statement  # type: ignore[arg-type]
