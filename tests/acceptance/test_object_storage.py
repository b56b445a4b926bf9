"""Files in object storage, from the command line and as a server; the credentials are nowhere."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.support.command_line import meantime, reading_here
from tests.support.object_storage import Bucket
from tests.support.server_process import RunningServer
from tests.support.waiting import poll

TABLE = b"Question,LocationDesc,Data_Value\nQ,Utah,1\nQ,Ohio,4\n"


def test_a_table_is_served_and_followed_and_the_credentials_are_nowhere(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("tables/a.csv", TABLE)
    state = tmp_path / "state"
    with closing(RunningServer(f"stored={bucket.address('tables/')}", state_dir=state)) as server:
        server.ready()
        answer = server.client.get("/v1/statistics/states_mean?question=Q")
        assert [(row["location"], row["mean"]) for row in answer.json()["rows"]] == [("Utah", 1.0), ("Ohio", 4.0)]
        bucket.put("tables/b.csv", TABLE.replace(b"4", b"6"))
        server.client.post("/v1/datasets/stored/reload").raise_for_status()
        poll(lambda: server.client.get("/v1/datasets/stored").json()["rows"], lambda number: number == 4)
        said = [answer.text, server.client.get("/v1/datasets").text, *server.output]
    written = [path.read_bytes() for path in state.rglob("*") if path.is_file()]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        secret = bucket.storage.environment[name]
        assert not any(secret in each for each in said)
        assert not any(secret.encode() in each for each in written)


def test_of_two_servers_with_one_shelf_the_second_does_not_read(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("tables/a.csv", TABLE)
    said = []
    for name in ("one", "other"):
        options = (f"stored={bucket.address('tables/a.csv')}", "--shelf", bucket.address("shelf"))
        with closing(RunningServer(*options, state_dir=tmp_path / name)) as server:
            server.ready()
            rows = server.client.get("/v1/statistics/states_mean/rows.csv?question=Q&key=Utah").text
            fingerprint = server.client.get("/v1/datasets/stored").json()["fingerprint"]
            said.append((fingerprint, rows))
            if name == "one":
                server.wait_for("a snapshot was put on the shelf")
            else:
                server.wait_for("a snapshot was taken from the shelf")
    assert said[0] == said[1]
    assert list((tmp_path / "one" / "downloads").rglob("a.csv"))
    assert not list((tmp_path / "other" / "downloads").rglob("a.csv"))


def test_commands_take_an_address_and_say_in_one_line_what_is_wrong(bucket: Bucket) -> None:
    bucket.put("a.csv", TABLE)
    with reading_here():
        asked = meantime("ask", "states_mean", "--question", "Q", "--data", bucket.address("a.csv"), "--format", "csv")
        inspected = meantime("inspect", bucket.address("a.csv"))
    assert "Ohio,4" in asked.stdout, asked.stderr
    assert "a.csv" in inspected.stdout, inspected.stderr
    missing = meantime("inspect", bucket.address("b.csv"))
    assert missing.returncode
    # After a line of progress.
    assert missing.stderr.splitlines()[1:] == [
        f"meantime: There is nothing at {bucket.address('b.csv')}. Check the address; that of a folder ends with a "
        f"slash. AWS_ENDPOINT_URL names {bucket.storage.url.removeprefix('http://')}."
    ]
