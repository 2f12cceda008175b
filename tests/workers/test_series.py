"""Samples from files, services and functions: what is read, once, and what cannot be."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stepwell.model.actions import HttpAction, SampleAction, Succeeded
from stepwell.model.base import SECOND
from stepwell.workers import samples as formats
from stepwell.workers.http import HttpRunner
from stepwell.workers.series import MOST, SeriesRunner
from tests.support.http_server import DROP, HttpServer, Reply, Request
from tests.support.work_context import PlainContext

pytestmark = pytest.mark.spec("N7")

NOW = 1_000 * SECOND
HEAD = "time,channel,value\n"


def read(file: str = "stand.csv", **members: Any) -> SampleAction:
    return SampleAction("p", members.pop("since", 0), NOW, file=file, **members)


async def ask(runner: SeriesRunner, action: SampleAction) -> dict[str, Any]:
    outcome = await runner.perform(action, PlainContext())
    assert isinstance(outcome, Succeeded)
    return dict(outcome.output)


def values(report: dict[str, Any]) -> list[Any]:
    return [value for _, value in report["samples"]]


@pytest.fixture
async def runner(tmp_path: Path) -> Any:
    http = HttpRunner()
    made = SeriesRunner(http, folder=tmp_path, sources=SOURCES)
    yield made
    await made.close()
    await http.close()


def rising(channel: str, tags: dict[str, str], after: datetime) -> Any:
    if channel != "p":
        return None
    return [(after.timestamp() + 1, 7), {"time": after.timestamp() + 2, "value": 8}]


async def slow(channel: str, tags: dict[str, str], after: datetime) -> Any:
    return ((second, second) for second in range(1, MOST + 100))


def absent(channel: str, tags: dict[str, str], after: datetime) -> Any:
    raise KeyError("retired")


def broken(channel: str, tags: dict[str, str], after: datetime) -> Any:
    raise OSError("bus off")


SOURCES = {"rising": rising, "slow": slow, "absent": absent, "broken": broken}


# --- files ----------------------------------------------------------------------------------------


async def test_a_file_is_read_on_from_where_it_was_left(runner: SeriesRunner, tmp_path: Path) -> None:
    file = tmp_path / "stand.csv"
    file.write_text(HEAD + "1,p,5\n2,q,9\n3,p,6.5\n4,p,tr")
    first = await ask(runner, read())
    assert first["samples"] == [(1 * SECOND, 5), (3 * SECOND, 6.5)]
    with file.open("a") as more:
        more.write("ue\n5,p,open\n")
    second = await ask(runner, read(position=first["position"]))
    assert second["samples"] == [(4 * SECOND, True), (5 * SECOND, "open")], (
        "the half line was left until it was whole"
    )
    assert (await ask(runner, read(position=second["position"])))["samples"] == []


async def test_a_file_that_was_begun_anew_is_read_from_its_beginning(
    runner: SeriesRunner, tmp_path: Path
) -> None:
    file = tmp_path / "stand.csv"
    file.write_text(HEAD + "1,p,5\n" * 50)
    first = await ask(runner, read())
    file.write_text(HEAD + "9,p,1\n")
    assert values(await ask(runner, read(position=first["position"], after=SECOND))) == [1]


async def test_only_what_is_wanted_is_told(runner: SeriesRunner, tmp_path: Path) -> None:
    rows = [
        {"time": 1, "channel": "p", "value": 1, "tags": {"stand": "A1"}},
        {"time": "1970-01-01T00:00:02Z", "channel": "p", "value": 2, "tags": {"stand": "A2", "side": "l"}},
        {"time": "1970-01-01T01:00:03+01:00", "channel": "p", "value": 3, "tags": {"stand": "A2"}},
        {"time": "soon", "channel": "p", "value": 4},
        {"time": 5, "channel": "p"},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows) + "no json\n"
    (tmp_path / "stand.jsonl").write_text(text)
    assert values(await ask(runner, read("stand.jsonl"))) == [1, 2, 3]
    assert values(await ask(runner, read("stand.jsonl", tags={"stand": "A2"}))) == [2, 3]
    assert values(await ask(runner, read("stand.jsonl", after=2 * SECOND))) == [3]
    assert values(await ask(runner, read("stand.jsonl", since=2 * SECOND))) == [2, 3]


async def test_csv_columns_stand_in_any_order_and_tags_and_quotes_are_read(
    runner: SeriesRunner, tmp_path: Path
) -> None:
    (tmp_path / "s.CSV").write_text('\ufeffvalue,Tags,time,channel\n"a, b",stand=A2; side=l,1,p\n2,,2,p\n')
    assert values(await ask(runner, read("s.CSV"))) == ["a, b", 2]
    assert values(await ask(runner, read("s.CSV", tags={"stand": "A2", "side": "l"}))) == ["a, b"]


@pytest.mark.parametrize(
    "name", ["../out.csv", "/etc/passwd", "link.csv", "a/../../out.csv", "none.csv", "x\0.csv", ".", "n" * 300, "pipe", "\udc80"]
)  # fmt: skip
async def test_nothing_outside_the_folder_is_read(runner: SeriesRunner, tmp_path: Path, name: str) -> None:
    outside = tmp_path.parent / "out.csv"
    outside.write_text(HEAD + "1,p,5\n")
    (tmp_path / "link.csv").symlink_to(outside)
    os.mkfifo(tmp_path / "pipe")
    assert (await ask(runner, read(name)))["missing"] == "source_not_found"


async def test_without_a_folder_no_file_is_read() -> None:
    report = await ask(SeriesRunner(HttpRunner()), read())
    assert report["missing"] == "source_not_found"


async def test_a_file_without_the_channel_and_one_without_data(runner: SeriesRunner, tmp_path: Path) -> None:
    file = tmp_path / "stand.csv"
    file.write_text(HEAD)
    empty = await ask(runner, read())
    assert empty["samples"] == []
    file.write_text(HEAD + "1,q,5\n")
    for latest in (False, True):
        assert (await ask(runner, read(latest=latest)))["missing"] == "channel_not_found"
    file.write_text("when,what\n1,2\n")
    assert (await ask(runner, read()))["missing"] == "source_not_found"
    file.write_text("")
    assert (await ask(runner, read()))["samples"] == []


async def test_a_channel_that_was_seen_once_is_there(runner: SeriesRunner, tmp_path: Path) -> None:
    file = tmp_path / "stand.csv"
    file.write_text(HEAD + "1,p,5\n")
    first = await ask(runner, read())
    file.write_text(HEAD + "1,p,5\n2,q,5\n")
    assert (await ask(runner, read(position=first["position"])))["samples"] == []


@pytest.mark.spec("N14")
@pytest.mark.parametrize("block", [16, 64, 1 << 20])
async def test_the_latest_sample_is_found_from_the_end(
    runner: SeriesRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(formats, "BLOCK", block)
    file = tmp_path / "stand.csv"
    with file.open("w") as out:
        out.write(
            HEAD + "".join(f"{at},{channel},{at}\n" for at in range(1, 40) for channel in "pq") + "41,p,4"
        )
    report = await ask(runner, read(latest=True))
    assert report["samples"] == [(39 * SECOND, 39)]
    assert (await ask(runner, read(latest=True, since=40 * SECOND)))["samples"] == []


async def test_a_large_file_comes_in_parts(
    runner: SeriesRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "BLOCK", 64)
    (tmp_path / "stand.csv").write_text(HEAD + "".join(f"{at},p,{at}\n" for at in range(100)))
    found, position, reports = [], None, 0
    while True:
        report = await ask(runner, read(position=position))
        found, position, reports = found + values(report), report["position"], reports + 1
        if not report.get("more"):
            break
    assert found == list(range(100)) and reports > 10
    (tmp_path / "long.csv").write_text(HEAD + "x" * 1000)
    assert (await ask(runner, read("long.csv")))["missing"] == "source_not_found"


async def test_a_long_history_is_gone_through_at_once_and_small_steps_are_not_noted(
    runner: SeriesRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "BLOCK", 64)
    file = tmp_path / "stand.csv"
    file.write_text(HEAD + "".join(f"{at},p,{at}\n" for at in range(1000)))
    first = await ask(runner, read(since=999 * SECOND))
    assert values(first) == [999], "what is too old is left out on the way"
    with file.open("a") as more:
        more.write("1000,q,1\n" * 20)
    quiet = await ask(runner, read(position=first["position"], after=999 * SECOND))
    assert (quiet["samples"], quiet["position"]) == ([], first["position"])
    monkeypatch.setattr("stepwell.workers.series.NEAR", 100)
    noted = await ask(runner, read(position=first["position"], after=999 * SECOND))
    assert noted["position"]["offset"] == file.stat().st_size


async def test_a_source_that_says_the_same_again_is_not_asked_at_once_again(runner: SeriesRunner) -> None:
    late = SampleAction("p", 0, NOW, name="slow", after=(MOST + 500) * SECOND)
    assert "more" not in await ask(runner, late)


async def test_values_that_are_no_single_value_are_named(runner: SeriesRunner, tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"time":1,"channel":"p","value":[1,2]}\n')
    assert (await ask(runner, read("s.jsonl")))["missing"] == "unsupported_type"


@pytest.mark.parametrize(
    "given", ["", "x", "nan", "inf", None, True, [], {}, 1e300, "9" * 400, "0001-01-01T00:00+23:00"]
)
def test_what_is_no_time_is_none(given: Any) -> None:
    found = formats.instant(given)
    assert found is None or abs(found) < formats.FAR


def test_times() -> None:
    wanted = 1_700_000_000 * SECOND
    zoned = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    for given in (1_700_000_000, "1700000000.0", "2023-11-14T22:13:20", "2023-11-14T23:13:20+01:00", zoned):
        assert formats.instant(given) == wanted


# --- services -------------------------------------------------------------------------------------


def service(server: HttpServer, **members: Any) -> SampleAction:
    request = HttpAction("GET", server.url("/samples"), {}, {"unit": "bar"})
    return SampleAction("p", 0, NOW, http=request, **members)


async def test_a_service_is_told_the_channel_and_since_when(runner: SeriesRunner) -> None:
    async with HttpServer() as server:
        server.route(
            "/samples",
            lambda request: Reply.json(
                [{"time": 4, "value": 1}, [3, 2], {"time": 4, "value": 9, "channel": "q"}]
            ),
        )
        report = await ask(runner, service(server, after=2 * SECOND))
        assert report["samples"] == [(3 * SECOND, 2), (4 * SECOND, 1)]
        asked: Request = server.requests[0]
        assert dict(asked.query) == {"unit": "bar", "channel": "p", "after": "1970-01-01T00:00:02.000000Z"}


async def test_one_value_without_a_time_is_the_value_of_now(runner: SeriesRunner) -> None:
    async with HttpServer() as server:
        server.route("/samples", Reply.json({"value": 5}))
        assert (await ask(runner, service(server)))["samples"] == [(NOW, 5)]
        server.route("/samples", Reply.json({"samples": [[1, 2]]}))
        assert (await ask(runner, service(server)))["samples"] == [(SECOND, 2)]


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (Reply.json([], 404), "missing"),
        (Reply.json([], 500), "error"),
        (Reply.json({"x": 1}), "error"),
        (Reply.json(["x"]), "error"),
        (Reply.text("no"), "error"),
        (Reply.json([{"time": 1, "value": 1, "channel": "q"}]), "missing"),
        (DROP, "error"),
    ],
)
async def test_what_a_service_says_that_is_no_sample(runner: SeriesRunner, reply: Any, word: str) -> None:
    async with HttpServer() as server:
        server.route("/samples", reply)
        assert word in await ask(runner, service(server))


# --- functions ------------------------------------------------------------------------------------


async def test_functions_that_the_program_registered(runner: SeriesRunner) -> None:
    def by(name: str, channel: str = "p") -> SampleAction:
        return SampleAction(channel, 0, NOW, name=name, after=10 * SECOND)

    assert (await ask(runner, by("rising")))["samples"] == [(11 * SECOND, 7), (12 * SECOND, 8)]
    assert (await ask(runner, by("rising", "q")))["missing"] == "channel_not_found"
    assert (await ask(runner, by("absent")))["missing"] == "channel_not_found"
    assert "bus off" in (await ask(runner, by("broken")))["error"]
    assert (await ask(runner, by("nobody")))["missing"] == "source_not_found"
    endless = await ask(runner, by("slow"))
    assert endless["more"] and len(endless["samples"]) == MOST - 10


class Odd:
    """A scalar of another library."""

    def item(self) -> float:
        return 2.5


class Count(int):
    pass


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (Decimal("4.50"), 4.5),
        (Decimal(3), 3),
        (Odd(), 2.5),
        (Count(7), 7),
        ("\ud800", "?"),
        (None, None),
        (True, True),
    ],
)
def test_values_are_those_of_json(given: Any, found: Any) -> None:
    value = formats.plain(given)
    assert (type(value), value) == (type(found), found)


@pytest.mark.parametrize("given", [[1], {"a": 1}, b"x", object(), {"item": 1}])
def test_what_is_no_single_value_is_refused(given: Any) -> None:
    with pytest.raises(TypeError):
        formats.plain(given)
