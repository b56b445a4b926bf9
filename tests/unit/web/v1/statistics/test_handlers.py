"""GET /v1/statistics: what can be asked, and answers at once."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast
from urllib.parse import urlencode

import msgspec
import pytest

from meantime.compute.local import LocalCompute
from meantime.dataset.load_status import Failed, Loading, Ready, Status
from meantime.dataset.reading.progress import Progress
from meantime.dataset.snapshot import Snapshot
from meantime.errors import (
    AnswersBusy,
    AskAsJob,
    DatasetLoading,
    DatasetNotReady,
    DatasetUnknown,
    JobCancelled,
    MeantimeError,
    NotAcceptable,
    PathUnknown,
    RequestInvalid,
    SnapshotDamaged,
    SourceEmpty,
    StatisticUnknown,
)
from meantime.formats.document import Document
from meantime.formats.registry import FORMATS
from meantime.model import Request, Work
from meantime.statistics.check import Named
from meantime.statistics.cost import CostLimit, CostLimits
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyPrepared
from meantime.web.backend import Backend
from meantime.web.http.replies import ClientGone, Reply, Stream
from meantime.web.v1.statistics import handlers as statistics
from tests.support.busy_pool import busy_pool
from tests.support.factories import row, snapshot
from tests.support.http_requests import FakeRequest
from tests.support.many_places import QUESTIONS, TOTAL, places
from tests.support.waiting import PATIENCE_S

OBESITY = "Percent of adults, aged 18 & older, who have obesity"

OLD = snapshot([row(OBESITY, "Utah", "3")], polarity={OBESITY: "lower"})
NEW_FINGERPRINT = "e" * 64
NEW = Snapshot(
    fingerprint=NEW_FINGERPRINT,
    cube=snapshot([row(OBESITY, "Utah", "30"), row(OBESITY, "Ohio", "25")]).cube,
    about=OLD.about,
)


class Shelf:
    """A catalog of two data sets: the first is as it is set, the second is loading."""

    def __init__(self) -> None:
        self.names = ("cdc", "slow one")
        self.default = "cdc"
        self.current: Status = Ready(OLD)

    def status(self, name: str) -> Status:
        return self.current if name == "cdc" else Loading(Progress(phase="reading", share=0.5, rows=None))

    def snapshot(self, name: str, fingerprint: str | None = None) -> Snapshot:
        for each in (OLD, NEW):
            if each.fingerprint == fingerprint:
                return each
        if fingerprint is not None:
            raise SnapshotDamaged("not on disk")
        if not isinstance(self.current, Ready):
            raise DatasetNotReady(f"{name} failed to load.")
        return self.current.snapshot


class Computing:
    """Computes, counts how often, and waits in between if it is told to."""

    def __init__(self, shelf: Shelf) -> None:
        self.times = 0
        self.before: Callable[[Work], None] = lambda _: None
        self._local = LocalCompute(shelf)
        self.limits = CostLimits()

    def prepare(self, request: Request) -> AnyPrepared:
        return self._local.prepare(request)

    def document(self, prepared: AnyPrepared, dataset: str, work: Work) -> Document:
        self.times += 1
        self.before(work)
        return self._local.document(prepared, dataset, work)


class Server:
    """What is behind the handlers, asked by address."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.computing = Computing(self.shelf)
        self.backend = Backend(
            engine=cast("Any", None),
            catalog=cast("Any", self.shelf),
            compute=self.computing,
            wait_for=cast("Any", None),
            keep_ended_s=0,
            metrics=cast("Any", None),
            explorer=cast("Any", None),
        )

    async def answered(self, request: FakeRequest) -> Reply | Stream:
        handle: Callable[[Backend, Any], Awaitable[Reply | Stream]] = (
            statistics.answer_statistic if "suffix" in request.path_params else statistics.get_statistic
        )
        return await asyncio.wait_for(handle(self.backend, request), PATIENCE_S)

    def get(self, name: str, query: str = "", *, suffix: str | None = None, **headers: str) -> Reply:
        path = {"name": name} | ({} if suffix is None else {"suffix": suffix})
        reply = asyncio.run(self.answered(FakeRequest(path_params=path, query=query, **headers)))
        assert isinstance(reply, Reply)
        return reply

    def refusal(self, name: str, query: str, **more: Any) -> MeantimeError:
        with pytest.raises(MeantimeError) as caught:
            self.get(name, query, **more)
        return caught.value

    def problems(self, name: str, query: str) -> list[tuple[str, str]]:
        refused = self.refusal(name, query)
        assert isinstance(refused, RequestInvalid)
        return [(each.pointer, each.code) for each in refused.problems]


