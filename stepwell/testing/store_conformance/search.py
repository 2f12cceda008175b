"""Searches: what every question finds, in every order, page by page; and that nothing is left behind."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from stepwell.model.attributes import Compare
from stepwell.model.journal import DefinitionRow, RunRow
from stepwell.model.search import (
    DEFINITION_SORTS,
    RUN_SORTS,
    Ask,
    Between,
    Every,
    Negation,
    Pair,
    Place,
    Query,
    Reference,
    Some,
    Sort,
    folded,
)
from stepwell.ports import Store
from stepwell.testing.store_conformance.support import Base, Journal, index_row

_TITLES: Final = ("Leak check", 'LECK Prüfung "7"', None, "100% _wild\\*", "Öl")
_PROBLEM: Final = {"type": "https://x/timeout", "title": "Valve Äpfel", "detail": "did not CLOSE"}

QUESTIONS: Final[tuple[Query, ...]] = (
    Ask("text", "leak"), Ask("text", "CHECK"), Ask("text", "prüf"), Ask("text", '"7"'), Ask("text", "% _"),
    Ask("text", "öl"), Ask("text", "%"), Ask("text", "orders"), Ask("text", "engine"), Ask("text", "nowhere"),
    Ask("text", "le"), Ask("text", "\\*"), Ask("text", "ORDER"), Ask("name", "refunds"), Ask("namespace", "default"),
    Ask("version", "2.0.0"), Ask("label", "engine"), Ask("label", 'o"dd'), Ask("label", "Engine"),
    Ask("property", Pair("stand", "A2")), Ask("property", Pair("stand")), Ask("property", Pair('q"uote', "")),
    Ask("tag", Pair("tier", "gold")), Ask("tag", Pair("tier")), Ask("author", "ada"),
    Ask("attribute", Compare("amount", "gt", 20)), Ask("attribute", Compare("amount", "eq", 7)),
    Ask("state", ("failed",)), Ask("state", ("failed", "running")), Ask("state", ("paused",)),
    Ask("created", Between(3, 9)), Ask("started", Between(30, None)), Ask("ended", Between(None, 120)),
    Ask("updated", Between(5, 15)), Ask("definition", Reference("default", "orders", "1.0.0")),
    Ask("definition", Reference(None, "refunds", None)), Ask("queue", "mail"), Ask("error", "close"),
    Ask("error", "valve ä"), Ask("archived", value=True), Ask("archived", value=False),
)  # fmt: skip
COMBINED: Final[tuple[Query, ...]] = (
    Every((Ask("label", "engine"), Negation(Ask("state", ("failed",))))),
    Every((Ask("text", "leak"), Ask("author", "ada"), Ask("archived", value=False))),
    Some((Ask("label", "engine"), Ask("property", Pair("stand", "A2")), Ask("name", "refunds"))),
    Some((Ask("queue", "mail"), Ask("text", "öl"))),
    Negation(Some((Ask("author", "ada"), Ask("ended", Between(0, None)), Ask("error", "close")))),
    Negation(Every((Negation(Ask("label", "engine")), Negation(Ask("tag", Pair("tier", "gold")))))),
)


def rows_of_all_kinds(number: int) -> list[RunRow]:
    return [_row(n) for n in range(number)]


def _row(n: int) -> RunRow:
    status = ("running", "failed", "completed")[n % 3]
    title = _TITLES[n % 5]
    labels = ("engine", 'o"dd') if n % 4 == 0 else ("engine",) if n % 7 == 0 else ()
    name = ("orders", "refunds")[n % 2]
    said = [part for part in (title, *labels) if part]
    return index_row(
        f"run-{(n * 37) % 101:03d}", status=status, created_at=n // 3, name=name,
        version=("1.0.0", "2.0.0")[n // 2 % 2],
        updated_at=n // 4, ended_at=None if status == "running" else 100 + n, title=title, labels=labels,
        started_at=n if n % 5 else None, properties={"stand": ("A1", "A2")[n % 2], 'q"uote': ""} if n % 3 else {},
        tags={"tier": ("gold", "tin")[n % 2]} if n % 5 == 0 else {}, author=("ada", "bob", None)[n % 3],
        attributes={"amount": n} if n % 2 else {}, queue="mail" if n % 6 == 0 else None, archived=n % 9 == 0,
        error=_PROBLEM if status == "failed" else None, text=folded("\x1f".join([name, *said])) if said else None,
    )  # fmt: skip


def holds(query: Query, row: Any) -> bool:
    """What the search means, without an index."""
    match query:
        case Negation(part):
            return not holds(part, row)
        case Every(parts):
            return all(holds(part, row) for part in parts)
        case Some(parts):
            return any(holds(part, row) for part in parts)
        case Ask(field, value):
            return bool(_HOLDS[field](row, value) if field in _HOLDS else getattr(row, field) == value)


def _between(instant: int | None, value: Between) -> bool:
    lowest, end = value
    return instant is not None and (lowest is None or instant >= lowest) and (end is None or instant < end)


def _has(members: Any, pair: Pair) -> bool:
    return pair.key in members and (pair.value is None or members[pair.key] == pair.value)


def _compares(row: RunRow, value: Compare) -> bool:
    have: Any = row.attributes.get(value.name)
    return have is not None and (have > value.value if value.op == "gt" else have == value.value)


def _refers(row: RunRow, value: Reference) -> bool:
    return all(part is None or getattr(row, name) == part for name, part in value._asdict().items())


_HOLDS: Final[dict[str, Any]] = {
    "text": lambda row, value: folded(value) in (row.text or row.name),
    "label": lambda row, value: value in row.labels,
    "property": lambda row, value: _has(row.properties, value),
    "tag": lambda row, value: _has(row.tags, value),
    "attribute": _compares,
    "state": lambda row, value: row.status in value,
    "created": lambda row, value: _between(row.created_at, value),
    "started": lambda row, value: _between(row.started_at, value),
    "ended": lambda row, value: _between(row.ended_at, value),
    "updated": lambda row, value: _between(row.updated_at, value),
    "definition": _refers,
    "error": lambda row, value: folded(value) in folded("\x1f".join((row.error or {}).values())),
}
_COLUMNS: Final = {"created": "created_at", "name": "name", "started": "started_at", "finished": "ended_at",
                   "updated": "updated_at"}  # fmt: skip


def in_order(rows: list[RunRow], sort: Sort) -> list[RunRow]:
    column = _COLUMNS[sort.key]
    last = -1 if sort.descending else 2**63

    def key(row: RunRow) -> Any:
        value = getattr(row, column)
        return last if value is None else value, row.id

    return sorted(rows, key=key, reverse=sort.descending)


class SearchConformance(Base):
    """Searches over runs and definitions."""

    async def _searched(self, store: Store, query: Query | None, sort: Sort) -> list[RunRow]:
        found: list[RunRow] = []
        place: Place | None = None
        while True:
            page = await store.search.runs(query, sort, 7, place)
            found += page.rows
            place = page.next
            if place is None:
                return found

    async def _filled(self, store: Store) -> list[RunRow]:
        rows = rows_of_all_kinds(90)
        await asyncio.gather(*[Journal(store, row.id).send(row=row) for row in rows])
        return [row._replace(owner="engine-1") for row in rows]

    async def test_every_search_finds_what_it_says_in_every_order(self) -> None:
        store = await self.open_store("engine-1")
        rows = await self._filled(store)
        every = [Sort(key, descending) for key in RUN_SORTS for descending in (False, True)]
        for number, query in enumerate((*QUESTIONS, *COMBINED)):
            wanted = [row for row in rows if holds(query, row)]
            for sort in every if query in COMBINED else (every[number % len(every)],):
                assert await self._searched(store, query, sort) == in_order(wanted, sort), (query, sort)
            rest = [row for row in rows if not holds(query, row)]
            assert await self._searched(store, Negation(query), every[1]) == in_order(rest, every[1]), query
        for sort in every:
            assert await self._searched(store, None, sort) == in_order(rows, sort), sort
        await store.close()

    async def test_a_search_follows_what_changes_and_goes(self) -> None:
        store = await self.open_store("engine-1")
        journal = Journal(store, "a")
        row = index_row("a", title="Leak", labels=("x",), author="ada", text="orders\x1fleak")
        await journal.add(row=row)
        for text, changed in (
            ("tank", row._replace(title="Tank", text="orders\x1ftank", labels=("y",), properties={"p": "1"})),
            ("tank", row._replace(title="Tank", text="orders\x1ftank", archived=True)),
            ("orders", row._replace(title=None, text=None, labels=(), author="ada")),
        ):
            await journal.add(row=changed)
            for query in (Ask("text", text), Ask("author", "ada"), Ask("archived", value=changed.archived)):
                found = await self._searched(store, query, Sort("created"))
                assert [one.id for one in found] == ["a"], query
            for query in (Ask("text", "leak"), Ask("label", "x")):
                labels = changed.labels if query.field == "label" else ()
                wanted = ["a"] if query.value in labels else []
                assert [one.id for one in await self._searched(store, query, Sort("created"))] == wanted
        await store.rebuild([row], {})
        assert [one.id for one in await self._searched(store, Ask("text", "leak"), Sort("name"))] == ["a"]
        await store.rebuild([], {})
        for query in (Ask("text", "leak"), Ask("label", "x"), Ask("author", "ada")):
            assert await self._searched(store, query, Sort("created")) == []
        await store.rebuild([row._replace(text=None, labels=())], {})
        assert await self._searched(store, Some((Ask("text", "leak"), Ask("label", "x"))), Sort("name")) == []
        await store.close()

    async def test_definitions_are_searched_by_what_their_documents_say(self) -> None:
        store = await self.open_store("engine-1")
        about = {"labels": ["engine", 7], "properties": {"stand": "A2"}, "author": "ada"}
        documents: list[dict[str, Any]] = [
            {"title": "Hotfire Ä", "summary": "Burns", "metadata": {"procedure": about}},
            {"title": 'Leak "7"', "tags": {"tier": "gold"}, "metadata": {"procedure": {"archived": True}}},
            {"metadata": {"procedure": {"labels": "engine", "properties": [1], "archived": "yes"}}},
            {"metadata": 1},
        ]
        for n, document in enumerate(documents):
            row = DefinitionRow(f"h{n}", "stand", f"flow-{n}", "1.0.0", {"document": document}, 10 - n)
            await store.put_definition(row)

        async def names(query: Query | None, sort: Sort = _BY_NAME) -> list[str]:
            found: list[str] = []
            place = None
            while True:
                page = await store.search.definitions(query, sort, 3, place)
                found += [card.hash for card in page.rows]
                place = page.next
                if place is None:
                    return found

        asked: dict[Query, list[str]] = {
            Ask("text", "FIRE ä"): ["h0"], Ask("text", "burn"): ["h0"], Ask("text", '"7"'): ["h1"],
            Ask("text", "flow-2"): ["h2"], Ask("label", "engine"): ["h0", "h2"], Ask("author", "ada"): ["h0"],
            Ask("property", Pair("stand", "A2")): ["h0"], Ask("property", Pair("stand")): ["h0"],
            Ask("tag", Pair("tier", "gold")): ["h1"], Ask("archived", value=True): ["h1"],
            Ask("created", Between(8, 10)): ["h1", "h2"], Ask("name", "flow-3"): ["h3"], Ask("version", "2"): [],
            Negation(Ask("label", "engine")): ["h1", "h3"],
            Some((Ask("name", "flow-3"), Every((Ask("label", "engine"), Ask("author", "ada"))))): ["h0", "h3"],
        }  # fmt: skip
        for query, wanted in asked.items():
            assert await names(query) == wanted, query
        for key in DEFINITION_SORTS:
            up, down = await names(None, Sort(key)), await names(None, Sort(key, descending=True))
            assert up == down[::-1] and sorted(up) == ["h0", "h1", "h2", "h3"]
        assert await names(None, Sort("created")) == ["h3", "h2", "h1", "h0"]
        card = (await store.search.definitions(Ask("name", "flow-0"), _BY_NAME, 3, None)).rows[0]
        assert (card.title, card.summary, card.labels, card.properties) == (
            "Hotfire Ä", "Burns", ("engine",), {"stand": "A2"},
        )  # fmt: skip
        await store.close()


_BY_NAME: Final = Sort("name")
