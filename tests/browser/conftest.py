"""A real browser at a real server. Skipped where there is no Chromium, never in CI."""

from __future__ import annotations

import csv
import fcntl
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from meantime.web.explorer.drawing import Drawing
from tests.support import made_survey
from tests.support.browser import Visitor
from tests.support.command_line import meantime
from tests.support.real_data import BY_SEX, FOLDER, SUBSET
from tests.support.server_process import RunningServer, serving
from tests.support.shared_server import the_server_still_runs as the_server_still_runs

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
# They cost more than the page of a test: each fresh profile opens a window, with pages of its own in which Chromium
# suggests addresses, and a process in reserve.
UNUSED_FEATURES = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "SpareRendererForSitePerProcess"),
    # The last list counts alone, so this one repeats what Playwright turns off and may concern a page.
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "PaintHolding"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "ThirdPartyStoragePartitioning"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "AimEnabled", "PreconnectToSearch"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "IsolateOrigins", "site-per-process"),
)
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # Visitors share a process, with what it has compiled: otherwise the policy of the page has each visit start one.
    *("--renderer-process-limit=1", "--disable-site-isolation-trials"),
    f"--disable-features={','.join(UNUSED_FEATURES)}",
)
IS_CI = os.environ.get("CI") == "true"

OBESITY = "Percent of adults aged 18 years and older who have obesity"
IDLE = "Percent of adults who engage in no leisure-time physical activity"
MARKUP = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&amp;"
BACKWARDS = "\u202edrawkcab \u2066isolated\u2069 \u200f"
LONG = "A name without an end " * 40
HOSTILE = (
    MARKUP,
    BACKWARDS,
    LONG,
    '=HYPERLINK("http://elsewhere.example")',
    "javascript:alert(1)",
    "{{7*7}} ${7*7} %s",
)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The path of the browser. Without one the tests are skipped before the server starts."""
    if not CHROMIUM.exists() and not IS_CI:
        pytest.skip(f"there is no browser at {CHROMIUM} (apt-get install chromium, or set CHROMIUM)")
    return CHROMIUM


@pytest.fixture(scope="session")
def new_state(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:  # noqa: ARG001
    """Makes state directories that have the library of charts: a server would take three seconds to make its own."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all processes of this run
    library = folder / "explorer"
    with (folder / "explorer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Drawing(library).gzip_bytes()

    def make(state_dir: Path) -> Path:
        shutil.copytree(library, state_dir / "explorer")
        return state_dir

    return make


@pytest.fixture(scope="session")
def server(new_state: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the CDC's file (if it is there), the sample, a made survey, hostile names, and a broken file."""
    folder = tmp_path_factory.mktemp("browser")
    sample, made, hostile, broken = (folder / f"{name}.csv" for name in ("sample", "made", "hostile", "broken"))
    assert meantime("sample", "--rows", "20000", "--out", str(sample)).returncode == 0
    made_survey.write(made)
    _write_hostile(hostile)
    broken.write_text("no,roles\n1,2\n")
    data = {"sample": sample, "made": made, "hostile": hostile, "broken": broken}
    if (real := FOLDER / BY_SEX).exists():
        data = {"real": real, **data, "subset": FOLDER / SUBSET}
    sources = [f"{name}={path}" for name, path in data.items()]
    with serving(*sources, state_dir=new_state(folder / "state"), MEANTIME_REJECTED_LIMIT="0.5") as running:
        for name in data:
            running.wait_for(rf"data set (ready|failed) .*dataset={name}\b")
        yield running


def _write_hostile(path: Path) -> None:
    """Write a table in which every label, footnote and rejected line contains markup."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            [
                *("Topic", "Question", "LocationDesc", "StratificationCategory1", "Stratification1", "YearStart"),
                *("YearEnd", "Data_Value_Unit", "Data_Value", "Low_Confidence_Limit", "High_Confidence_Limit"),
                *("Sample_Size", "Data_Value_Footnote_Symbol", "Data_Value_Footnote"),
            ]
        )
        for number, location in enumerate(HOSTILE):
            for group in HOSTILE[:2]:
                labels = [MARKUP, MARKUP, location, MARKUP, group, 2020, 2020, MARKUP]
                rows.writerow([*labels, 20 + number, 18 + number, 22 + number, 900, "", ""])
        rows.writerow([MARKUP, MARKUP, MARKUP, MARKUP, LONG, 2020, 2020, MARKUP, "", "", "", "", MARKUP, BACKWARDS])
        file.write(f'"{MARKUP.replace(chr(34), chr(34) * 2)}",too,few\r\n')


# The browser of a session, and what closes it.
_OPENED = pytest.StashKey[tuple[Browser, ExitStack]]()


@pytest.fixture
def browser(request: pytest.FixtureRequest, chromium: Path) -> Browser:
    """One for all tests in a row that want a browser: starting it costs as much as two pages."""
    stash = request.session.stash
    if _OPENED not in stash:
        with ExitStack() as closing:
            launcher = closing.enter_context(sync_playwright()).chromium
            launched = closing.enter_context(launcher.launch(executable_path=str(chromium), args=list(ARGUMENTS)))
            launched.new_context(locale="en-US")  # the profile that visitors share
            stash[_OPENED] = launched, closing.pop_all()
    return stash[_OPENED][0]


def _close_browser(session: pytest.Session) -> None:
    if _OPENED in session.stash:
        session.stash[_OPENED][1].close()
        del session.stash[_OPENED]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Close the browser before tests of other folders: it has an event loop run, and they start their own."""
    try:
        yield
    finally:
        if nextitem is None or nextitem.path.parent != item.path.parent:
            _close_browser(item.session)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close the browser where the tests end early."""
    _close_browser(session)


@pytest.fixture
def visitor(browser: Browser, server: RunningServer) -> Iterator[Visitor]:
    """A visit with a fresh profile, which fails if the page misbehaved."""
    with Visitor(browser, server.url) as somebody:
        yield somebody


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which checks accessibility."""
    path = os.environ.get("AXE_CORE", "")
    if not path:
        (pytest.fail if IS_CI else pytest.skip)(
            "AXE_CORE does not say where axe.min.js is (npm install axe-core); .ci/run does"
        )
    return Path(path).read_text(encoding="utf-8")