@pytest.fixture
def server() -> Iterator[Server]:
    yield Server()
    assert [each.name for each in threading.enumerate() if each.name == "meantime-query"] == []


def query(**parameters: Any) -> str:
    return urlencode({"question": OBESITY, **parameters}, doseq=True)


def headers_of(reply: Reply) -> dict[str, str]:
    return dict(reply.headers)


# What can be asked


def test_all_statistics_are_listed_with_what_they_estimate(server: Server) -> None:
    reply = asyncio.run(statistics.list_statistics(server.backend, FakeRequest(path_params={}, query="")))
    listed = json.loads(reply.body)["statistics"]
    assert [each["name"] for each in listed] == list(STATISTICS)
    assert all(each["help"] and each["estimates"] for each in listed)
    assert [each["links"]["self"] for each in listed] == [f"/v1/statistics/{name}" for name in STATISTICS]


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_without_a_query_is_described(server: Server, name: str) -> None:
    told = json.loads(server.get(name).body)
    assert told["name"] == name
    assert "question" in told["parameters"]["required"]
    assert told["parameters"]["properties"]["question"]["description"]
    assert [each["name"] for each in told["columns"]] == [column.name for column in STATISTICS[name].columns]
    if name not in ("association", "sensitivity"):  # correlations and ranks have no unit
        assert any(str(each["unit"]).startswith("of the question") for each in told["columns"])
    assert told["method_version"] == STATISTICS[name].method_version
    # The example's address asks for just the example's parameters.
    address, _, asked = told["example"]["href"].partition("?")
    assert address == f"/v1/statistics/{name}"
    assert server.problems(name, asked)[0] == ("/question", "unknown")


def test_a_description_is_not_sent_again_to_who_has_it(server: Server) -> None:
    etag = headers_of(server.get("summary"))["etag"]
    assert server.get("summary", if_none_match=etag).status == 304
    assert server.get("states_mean", if_none_match=etag).status == 200


def test_a_statistic_that_there_is_not_is_told_with_the_closest(server: Server) -> None:
    for asked in ("", query()):
        refused = server.refusal("states_maen", asked)
        assert isinstance(refused, StatisticUnknown)
        assert 'Did you mean "states_mean"' in refused.reason


def test_no_parameter_of_a_statistic_has_a_name_that_addresses_need() -> None:
    for each in STATISTICS.values():
        assert not {"dataset", "fingerprint"} & set(each.parameters.__struct_fields__)


# Answers


def test_the_answer_is_a_document_of_the_first_data_set(server: Server) -> None:
    reply = server.get("states_mean", query())
    told = json.loads(reply.body)
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert told["rows"] == [{"location": "Utah", "mean": 3.0, "count": 1, "withheld": 0}]
    assert (told["dataset"], told["fingerprint"], told["statistic"]) == ("cdc", OLD.fingerprint, "states_mean")
    assert json.loads(server.get("states_mean", query(dataset="cdc")).body) == told


def test_the_form_is_chosen_by_accept_or_suffix(server: Server) -> None:
    by_accept = server.get("states_mean", query(), accept="text/csv")
    by_suffix = server.get("states_mean", query(), suffix="csv")
    assert by_accept.body == by_suffix.body == b"location,mean,count,withheld\r\nUtah,3.0,1,0\r\n"
    assert isinstance(server.refusal("states_mean", query(), accept="image/gif"), NotAcceptable)
    assert isinstance(server.refusal("states_mean", query(), suffix="gif"), PathUnknown)


def test_every_form_has_an_etag_of_its_own(server: Server) -> None:
    etags = [headers_of(server.get("states_mean", query(), suffix=each))["etag"] for each in FORMATS]
    assert len(set(etags)) == len(FORMATS)


