"""Archiving from outside: plan, token, receipt, restore; families, keys, live engines, crashes (SPEC Q18)."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from stepwell import Conflict, InvalidInput, NotFound, Stepwell, StoreError
from stepwell.client.archive import plan as plans
from stepwell.model.archive import Candidate
from stepwell.model.errors import Archived, StoreDamaged
from tests.engine.helpers import FakeClock, flow, open_at

DAY = 86_400
DONE = flow("do:\n  - a: {set: {x: 1}}\n", "done")
OTHER = flow("do:\n  - a: {set: {x: 2}}\n", "other")
BAD = flow("do:\n  - a: {raise: {error: {type: 'https://x', status: 500}}}\n", "bad")
WAIT = flow("do:\n  - a: {wait: {hours: 1000}}\n", "wait")
PARENT = flow(
    "do:\n  - a: {run: {workflow: {namespace: test, name: done, version: '1.0.0'}}}\n"
    "  - b: {raise: {error: {type: 'https://x', status: 500}}}\n",
    "parent",
)


async def fill(engine: Stepwell, count: int = 5, source: str = DONE, **options: Any) -> list[str]:
    found = []
    for _ in range(count):
        handle = await engine.start(source, **options)
        await handle.wait()
        found.append(handle.run_id)
    return found


async def ids(engine: Stepwell) -> set[str]:
    return {run["run_id"] for run in (await engine.list(limit=1_000))["runs"]}


@pytest.mark.spec("Q18")
async def test_a_plan_is_applied_and_undone(tmp_path: Path) -> None:
    clock, file = FakeClock(), tmp_path / "old.jsonl.gz"
    async with open_at(tmp_path / "a.db", clock) as engine:
        old = await fill(engine, 5, tags={"t": "1"}, attributes={"n": 1})
        bad = await fill(engine, 1, BAD)
        clock.advance(10 * DAY)
        new = await fill(engine, 2)
        before = {run_id: await engine.show(run_id) for run_id in old + bad}
        plan = await engine.plan_archive(older_than=5 * DAY)
        assert (plan["runs"], plan["more"], plan["held_back"]) == (6, 0, 0)
        assert plan["turns"] == 6 and plan["bytes"] > 500 and plan["oldest"] == plan["newest"]
        receipt = await engine.apply_archive(plan["token"], to=file)
        assert (receipt["state"], receipt["runs"], receipt["removed"], receipt["kept"]) == ("done", 6, 6, [])
        assert await ids(engine) == set(new)
        assert (await engine.list(tags={"t": "1"}))["runs"] == []
        assert (await engine.list(where="n = 1"))["runs"] == []
        with pytest.raises(Archived, match=r"ended as completed .* archived to"):
            await engine.show(old[0])
        assert await engine.apply_archive(plan["token"], to=file) == receipt
        assert await engine.archives() == [receipt]
        assert (await engine.archive_receipt(receipt["archive_id"][:6])) == receipt
        assert (await engine.doctor())["findings"] == []
        checked = await engine.verify_archive(file)
        assert (checked["runs"], checked["turns"], checked["sha256"]) == (6, 6, receipt["file_sha256"])
        view = await engine.restore_archive(file)
        assert (view["restored"], view["present"], view["differing"]) == (6, 0, [])
        assert {run_id: await engine.show(run_id) for run_id in old + bad} == before
        assert (
            len((await engine.list(where="n = 1"))["runs"])
            == len((await engine.list(tags={"t": "1"}))["runs"])
            == 5
        )
        assert (await engine.doctor())["findings"] == []
        assert (await engine.restore_archive(file))["present"] == 6
        await engine.retry(bad[0])  # it can be written on again
        await engine.wait(bad[0])
        assert (await engine.restore_archive(file))["differing"] == bad


@pytest.mark.spec("Q18")
async def test_an_archive_can_be_restored_into_another_file(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        (run_id,) = await fill(engine, 1, key="k")
        plan = await engine.plan_archive(older_than=-1)
        receipt = await engine.apply_archive(plan["token"], to=tmp_path / "x.gz", remove=False)
        assert (receipt["state"], receipt["removed"]) == ("done", 0)
        assert await ids(engine) == {run_id}
    async with open_at(tmp_path / "b.db", FakeClock()) as other:
        assert (await other.restore_archive(tmp_path / "x.gz"))["restored"] == 1
        assert (await other.show(run_id))["output"] == {"x": 1}
        assert (await other.start(DONE, key="k")).run_id == run_id
        assert (await other.doctor(rebuild=True))["findings"] == []


@pytest.mark.spec("Q18")
async def test_only_what_was_asked_for_is_planned(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        await fill(engine, 4, attributes={"amount": 5})
        await fill(engine, 3, OTHER, attributes={"amount": 50})
        await fill(engine, 2, BAD)
        clock.advance(DAY)
        await engine.start(WAIT)

        async def count(**asked: Any) -> int:
            return (await engine.plan_archive(older_than=3600, **asked))["runs"]

        assert await count() == 9
        assert await count(name="other") == 3
        assert await count(status=["failed"]) == 2
        assert await count(where="amount > 10") == 3
        assert await count(namespace="nowhere") == 0
        assert await count(keep_last=2) == 3
        assert await count(keep_last=2, name="done") == 2
        assert (await engine.plan_archive(most=4))["more"] == 5
        assert (await engine.plan_archive(older_than=2 * DAY))["runs"] == 0
        for wrong in ({"status": ["running"]}, {"most": 0}, {"keep_last": -1}, {"where": "amount >"}):
            with pytest.raises(InvalidInput):
                await count(**wrong)


@pytest.mark.spec("Q18")
async def test_a_family_goes_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        await engine.add_definition(DONE)
        (parent,) = await fill(engine, 1, PARENT)
        children = await ids(engine) - {parent}
        assert len(children) == 1
        clock.advance(DAY)
        plan = await engine.plan_archive(name="done")
        assert (plan["runs"], plan["held_back"]) == (0, 1)
        plan = await engine.plan_archive()
        assert plan["runs"] == 2
        assert (await engine.plan_archive(most=1))["runs"] == 2  # a family is never torn
        receipt = await engine.apply_archive(plan["token"])
        assert receipt["removed"] == 2 and receipt["file"] is None
        assert await ids(engine) == set()


@pytest.mark.spec("Q18")
async def test_a_token_holds_only_as_long_as_its_plan(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        (bad,) = await fill(engine, 1, BAD)
        clock.advance(DAY)
        stale = await engine.plan_archive()
        await engine.retry(bad)
        await engine.wait(bad)
        with pytest.raises(Conflict, match="stale"):
            await engine.apply_archive(stale["token"])
        clock.advance(DAY)
        late = await engine.plan_archive()
        clock.advance(DAY + 1)
        with pytest.raises(Conflict, match="expired"):
            await engine.apply_archive(late["token"])
        for wrong in ("", "x", "e30", late["token"][:-4], "a" * 300):
            with pytest.raises(InvalidInput):
                await engine.apply_archive(wrong)
        with pytest.raises(InvalidInput, match="neither"):
            await engine.apply_archive((await engine.plan_archive())["token"], remove=False)
        assert await ids(engine) == {bad}
        with pytest.raises(NotFound):
            await engine.archive_receipt("abc")


@pytest.mark.spec("Q18")
async def test_an_old_key_still_stands_for_its_run(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        (run_id,) = await fill(engine, 1, key="order-7")
        clock.advance(DAY)
        await engine.apply_archive((await engine.plan_archive())["token"], to=tmp_path / "x.gz")
        again = await engine.start(DONE, key="order-7")
        assert (again.run_id, again.created) == (run_id, False)
        with pytest.raises(Archived, match="ended as completed"):
            await again.result()
        with pytest.raises(Conflict):
            await engine.start(DONE, {"other": 1}, key="order-7")
        assert await ids(engine) == set()
    async with open_at(tmp_path / "a.db", clock) as engine:
        assert (await engine.doctor(rebuild=True))["findings"] == []
        assert (await engine.start(DONE, key="order-7")).run_id == run_id


@pytest.mark.spec("Q18")
async def test_who_read_a_run_before_cannot_write_it_on(tmp_path: Path) -> None:
    """Another process has the failed run in hand while it is archived: the retry must not bring half of it back."""
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        (bad,) = await fill(engine, 1, BAD)
        clock.advance(DAY)
        held = await engine.engine.actor(bad)
        await engine.apply_archive((await engine.plan_archive())["token"], to=tmp_path / "x.gz")
        from stepwell.model.commands import RetryRun

        with pytest.raises((NotFound, StoreError)):
            await held.ask(RetryRun())
        engine.engine.actors.pop(bad, None)
        assert await ids(engine) == set()
        assert (await engine.doctor())["findings"] == []


@pytest.mark.spec("Q18")
async def test_a_run_that_was_opened_after_the_receipt_is_kept(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        old = await fill(engine, 3, BAD)
        clock.advance(DAY)
        plan = await engine.plan_archive()
        store, retried = engine.engine.store.archive, old[1]
        remove = store.remove

        async def late(archive_id: str, now: int) -> Any:
            await engine.retry(retried)
            await engine.wait(retried)
            return await remove(archive_id, now)

        store.remove = late  # type: ignore[method-assign]
        receipt = await engine.apply_archive(plan["token"], to=tmp_path / "x.gz")
        assert (receipt["removed"], receipt["kept"]) == (2, [retried])
        assert await ids(engine) == {retried}
        assert (await engine.restore_archive(tmp_path / "x.gz"))["differing"] == [retried]


@pytest.mark.spec("Q18")
async def test_engines_go_on_while_runs_are_removed(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        await asyncio.gather(*[fill(engine, 20) for _ in range(15)])
        clock.advance(DAY)
        async with open_at(tmp_path / "a.db", clock, guest=True) as other:
            plan = await other.plan_archive()
            receipt, *new = await asyncio.gather(
                other.apply_archive(plan["token"], to=tmp_path / "x.gz"),
                *[fill(engine, 10) for _ in range(5)],
            )
        assert receipt["removed"] == 300
        assert await ids(engine) == {run_id for part in new for run_id in part}
        assert (await engine.doctor())["findings"] == []


@pytest.mark.spec("Q18")
@pytest.mark.parametrize("file", [True, False])
async def test_wherever_it_is_killed_nothing_is_lost_and_it_can_be_finished(
    tmp_path: Path, file: bool
) -> None:
    """The process ends before commit 1, 2, 3, …: every run is in the database or in a sound file."""
    commits = 0
    while True:
        folder = tmp_path / str(commits)
        folder.mkdir()
        clock, to = FakeClock(), (folder / "x.gz" if file else None)
        async with open_at(folder / "a.db", clock) as engine:
            runs = set(await fill(engine, 120))
            clock.advance(DAY)
            token = (await engine.plan_archive())["token"]
        died = await _killed(folder / "a.db", clock, token, to, commits)
        async with open_at(folder / "a.db", clock) as engine:
            left = await ids(engine)
            if to is not None and left != runs:
                assert set(_in_file(to)) == runs
            receipt = await engine.apply_archive(token, to=to)
            assert (receipt["state"], receipt["removed"]) == ("done", 120)
            assert await ids(engine) == set()
            assert await engine.finish_archives() == []
            assert (await engine.doctor())["findings"] == []
        if not died:
            break
        commits += 1
    assert commits == 4  # the receipt, and three times some families


class Killed(BaseException):
    pass


async def _killed(path: Path, clock: FakeClock, token: str, to: Path | None, after: int) -> bool:
    opening = open_at(path, clock, guest=True)
    engine = await opening
    store: Any = engine.engine.store
    left = after
    died = False

    def before() -> None:
        nonlocal left, died
        if left == 0:
            died = True
            raise OSError("killed")
        left -= 1

    store.watch_commits(before)
    try:
        await engine.apply_archive(token, to=to)
    except Exception:
        assert died
    await engine.engine._recovery.close()
    store.crash()
    return died


def _in_file(path: Path) -> list[str]:
    with gzip.open(path) as file:
        lines = [json.loads(line)["body"] for line in file]
    return [body["row"]["id"] for body in lines if body["kind"] == "run"]


@pytest.mark.spec("Q18")
async def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    clock, file = FakeClock(), tmp_path / "x.gz"
    async with open_at(tmp_path / "a.db", clock) as engine:
        (run_id,) = await fill(engine, 1)
        clock.advance(DAY)
        plan = await engine.plan_archive()
        file.write_bytes(b"something of mine")
        with pytest.raises(InvalidInput, match="not an archive"):
            await engine.apply_archive(plan["token"], to=file)
        assert file.read_bytes() == b"something of mine"
        await engine.apply_archive(plan["token"], to=tmp_path / "y.gz", remove=False)
        clock.advance(1)
        other = await engine.plan_archive()
        with pytest.raises(Conflict, match="there already"):
            await engine.apply_archive(other["token"], to=tmp_path / "y.gz")
        with pytest.raises(StoreError):
            await engine.apply_archive(other["token"], to=tmp_path / "no folder" / "y.gz")
        assert await ids(engine) == {run_id}
        assert sorted(f.name for f in tmp_path.iterdir() if "part" in f.name) == []


async def test_every_flipped_byte_of_an_archive_is_found(tmp_path: Path) -> None:
    clock, file = FakeClock(), tmp_path / "x.gz"
    async with open_at(tmp_path / "a.db", clock) as engine:
        await fill(engine, 2)
        await engine.apply_archive((await engine.plan_archive(older_than=-1))["token"], to=file, remove=False)
        whole = gzip.decompress(file.read_bytes())
        for place in range(0, len(whole), 37):
            flipped = bytearray(whole)
            flipped[place] ^= 1
            file.write_bytes(gzip.compress(bytes(flipped), 1))
            with pytest.raises((StoreDamaged, InvalidInput)):
                await engine.restore_archive(file)
        for cut in (0, 1, len(whole) // 2, len(whole) - 1, whole.rindex(b'{"chain"')):
            file.write_bytes(gzip.compress(whole[:cut], 1))
            with pytest.raises((StoreDamaged, InvalidInput)):
                await engine.restore_archive(file)
        file.write_bytes(gzip.compress(whole)[:-9])
        with pytest.raises((StoreDamaged, InvalidInput)):
            await engine.verify_archive(file)
        with pytest.raises(InvalidInput, match="cannot read"):
            await engine.restore_archive(tmp_path / "nothing.gz")


@pytest.mark.spec("Q18")
async def test_retention_keeps_what_its_policies_say(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        await engine.set_retention("done", keep_seconds=5 * DAY, folder=tmp_path, namespace="test")
        await engine.set_retention("other", keep_seconds=0, keep_last=1, namespace="test")
        kept = await fill(engine, 1, BAD)
        await fill(engine, 3)
        others = await fill(engine, 3, OTHER)
        clock.advance(DAY)
        view = await engine.run_retention(dry_run=True)
        assert [policy["plan"]["runs"] for policy in view["policies"]] == [0, 2]
        assert len(await ids(engine)) == 7
        view = await engine.run_retention()
        assert [sum(r["removed"] for r in p["receipts"]) for p in view["policies"]] == [0, 2]
        clock.advance(5 * DAY)
        young = await fill(engine, 1)
        view = await engine.run_retention()
        assert await ids(engine) == {*kept, others[-1], *young}
        (file,) = tmp_path.glob("test-done-*.jsonl.gz")
        assert (await engine.verify_archive(file))["runs"] == 3
        assert [p["name"] for p in await engine.retentions()] == ["done", "other"]
        await engine.drop_retention("done", namespace="test")
        with pytest.raises(NotFound):
            await engine.drop_retention("done", namespace="test")
        for wrong in (
            {"keep_seconds": -1},
            {"keep_seconds": 1, "folder": tmp_path / "no"},
            {"keep_seconds": 1, "keep_last": -1},
        ):
            with pytest.raises(InvalidInput):
                await engine.set_retention("done", **wrong)  # type: ignore[arg-type]
        assert (await engine.doctor(rebuild=True))["findings"] == []
        assert len(await engine.retentions()) == 1


@pytest.mark.spec("Q18")
async def test_a_backup_is_whole_and_can_be_opened(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        done = await fill(engine, 3)
        waiting = (await engine.start(WAIT)).run_id
        view = await engine.backup(tmp_path / "copy.db")
        assert (view["runs"], view["bytes"]) == (4, (tmp_path / "copy.db").stat().st_size)
        with pytest.raises(Conflict):
            await engine.backup(tmp_path / "copy.db")
        with pytest.raises(StoreError):
            await engine.backup(tmp_path / "no" / "copy.db")
        await fill(engine, 1)
        async with open_at(tmp_path / "copy.db", clock) as copy:
            assert await ids(copy) == {*done, waiting}
            assert (await copy.doctor())["ok"]
            await copy.cancel(waiting)
        assert (await engine.show(waiting))["status"] == "running"
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.db", "copy.db"]


@pytest.mark.spec("Q18")
async def test_a_backup_that_tells_how_far_it_is_is_of_one_moment_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that begin between two of its steps are not in it, and do not disturb it."""
    monkeypatch.setattr("stepwell.stores.sqlite.backup._PAGES", 1)
    told: list[tuple[str, int, int]] = []
    async with open_at(tmp_path / "a.db") as engine:
        before = await fill(engine, 3)
        loop = asyncio.get_running_loop()

        def meanwhile(what: str, done: int, total: int) -> None:
            told.append((what, done, total))
            if what == "pages copied" and done in (1, 20, total - 1):
                asyncio.run_coroutine_threadsafe(fill(engine, 1), loop).result(20)

        view = await engine.engine.store.archive.backup(str(tmp_path / "copy.db"), meanwhile)
        assert view["runs"] == 3
        assert len(await ids(engine)) == 6
        async with open_at(tmp_path / "copy.db") as copy:
            assert await ids(copy) == set(before)
            assert (await copy.doctor())["findings"] == []
        heard: list[str] = []
        await engine.backup(tmp_path / "second.db", progress=lambda what, done, total: heard.append(what))
    pages = told[-1][2]
    assert told == [*[("pages copied", done, pages) for done in range(1, pages)], ("pages checked", 0, pages)]
    assert set(heard) == {"pages copied", "pages checked"}


