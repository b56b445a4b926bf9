"""Drawing in a separate process, and what happens if that process fails."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meantime.charts.figure import AS_IT_IS, Figure, Size
from meantime.charts.layout import Spec
from meantime.errors import AnswersBusy, NotAcceptable, PictureFailed
from meantime.formats import images
from meantime.formats.vegalite import specification
from meantime.formats.writers import renderer as rendering
from meantime.formats.writers.renderer import render
from meantime.table import Table
from tests.support.chart_answers import CHART_REQUESTS, answer, answer_for
from tests.support.child_processes import children
from tests.support.examples import one_case_in
from tests.support.result_documents import HOSTILE, LOCATION, MEAN, of
from tests.support.waiting import PATIENCE_S, wait_until

RANKING = answer("ranking", years="2020", better="lower")
SPEC = {**specification(RANKING), "width": 300}
OWN = Figure(title="Who eats soup & <naps>", source="The survey of soups", width=640, scale=1.5, highlight=("Avalon",))
_PDF_TEXT = re.compile(rb"/(\w+) <([0-9A-Fa-f]+)>")
_DRAW_ALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from render_process import VEGA_LITE
from vl_convert import vegalite_to_svg
print(json.dumps([vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[]) for spec in json.load(sys.stdin)]))
"""


@pytest.fixture
def renderer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Replace the drawing program by another one."""

    def put(program: str) -> None:
        path = tmp_path / "render_process.py"
        path.write_text(f"import os, signal, sys, time\n{program}\n", encoding="utf-8")
        monkeypatch.setattr(rendering, "_PROCESS", path)
        monkeypatch.setattr(rendering, "_kept", [])

    yield put
    rendering.end_kept()


@pytest.fixture(scope="module")
def drawings() -> dict[str, str]:
    """Every chart as SVG, drawn by one process: its engine takes longer to start than to draw."""
    asked: list[Spec] = []

    def note(spec: Spec, _kind: rendering.Kind, **_: object) -> bytes:
        asked.append(spec)
        return b""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "render", note)
        for chart in CHART_REQUESTS:
            b"".join(images.svg_pieces(answer_for(chart), chart))
    drawn = subprocess.run(
        [sys.executable, "-c", _DRAW_ALL, str(rendering._PROCESS.parent)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return dict(zip(CHART_REQUESTS, json.loads(drawn.stdout), strict=True))


@pytest.mark.parametrize("chart", CHART_REQUESTS)
def test_every_chart_can_be_drawn(chart: str, drawings: dict[str, str]) -> None:
    drawn = drawings[chart]
    root = ET.fromstring(drawn)  # noqa: S314 - ours
    assert root.get("width") == str(AS_IT_IS.layout[0])
    for mark in ("undefined", "NaN", "[object"):
        assert mark not in drawn


def test_a_picture_has_two_pixels_for_each_of_the_page() -> None:
    drawn = b"".join(images.png_pieces(RANKING))
    assert drawn.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", drawn[16:24])
    assert width == 2 * AS_IT_IS.layout[0]
    assert height > 300
    assert len(drawn) > 20_000


def test_a_picture_has_in_it_what_it_is_and_where_it_comes_from() -> None:
    drawn = b"".join(images.svg_pieces(answer("states_mean", synthetic=True))).decode()
    for text in ("SYNTHETIC DATA, NOT REAL FIGURES", "soup at breakfast", "poor estimate", "Source: soups"):
        assert text in drawn


def test_an_svg_has_its_own_words_and_its_size_and_the_citation_is_in_its_metadata() -> None:
    root = ET.fromstring(b"".join(images.svg_pieces(RANKING, figure=OWN)))  # noqa: S314 - ours
    assert root.get("width") == "640"
    texts = ["".join(element.itertext()) for element in root.findall(".//{*}text")]
    assert "Who eats soup & <naps>" in texts
    assert any(text.endswith("Source: The survey of soups") for text in texts)
    assert not any("fingerprint" in text for text in texts)
    about = {name: root.findtext(f"{{*}}{name}") for name in ("title", "desc", "metadata")}
    assert about["title"] == "Who eats soup & <naps>"
    assert "Ranking" in str(about["desc"])
    assert about["metadata"] == RANKING.citation


def test_a_png_has_its_size_and_its_citation() -> None:
    drawn = b"".join(images.png_pieces(RANKING, figure=OWN))
    chunks, at = {}, 8
    while at < len(drawn):
        (length,) = struct.unpack(">I", drawn[at : at + 4])
        kind, data = drawn[at + 4 : at + 8], drawn[at + 8 : at + 8 + length]
        assert struct.unpack(">I", drawn[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + data)
        chunks[(kind, data.partition(b"\0")[0] if kind == b"iTXt" else b"")] = data
        at += length + 12
    assert struct.unpack(">I", chunks[b"IHDR", b""][:4]) == (960,)
    assert chunks[b"iTXt", b"Title"].endswith(b"\0Who eats soup & <naps>")
    assert chunks[b"iTXt", b"Comment"].endswith(RANKING.citation.encode())


def test_a_pdf_has_its_size_and_its_citation_and_can_be_read() -> None:
    drawn = b"".join(images.pdf_pieces(RANKING, figure=OWN))
    assert drawn.startswith(b"%PDF-")
    info = {key: bytes.fromhex(text.decode()).decode("utf-16") for key, text in _PDF_TEXT.findall(drawn)}
    assert info[b"Title"] == "Who eats soup & <naps>"
    assert info[b"Keywords"] == RANKING.citation
    # The last table of objects has the place of the new information, and leads to the table before it.
    [start] = re.findall(rb"startxref\s+(\d+)\s+%%EOF\s*$", drawn)
    number, place = re.match(rb"xref\s+(\d+) 1\s+(\d{10})", drawn[int(start) :]).groups()  # type: ignore[union-attr]
    assert drawn[int(place) :].startswith(number + b" 0 obj")
    before = int(re.findall(rb"/Prev (\d+)", drawn)[-1])
    assert drawn[before:].startswith(b"xref")
    width = float(re.findall(rb"/MediaBox \[0 0 ([0-9.]+)", drawn)[0])
    assert width == pytest.approx(640 * 0.75, rel=0.34)  # points, or pixels: it depends on the library


def test_a_size_is_that_of_the_whole_picture() -> None:
    root = ET.fromstring(b"".join(images.svg_pieces(RANKING, figure=Figure(size=Size.SOCIAL))))  # noqa: S314 - ours
    assert (root.get("width"), root.get("height")) == ("540", "540")


def test_a_picture_of_too_many_pixels_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "MOST_PIXELS", 1_000)
    with pytest.raises(NotAcceptable, match=r"1,000 pixels.*chart\.scale"):
        render(SPEC, "png")


@pytest.mark.parametrize("kind", ["svg", pytest.param("png", marks=pytest.mark.thorough)])
def test_drawn_twice_a_chart_has_the_same_bytes(kind: rendering.Kind) -> None:
    assert render(SPEC, kind) == render(SPEC, kind)


def test_texts_of_a_file_stay_texts() -> None:
    names = [*HOSTILE, "</script><script>alert(1)</script>", "</text></svg>", "\ud800", "x" * 10_000]
    table = Table(columns=(LOCATION, MEAN), data=(names, [1.0 + index for index in range(len(names))]))
    drawn = b"".join(images.svg_pieces(of(table, parameters={"question": "\x00</title><script>" * 500})))
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(drawn).iter()}  # noqa: S314 - ours
    assert tags <= {
        "svg",
        "g",
        "path",
        "text",
        "rect",
        "line",
        "style",
        "defs",
        "clipPath",
        "tspan",
        "title",
        "desc",
        "metadata",
    }
    assert b"".join(images.png_pieces(of(table))).startswith(b"\x89PNG")


def test_a_process_that_is_killed_is_a_problem_that_says_so(renderer: Callable[[str], None]) -> None:
    before = children()
    renderer("os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(PictureFailed, match=r"ended by SIGKILL.*vl\.json"):
        render(SPEC, "png")
    assert children() <= before


def test_the_last_output_of_the_process_is_for_who_runs_the_server(renderer: Callable[[str], None]) -> None:
    renderer("sys.stdin.readline(); sys.exit('out of ink')")
    with pytest.raises(PictureFailed, match=r"exit code 1\. The chart is also available") as caught:
        render(SPEC, "svg")
    assert "out of ink" not in caught.value.reason
    assert "Its last output: out of ink" in caught.value.operator_reason


def test_a_specification_that_cannot_be_drawn_is_a_problem() -> None:
    with pytest.raises(PictureFailed, match="exit code 1"):
        render({"mark": "no such mark"}, "svg")


def test_a_process_that_ends_well_without_a_picture_has_failed(renderer: Callable[[str], None]) -> None:
    renderer("sys.stdin.readline()")
    with pytest.raises(PictureFailed, match="exit code 0"):
        render(SPEC, "svg")


def test_a_process_that_hangs_is_ended_in_time(renderer: Callable[[str], None]) -> None:
    before = children()
    renderer("signal.pause()")
    with pytest.raises(PictureFailed, match=r"not drawn within 0\.3 s"):
        render(SPEC, "svg", seconds=0.3)
    assert children() <= before


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there, memory is not told and so not watched")
def test_a_process_that_takes_too_much_memory_is_ended(renderer: Callable[[str], None]) -> None:
    before = children()
    renderer("kept = b'x' * (200 << 20); signal.pause()")
    with pytest.raises(PictureFailed, match="more than 100 MB"):
        render(SPEC, "svg", memory_mb=100)
    assert children() <= before


def test_more_pictures_at_once_than_may_be_are_refused_and_later_ones_are_not(
    renderer: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer("sys.exit(1)")
    monkeypatch.setattr(rendering, "_places", threading.BoundedSemaphore(1))
    with rendering._places, pytest.raises(AnswersBusy):
        render(SPEC, "svg")
    # Also where it goes wrong, the place is free again.
    with pytest.raises(PictureFailed):
        render(SPEC, "svg")
    renderer("sys.stdin.readline(); sys.stdout.write('0 5\\ndrawn')")
    assert render(SPEC, "svg") == b"drawn"
    rendering.end_kept()


@pytest.mark.parametrize("address", one_case_in(2, ["file://{}", "{}"]))
def test_nothing_is_loaded_from_anywhere(address: str, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('[{"a": "a secret"}]', encoding="utf-8")
    data = {"url": address.format(tmp_path / "secret.json")}
    spec = {"data": data, "mark": "text", "encoding": {"text": {"field": "a"}}, "width": 100, "height": 100}
    try:
        drawn = render(spec, "svg")
    except PictureFailed:
        drawn = b""
    assert b"a secret" not in drawn


def test_what_a_specification_has_in_it_is_drawn() -> None:
    # So that the test above would find the secret in a drawing.
    spec = {"data": {"values": [{"a": "a secret"}]}, "mark": "text", "encoding": {"text": {"field": "a"}}}
    assert b"a secret" in render({**spec, "width": 100, "height": 100}, "svg")


def test_a_specification_longer_than_a_pipe_arrives_at_a_process_that_starts_slowly(
    renderer: Callable[[str], None],
) -> None:
    # A pipe takes 64 kB; the rest was never written, since communicate() had been interrupted to look at the memory.
    renderer("time.sleep(0.5); length = str(len(sys.stdin.readline())); print(f'0 {len(length)}\\n{length}', end='')")
    assert int(render({**SPEC, "description": "x" * 300_000}, "svg")) > 300_000


# Says which process it is, for each order.
_SAY = "for _ in sys.stdin: pid = str(os.getpid()); print(f'0 {len(pid)}\\n{pid}', end='', flush=True)"


def test_a_process_draws_one_picture_after_the_other_and_ends_when_it_is_told_to(
    renderer: Callable[[str], None],
) -> None:
    before = children()
    renderer(_SAY)
    assert len({render(SPEC, "svg") for _ in range(3)}) == 1
    rendering.end_kept()
    assert children() <= before


def test_a_process_that_has_ended_while_it_waited_is_replaced(renderer: Callable[[str], None]) -> None:
    renderer(_SAY)
    first = int(render(SPEC, "svg"))
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: first not in children(), "the process is gone, and not even waited for")
    assert int(render(SPEC, "svg")) != first
    rendering.end_kept()


def test_what_a_used_process_cannot_draw_is_tried_once_in_a_new_one(renderer: Callable[[str], None]) -> None:
    renderer(f"orders = []\n{_SAY}; orders.append(pid); len(orders) == 2 and sys.exit('no more')")
    first = int(render(SPEC, "svg"))
    assert int(render(SPEC, "svg")) == first  # after which it ends
    rendering._PROCESS.write_text("import sys\nsys.stdin.readline()\nsys.exit('no more')\n", encoding="utf-8")
    with pytest.raises(PictureFailed, match="exit code 1") as caught:
        render(SPEC, "svg")
    assert "no more" in caught.value.operator_reason
    assert first not in children()


def test_a_process_that_has_taken_much_memory_is_not_kept(
    renderer: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "_KEPT_MB", 0)
    renderer(_SAY)
    assert render(SPEC, "svg") != render(SPEC, "svg")


def test_what_was_drawn_before_changes_no_byte() -> None:
    rendering.end_kept()
    clipped = {**SPEC, "mark": {"type": "bar", "clip": True}}
    first = render(clipped, "svg")
    render({**SPEC, "mark": "point"}, "png")
    assert render(clipped, "svg") == first


def test_a_process_that_no_order_comes_to_ends(tmp_path: Path) -> None:
    program = rendering._PROCESS.read_text(encoding="utf-8").replace("_WAITS_S = 60", "_WAITS_S = 0")
    path = tmp_path / "render_process.py"
    path.write_text(program, encoding="utf-8")
    reading, writing = os.pipe()
    try:
        ended = subprocess.run(
            [sys.executable, str(path), str(os.getpid())],
            stdin=reading,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert (ended.returncode, ended.stdout) == (0, b"")