def test_a_chart_is_answered_where_the_statistic_has_one(server: Server) -> None:
    drawn = server.get("states_mean", query(), accept="image/svg+xml")
    assert (drawn.status, drawn.content_type) == (200, "image/svg+xml")
    assert b"</svg>" in drawn.body
    specification = server.get("states_mean", query(), suffix="vl.json")
    assert specification.content_type == "application/vnd.vegalite.v6+json"
    assert "means" in msgspec.json.decode(server.get("states_mean", "").body)["charts"][0]["name"]


def test_an_accept_that_would_take_a_chart_is_met_otherwise_where_there_is_none(server: Server) -> None:
    assert server.get("summary", query(), accept="image/png, */*;q=0.1").content_type == "application/json"
    assert "summary have no chart" in str(server.refusal("summary", query(), accept="image/png"))
    assert isinstance(server.refusal("summary", query(), suffix="svg"), NotAcceptable)


def test_a_chart_that_there_is_not_is_a_problem_of_the_query(server: Server) -> None:
    error = server.refusal("states_mean", query() + "&chart=meens", suffix="vl.json")
    assert isinstance(error, RequestInvalid)
    assert [each.pointer for each in error.problems] == ["/chart"]
    assert "means" in str(error)


def test_every_setting_of_a_chart_that_is_wrong_is_a_problem_before_anything_is_computed(server: Server) -> None:
    wrong = "&chart.width=9&chart.tittle=x&chart.theme=pink&chart.highlight=Utha&chart.limit=1&chart.limit=2"
    for suffix in ("csv", "png"):
        error = server.refusal("states_mean", query() + wrong, suffix=suffix)
        assert isinstance(error, RequestInvalid)
        assert sorted(each.pointer for each in error.problems) == [
            "/chart.limit",
            "/chart.theme",
            "/chart.tittle",
            "/chart.width",
        ]
    misspelled = server.refusal("states_mean", query() + "&chart.highlight=Utha", suffix="png")
    assert isinstance(misspelled, RequestInvalid)
    assert misspelled.problems[0].closest == ("Utah",)


def test_each_chart_has_an_etag_of_its_own(server: Server) -> None:
    asked = (query(), query() + "&chart=means", query() + "&chart.highlight=Utah", query() + "&chart.title=Naps")
    etags = [headers_of(server.get("states_mean", each, suffix="vl.json"))["etag"] for each in asked]
    assert len({*etags}) == 4


def test_equal_questions_have_one_etag_however_they_are_written(server: Server) -> None:
    plain = query(by=["location", "period"], location=["Utah"])
    written = [
        plain,
        "location=Utah&by=location&dataset=cdc&by=period&" + query(),
        query(location=["Utah", "Utah"], by=["location", "period"], quantiles=["0.50"], limit=""),
        query(by=["location", "period", "location"], location="Utah", quantiles="5e-1"),
        plain.replace("Utah", "%55t%61h").replace("+", "%20") + "&location=Utah&" + query(),
    ]
    etags = {headers_of(server.get("summary", each))["etag"] for each in written}
    assert len(etags) == 1
    others = [
        query(),
        query(by=["period", "location"], location="Utah"),
        query(by=["location", "period"], location="Utah", quantiles=["0.5", "0.25"]),
    ]
    assert not etags & {headers_of(server.get("summary", each))["etag"] for each in others}