async def test_it_is_told_how_far_an_archive_is_read_and_indexes_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stepwell.client.archive.file._TOLD_EVERY", 2)
    told: list[tuple[str, int, int]] = []

    def progress(*how_far: Any) -> None:
        told.append(how_far)

    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        await fill(engine, 4)
        await engine.doctor(rebuild=True, progress=progress)
        indexes = [(done, total) for what, done, total in told if what == "indexes"]
        assert indexes == [(1, 4), (2, 4), (3, 4), (4, 4)]
        assert [what for what, _, _ in told] == ["indexes"] * 4 + ["journals"] + ["runs"] * 4
        clock.advance(10)
        plan = await engine.plan_archive()
        await engine.apply_archive(plan["token"], to=tmp_path / "old.gz")
        told.clear()
        await engine.verify_archive(tmp_path / "old.gz", progress=progress)
        assert told == [("checked", 2, 4), ("checked", 4, 4)]
        told.clear()
        await engine.restore_archive(tmp_path / "old.gz", progress=progress)
        assert told == [("checked", 2, 4), ("checked", 4, 4), ("restored", 4, 4)]


def test_families_of_any_shape() -> None:
    """Also where links lead in a circle or to nowhere, which a sound journal never has."""
    runs = [Candidate(f"r{n}", "d", "x", None, 1, n) for n in range(6)]
    links = {"r1": "r0", "r2": "r1", "r3": "gone", "r5": "r4", "r4": "r5"}
    chosen = plans.choose(runs, links, 10)
    assert {item.run_id for item in chosen.items} >= {"r0", "r1", "r2"}
    assert "r3" not in {item.run_id for item in chosen.items}
    deep = {f"d{n + 1}": f"d{n}" for n in range(5_000)}
    many = [Candidate(f"d{n}", "d", "x", None, 1, n) for n in range(5_001)]
    assert len(plans.choose(many, deep, 1).items) == 5_001
