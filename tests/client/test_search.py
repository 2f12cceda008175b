"""Searches from outside: as text and as a tree, sorted and paged; what cannot be read is told at once (SPEC N17)."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from stepwell import InvalidInput
from stepwell.client.search.words import read_words
from stepwell.model.errors import InvalidCursor, InvalidQuery
from stepwell.testing import Kit, kill_everywhere
from tests.engine.helpers import FakeClock, flow, open_at

NOTHING = flow("do:\n  - a: {set: {x: 1}}\n", "quick")
WAIT = flow("do:\n  - a: {wait: {hours: 1}}\n", "slow")
BAD = flow(
    "do:\n  - a: {raise: {error: {type: 'https://x/leak', status: 500, title: Valve did not close}}}\n", "bad"
)
MINUTE = 60


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("label:engine", {"label": "engine"}),
        ('label:engine and not state:failed and text:"leak check"',
         {"and": [{"label": "engine"}, {"not": {"state": "failed"}}, {"text": "leak check"}]}),
        ("leak check", {"and": [{"text": "leak"}, {"text": "check"}]}),
        ("'leak check' OR hotfire", {"or": [{"text": "leak check"}, {"text": "hotfire"}]}),
        ("a or b and not (c or d)",
         {"or": [{"text": "a"}, {"and": [{"text": "b"}, {"not": {"or": [{"text": "c"}, {"text": "d"}]}}]}]}),
        ('property:stand="A 2"', {"property": "stand=A 2"}),
        ('property:"a b"', {"property": "a b"}),
        ("created>=7d ended<2026-11-21", {"and": [{"created": {"after": "7d"}}, {"ended": {"before": "2026-11-21"}}]}),
        ('"created>=7d"', {"text": "created>=7d"}),
        ('"and" "label:x"', {"and": [{"text": "and"}, {"text": "label:x"}]}),
        (r'text:"say \"no\" \\"', {"text": 'say "no" \\'}),
        ("attribute:'amount > 100'", {"attribute": "amount > 100"}),
        ("NOT not Label:x", {"not": {"not": {"label": "x"}}}),
    ],
)  # fmt: skip
@pytest.mark.spec("N17")
def test_text_means(text: str, tree: dict[str, Any]) -> None:
    assert read_words(text) == tree


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1), ("  ", 3), ("and", 1), ("a and", 6), ("a or or b", 6), ("(a", 3), ("a)", 2), ("not", 4), ("()", 2),
        ('a "b', 3), ("label:", 1), ("x created>7d", 3), ("created<=7d", 1), ("label>=x", 1), ('x label:""', 3),
        ("not " * 30 + "a", 81), ("(" * 30 + "a" + ")" * 30, 21), ("don't", 4),
    ],
)  # fmt: skip
@pytest.mark.spec("N17")
def test_text_that_means_nothing_is_refused_with_its_place(text: str, column: int) -> None:
    with pytest.raises(InvalidQuery, match=rf"column {column}: "):
        read_words(text)


async def runs_of_all_kinds(engine: Any, clock: FakeClock) -> dict[str, str]:
    """Ids by name."""
    found = {}
    for name, source, options in (
        ("leak", NOTHING, {"title": "Leak check 1", "labels": ["engine", "cold"], "author": "ada"}),
        ("fire", BAD, {"title": "Hotfire", "labels": ["engine"], "properties": {"stand": "A2"}}),
        ("slow", WAIT, {"description": "a LEAK somewhere", "tags": {"tier": "gold"}, "attributes": {"n": 7}}),
        ("plain", NOTHING, {}),
    ):  # fmt: skip
        found[name] = (await engine.start(source, **options)).run_id
        if name != "slow":
            await engine.wait(found[name])
        clock.advance(MINUTE)
    await engine.set_metadata(found["plain"], archived=True)
    return found


@pytest.mark.spec("N17")
async def test_runs_are_found_by_what_is_asked(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        run_ids = await runs_of_all_kinds(engine, clock)
        names = {run_id: name for name, run_id in run_ids.items()}

        async def found(query: Any, **options: Any) -> list[str]:
            page = await engine.search_runs(query, **options)
            assert page["next"] is None
            return [names[run["run_id"]] for run in page["runs"]]

        asked: dict[str, list[str]] = {
            "leak": ["slow", "leak"], "leak and not state:open": ["leak"], "label:engine": ["fire", "leak"],
            "label:engine and not state:failed": ["leak"], "property:stand=A2": ["fire"], "property:stand": ["fire"],
            "author:ada": ["leak"], "state:ended": ["fire", "leak"], "tag:tier=gold": ["slow"],
            "attribute:'n >= 7'": ["slow"], "error:'VALVE did'": ["fire"], "error:x/leak": ["fire"],
            "definition:test/slow:1.0.0 or definition:bad": ["slow", "fire"], "name:bad": ["fire"],
            "archived:true": ["plain"], "archived:false": ["slow", "fire", "leak"], "quick": ["leak"],
            "quick and (archived:true or archived:false)": ["plain", "leak"], "created<150s": ["fire", "leak"],
            "queue:mail": [], "not text:leak": ["fire"],
        }  # fmt: skip
        for query, wanted in asked.items():
            assert await found(query) == wanted, query
        assert await found(None) == ["slow", "fire", "leak"]
        assert await found(
            {"or": [{"state": ["failed", "running"]}, {"time": {"field": "started", "after": "9d"}}]}
        )
        assert await found("label:engine", sort="created") == ["leak", "fire"]
        assert await found(None, sort="name:asc") == ["fire", "leak", "slow"]
        assert await found(None, sort="finished") == ["leak", "fire", "slow"]
        assert await found(None, sort="finished:desc") == ["fire", "leak", "slow"]
        row = (await engine.search_runs("label:cold"))["runs"][0]
        assert (row["title"], row["labels"], row["author"]) == ("Leak check 1", ["engine", "cold"], "ada")
        assert row["started_at"] is not None


@pytest.mark.spec("N17")
async def test_a_search_follows_the_metadata_and_a_rebuild(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        run_ids = await runs_of_all_kinds(engine, clock)
        async with open_at(tmp_path / "a.db", clock, guest=True) as guest:
            await guest.set_metadata(run_ids["leak"], title="Tank", labels=["flight"])
    async with open_at(tmp_path / "a.db", clock, recover=False) as again:
        for _ in range(2):
            assert [run["run_id"] for run in (await again.search_runs("label:flight tank"))["runs"]] == [
                run_ids["leak"]
            ]
            assert (await again.search_runs("text:'leak check'"))["runs"] == []
            assert [run["run_id"] for run in (await again.search_runs("archived:true"))["runs"]] == [
                run_ids["plain"]
            ]
            view = await again.doctor(rebuild=True)
            assert view["ok"], view["findings"]


@pytest.mark.spec("N17")
async def test_pages_have_no_gaps_and_cursors_are_bound_to_their_search(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        wanted = [(await engine.start(WAIT, labels=["x"], title=f"t{n}")).run_id for n in range(7)]
        found: list[str] = []
        cursor = None
        while True:
            page = await engine.search_runs("label:x", sort="created", limit=2, cursor=cursor)
            found += [run["run_id"] for run in page["runs"]]
            cursor = page["next"]
            if cursor is None:
                break
            if len(found) == 2:
                await engine.start(WAIT, labels=["x"], title="later")
        assert found[:7] == wanted and len(found) == 8
        cursor = (await engine.search_runs("label:x", limit=2))["next"]
        assert (await engine.search_runs({"label": "x"}, limit=3, cursor=cursor))[
            "runs"
        ]  # the same, as a tree
        raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        raw[-5] ^= 1
        damaged = base64.urlsafe_b64encode(bytes(raw)).decode()
        for query, options in (
            ("label:y", {"cursor": cursor}), ("label:x", {"cursor": cursor, "sort": "created"}),
            ("label:x", {"cursor": damaged}), ("label:x", {"cursor": "nonsense"}), ("label:x", {"cursor": "é"}),
            ("label:x", {"cursor": ""}), (None, {"cursor": cursor}),
        ):  # fmt: skip
            with pytest.raises(InvalidCursor):
                await engine.search_runs(query, **options)
        with pytest.raises(InvalidCursor):
            await engine.search_definitions("label:x", sort="created:desc", cursor=cursor)


@pytest.mark.spec("N17")
async def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {
        "and": [
            {"label": ""}, {"labels": "x"}, {"not": {"state": "broken"}}, {"created": {"since": "7d"}},
            {"or": []}, {"ended": {"after": "soon"}}, {"attribute": "amount >"}, {"archived": "perhaps"}, {}, 7,
            {"property": {"name": "x"}}, {"time": {"field": "eaten", "after": "1d"}}, {"error": "x" * 1_001},
            {"definition": "a/"}, {"author": None},
        ]
    }  # fmt: skip
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        with pytest.raises(InvalidQuery) as caught:
            await engine.search_runs(wrong)
        problems = caught.value.problems
        places = [problem.partition(": ")[0] for problem in problems]
        assert places == [
            "search.and[0].label", "search.and[1].labels", "search.and[2].not.state", "search.and[3].created",
            "search.and[4].or", "search.and[5].ended", "search.and[6].attribute", "search.and[7].archived",
            "search.and[8]", "search.and[9]", "search.and[10].property", "search.and[11].time",
            "search.and[12].error", "search.and[13].definition", "search.and[14].author",
        ]  # fmt: skip
        deep: Any = {"label": "x"}
        for _ in range(30):
            deep = {"not": deep}
        for bad in (deep, {"or": [{"label": "x"}] * 51}, [], "x " * 6_000):
            with pytest.raises(InvalidQuery):
                await engine.search_runs(bad)
        for options in (
            {"limit": 0},
            {"limit": 1_001},
            {"limit": True},
            {"sort": "size"},
            {"sort": "name:up"},
        ):
            with pytest.raises(InvalidInput):
                await engine.search_runs(None, **options)
        with pytest.raises(InvalidQuery, match="no field 'state'"):
            await engine.search_definitions("state:failed")


@pytest.mark.spec("N17")
async def test_definitions_are_found_with_what_their_procedures_say(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        for name, about in (
            ("hotfire", "title: Hotfire Ä, summary: Burns, metadata: {procedure: {labels: [engine], properties: {s: A2}}}"),
            ("leak-check", "tags: {tier: gold}"),
        ):  # fmt: skip
            head = f"document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0', {about}}}\n"
            await engine.add_definition(head + "do:\n  - a: {set: {x: 1}}\n")

        async def found(query: Any, **options: Any) -> list[str]:
            return [
                card["name"] for card in (await engine.search_definitions(query, **options))["definitions"]
            ]

        assert await found("FIRE ä") == ["hotfire"]
        assert await found("label:engine and property:s=A2") == ["hotfire"]
        assert await found("not label:engine") == ["leak-check"]
        assert await found("tag:tier=gold or burns", sort="name:desc") == ["leak-check", "hotfire"]
        assert await found("definition:test/leak-check:1.0.0") == ["leak-check"]
        page = await engine.search_definitions(limit=1)
        rest = await engine.search_definitions(limit=1, cursor=page["next"])
        assert [card["name"] for card in page["definitions"] + rest["definitions"]] == [
            "hotfire",
            "leak-check",
        ]
        assert rest["next"] is None


async def call_it_something(kit: Kit) -> Any:
    """What a client does, in a way that it can do it again after a crash; and what it finds in the end."""
    handle = await kit.engine.start(NOTHING, key="k", title="Leak", labels=["old"], properties={"p": "1"})
    await handle.wait()
    await kit.engine.set_metadata(handle.run_id, title="Tank", labels=["new"])
    await kit.engine.set_metadata(handle.run_id, archived=True, properties={})
    queries = (
        "leak",
        "tank archived:true",
        "label:old archived:true",
        "label:new archived:true",
        "property:p archived:true",
    )
    found = [len((await kit.engine.search_runs(query))["runs"]) for query in queries]
    rebuilt = await kit.engine.doctor()
    return {
        "found": found,
        "findings": rebuilt["findings"],
        "metadata": await kit.engine.metadata(handle.run_id),
    }


@pytest.mark.spec("N17", "N13")
async def test_killed_at_every_commit_a_search_finds_what_is_on_record() -> None:
    survey = await kill_everywhere(call_it_something)
    assert survey.crashes >= survey.commits > 2


@pytest.mark.spec("N17", "N13")
async def test_changes_by_many_at_once_are_all_on_record(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        run_id = (await engine.start(WAIT)).run_id
        async with open_at(tmp_path / "a.db", clock, guest=True) as guest:
            await asyncio.gather(
                *[
                    (engine, guest)[n % 2].set_metadata(run_id, title=f"title {n}", labels=[f"l{n}"])
                    for n in range(12)
                ]
            )
        view = await engine.metadata(run_id)
        changes = [event async for event in engine.history(run_id) if event["type"] == "run.metadata_set"]
        assert sorted(event["title"] for event in changes) == sorted(f"title {n}" for n in range(12))
        assert (view["title"], view["labels"]) == (changes[-1]["title"], changes[-1]["labels"])
        found = [(await engine.search_runs(f"label:l{n} 'title {n}'"))["runs"] for n in range(12)]
        assert [len(runs) for runs in found] == [int(view["labels"] == [f"l{n}"]) for n in range(12)]
        assert (await engine.doctor())["findings"] == []