def test_the_etag_is_another_for_other_data_another_name_and_another_method(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = headers_of(server.get("states_mean", query()))["etag"]
    server.shelf.current = Ready(NEW)
    assert headers_of(server.get("states_mean", query()))["etag"] != before
    newer = dataclasses.replace(STATISTICS["states_mean"], method_version=2)
    monkeypatch.setattr("meantime.web.v1.statistics.handlers.STATISTICS", {"states_mean": newer})
    another = Server()
    assert headers_of(another.get("states_mean", query()))["etag"] != before


def test_who_has_the_answer_is_told_so_and_nothing_is_computed(server: Server) -> None:
    etag = headers_of(server.get("states_mean", query()))["etag"]
    another = Server()
    reply = another.get("states_mean", query(), if_none_match=etag)
    assert (reply.status, reply.body, another.computing.times) == (304, b"", 0)
    assert headers_of(reply)["etag"] == etag


def test_only_what_names_its_snapshot_may_be_kept_without_asking_again(server: Server) -> None:
    assert headers_of(server.get("states_mean", query()))["cache-control"] == "public, no-cache"
    pinned = server.get("states_mean", query(fingerprint=OLD.fingerprint))
    assert headers_of(pinned)["cache-control"] == "public, max-age=31536000, immutable"
    # Another data set is loaded: the one that was named still answers.
    server.shelf.current = Ready(NEW)
    assert server.get("states_mean", query(fingerprint=OLD.fingerprint)).body == pinned.body
    assert json.loads(server.get("states_mean", query()).body)["fingerprint"] == NEW_FINGERPRINT
    assert server.get("states_mean", query(fingerprint=OLD.fingerprint, dataset="slow one")).status == 200
    assert server.problems("states_mean", query(fingerprint="d" * 64)) == [("/fingerprint", "unknown")]
    assert server.problems("states_mean", query(fingerprint="../..", colour="red")) == [
        ("/fingerprint", "type"),
        ("/colour", "unknown-key"),
    ]


# What cannot be answered


def test_everything_that_is_wrong_is_told_at_once(server: Server) -> None:
    asked = "question=x&question=y&by=locaton&quantiles=half&quantiles=2&limit=0&order=-maen&a/b=1"
    assert server.problems("summary", asked) == [
        ("/question", "repeated"),
        ("/question", "unknown"),
        ("/by/0", "type"),
        ("/quantiles/0", "type"),
        ("/quantiles/1", "type"),
        ("/limit", "type"),
        ("/a~1b", "unknown-key"),
    ]
    assert server.problems("states_mean", "dataset=cdc") == [("/question", "missing")]
    assert server.refusal("states_mean", "dataset=cdc&dataset=cdc&question=").reason.startswith("The data set has no")


def test_data_sets_that_cannot_be_asked_are_told_apart(server: Server) -> None:
    unknown = server.refusal("states_mean", query(dataset="cdcc"))
    assert isinstance(unknown, DatasetUnknown)
    assert 'Did you mean "cdc"' in unknown.reason
    loading = server.refusal("states_mean", query(dataset="slow one"))
    assert isinstance(loading, DatasetLoading)
    assert loading.retry_after_s == 1
    server.shelf.current = Failed(SourceEmpty("It has no rows."))
    assert isinstance(server.refusal("states_mean", query()), DatasetNotReady)


# Long answers


@pytest.mark.parametrize(
    ("suffix", "pairs", "error"),
    [("svg", {}, NotAcceptable), ("csv", {"chart": "pie"}, RequestInvalid), ("docx", {}, PathUnknown)],
)
def test_a_form_or_chart_that_there_is_not_is_refused_before_anything_is_selected(
    server: Server, monkeypatch: pytest.MonkeyPatch, suffix: str, pairs: dict[str, str], error: type[Exception]
) -> None:
    selected: list[Named] = []
    monkeypatch.setattr(Named, "prepared", selected.append)
    assert isinstance(server.refusal("summary", query(**pairs), suffix=suffix), error)
    assert (selected, server.computing.times) == ([], 0)


def test_what_is_seen_to_cost_too_much_by_its_number_of_cells_is_not_selected(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.computing.limits = CostLimits(at_once=CostLimit(seconds=1e-7, answer_bytes=10**9))
    selected: list[Named] = []
    monkeypatch.setattr(Named, "prepared", selected.append)
    refused = server.refusal("summary", query())
    assert isinstance(refused, AskAsJob)
    assert refused.reason.startswith("This summary goes through ")
    assert selected == []


def test_what_is_seen_to_have_too_long_an_answer_by_the_number_of_its_locations_is_not_selected(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.shelf.current = Ready(places(1_000, groups=(TOTAL,)))
    server.computing.limits = CostLimits(at_once=CostLimit(seconds=1.5, answer_bytes=50_000))
    selected: list[Named] = []
    monkeypatch.setattr(Named, "prepared", selected.append)
    for suffix in ("json", "csv", "vl.json", "png"):
        refused = server.refusal("estimate", urlencode({"question": QUESTIONS[0]}), suffix=suffix)
        assert isinstance(refused, AskAsJob)
    assert refused.reason.startswith(
        "This estimate reads at least 500 values, less than 0.1 s of computing; its answer "
    )
    assert selected == []


@pytest.mark.parametrize("suffix", ["vl.json", "svg"])
def test_a_chart_without_its_columns_is_refused_before_the_cells_are_selected(
    server: Server, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    selected: list[Named] = []
    monkeypatch.setattr(Named, "prepared", selected.append)
    refused = server.refusal("distribution", query(show="figures"), suffix=suffix)
    assert isinstance(refused, NotAcceptable)
    assert refused.reason.startswith("This result has no column 'estimate', which its chart is drawn from.")
    assert selected == []


def test_a_chart_with_too_many_marks_is_refused_before_it_is_computed(server: Server) -> None:
    groups = tuple(("Age", f"{age}") for age in range(40))
    server.shelf.current = Ready(places(60, groups=groups, years=range(2010, 2013)))
    asked = urlencode({"question": QUESTIONS[0], "years": "all", "by": ["stratum", "period"]}, doseq=True)
    refused = server.refusal("estimate", asked, suffix="vl.json")
    assert isinstance(refused, NotAcceptable)
    assert refused.reason.startswith("The result has 7,320 rows, and a chart shows at most 5,000.")
    assert server.computing.times == 0


def test_what_costs_too_much_is_to_be_asked_as_a_job(server: Server) -> None:
    server.computing.limits = CostLimits(at_once=CostLimit(seconds=1.5, answer_bytes=1_000))
    refused = server.refusal("summary", query())
    assert isinstance(refused, AskAsJob)
    assert refused.reason.startswith(
        "This summary reads 1 value, less than 0.1 s of computing; its answer has less than 1 MB. "
    )
    assert server.computing.times == 0


def test_answers_are_made_in_threads_and_only_so_many_long_ones_at_a_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meantime.web.v1.statistics.immediate._SHORT_S", 0)
    go_on = threading.Event()
    made_in = set[str]()

    def wait(_: Work) -> None:
        made_in.add(threading.current_thread().name.rpartition("_")[0])
        go_on.wait(PATIENCE_S)

    server.computing.before = wait

    async def story() -> list[Any]:
        # Each is another question, so that none is answered with what was made for another.
        calls = [FakeRequest(path_params={"name": "summary"}, query=query(limit=number)) for number in range(1, 20)]
        tasks = [asyncio.ensure_future(server.answered(call)) for call in calls]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_S)
        assert len(done) == 1  # 2 are made and 16 wait
        go_on.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(story())
    assert [type(each) for each in answers if isinstance(each, Exception)] == [AnswersBusy]
    assert sum(isinstance(each, Reply) for each in answers) == 18
    assert server.get("summary", query()).status == 200
    assert made_in == {"long answers"}


def test_short_answers_do_not_wait_for_long_ones(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.backend.pools, "long", busy_pool())
    assert server.get("summary", query()).status == 200
    monkeypatch.setattr("meantime.web.v1.statistics.immediate._SHORT_LOCATIONS", 0)
    assert isinstance(server.refusal("comparison", query(reference="Utah")), AnswersBusy)
    monkeypatch.setattr("meantime.web.v1.statistics.immediate._SHORT_LOCATIONS", 1)
    server.shelf.current = Ready(NEW)  # two locations, of which one is named
    assert isinstance(server.refusal("summary", query(limit=2)), AnswersBusy)
    # Naming one does not make a ranking shorter.
    assert isinstance(server.refusal("ranking", query(alike_of="Utah")), AnswersBusy)
    assert server.get("summary", query(location="Utah")).status == 200
    monkeypatch.setattr("meantime.web.v1.statistics.immediate._SHORT_CELLS", 0)
    busy = server.refusal("summary", query(location="Utah", limit=3))
    assert isinstance(busy, AnswersBusy)
    assert busy.retry_after_s == 1


def test_those_who_waited_for_an_equal_answer_are_refused_with_it(server: Server) -> None:
    refused, begun, go_on = AnswersBusy("Too many."), threading.Event(), threading.Event()

    def refuse(_: Work) -> None:
        begun.set()
        go_on.wait(PATIENCE_S)
        raise refused

    server.computing.before = refuse

    async def story() -> list[Any]:
        asked = [server.answered(FakeRequest(path_params={"name": "summary"}, query=query())) for _ in range(5)]
        tasks = [asyncio.ensure_future(each) for each in asked]
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        go_on.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert asyncio.run(story()) == [refused] * 5
    assert server.computing.times == 1
    server.computing.before = lambda _: None
    assert server.get("summary", query()).status == 200


def test_a_long_answer_that_many_ask_for_at_once_is_made_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.v1.statistics.immediate._SHORT_S", 0)
    begun, go_on = threading.Event(), threading.Event()

    def wait(_: Work) -> None:
        begun.set()
        go_on.wait(PATIENCE_S)

    server.computing.before = wait

    async def story() -> list[Any]:
        asked = [server.answered(FakeRequest(path_params={"name": "summary"}, query=query())) for _ in range(20)]
        tasks = [asyncio.ensure_future(each) for each in asked]
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        # One of those that wait goes away; it is nobody's turn by that.
        tasks[1].cancel()
        go_on.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, left, *others = asyncio.run(story())
    assert isinstance(left, asyncio.CancelledError)
    assert all(each is first for each in others)
    assert server.computing.times == 1


def test_an_answer_that_nobody_waits_for_any_more_is_not_finished(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meantime.web.v1.statistics.immediate._SHORT_S", 0)
    begun, ended = threading.Event(), threading.Event()

    def until_stopped(work: Work) -> None:
        begun.set()
        try:
            while True:
                work.check()
        except JobCancelled:
            ended.set()
            raise

    server.computing.before = until_stopped

    async def story() -> None:
        call = FakeRequest(path_params={"name": "summary"}, query=query())
        task = asyncio.ensure_future(server.answered(call))
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        call.left.set()
        with pytest.raises(ClientGone):
            await task
        assert await asyncio.to_thread(ended.wait, PATIENCE_S)

    asyncio.run(story())


def test_an_answer_that_takes_too_long_is_to_be_asked_as_a_job(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.v1.statistics.immediate._SECONDS", -1.0)
    assert isinstance(server.refusal("summary", query()), AskAsJob)


# Answers that are kept ready


def test_the_same_request_is_answered_with_what_was_made_before(server: Server) -> None:
    first = server.get("states_mean", query())
    assert server.get("states_mean", query()) is first
    assert server.computing.times == 1
    assert server.get("states_mean", query(), accept="text/csv").content_type.startswith("text/csv")
    assert server.get("states_mean", query(), suffix="csv").content_type.startswith("text/csv")
    assert server.get("states_mean", query(), if_none_match=headers_of(first)["etag"]).status == 304
    assert server.get("best5", query()).body != first.body
    assert server.get("states_mean", query(), range="bytes=0-0").body == first.body[:1]


def test_what_was_kept_is_not_given_once_the_data_is_another(server: Server) -> None:
    before = server.get("states_mean", query())
    server.shelf.current = Ready(NEW)
    after = server.get("states_mean", query())
    assert json.loads(after.body)["fingerprint"] == NEW_FINGERPRINT != json.loads(before.body)["fingerprint"]
    server.shelf.current = Failed(SourceEmpty("It has no rows."))
    assert isinstance(server.refusal("states_mean", query()), DatasetNotReady)


def test_no_more_is_kept_than_there_is_room_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.answer_cache._KEPT_ANSWERS", 2)
    asked = [query(limit=number) for number in (1, 2, 3)]
    one, two, _ = [server.get("summary", each) for each in asked]
    assert server.get("summary", asked[1]) is two
    assert server.get("summary", asked[0]) is not one
    monkeypatch.setattr("meantime.web.answer_cache._KEPT_BYTES", 1)
    again = server.get("summary", asked[2])
    assert server.get("summary", asked[2]) is not again


def test_neither_long_answers_nor_long_addresses_are_kept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    long_one = "&".join([query()] * 100)
    assert server.get("states_mean", long_one) is not server.get("states_mean", long_one)
    monkeypatch.setattr("meantime.web.answer_cache._KEPT_ANSWER_BYTES", 10)
    assert server.get("states_mean", query()) is not server.get("states_mean", query())
