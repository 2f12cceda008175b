"""`Stepwell.open`: the parts of a whole engine, made and wired."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from stepwell import __version__
from stepwell.assembly.doors import blobs_of, doors
from stepwell.client.blocking import BlockingStepwell
from stepwell.client.client import Client
from stepwell.client.hints import DEFAULT_FILE
from stepwell.code.codebase import Codebase
from stepwell.code.registry import REGISTRY, Registry
from stepwell.code.workflow import Workflow
from stepwell.definition.building.approvals import engine_policy
from stepwell.engine.engine import Engine
from stepwell.engine.exposure import Exposure
from stepwell.model.actions import (
    CodeAction,
    HttpAction,
    NotifyAction,
    PythonAction,
    SampleAction,
    ShellAction,
    WebhookAction,
)
from stepwell.model.base import Json
from stepwell.model.blobs import BlobFolder
from stepwell.model.queues import Queue
from stepwell.ports import Blobs, Clock, Dice, Guard, Ids, Runner, Store
from stepwell.stores.sqlite import WARM_WAL, SqliteStore
from stepwell.telemetry.watched import Telemetry
from stepwell.workers.dispatch import WorkerDispatch
from stepwell.workers.guard import JqGuard
from stepwell.workers.http import HttpRunner
from stepwell.workers.notify import Notifier, NotifyRunner
from stepwell.workers.python import PythonRunner
from stepwell.workers.series import SeriesRunner, Source
from stepwell.workers.shell import ShellRunner
from stepwell.workers.webhook import WebhookRunner


class Parts(NamedTuple):
    """What stands between the engine and the world: `refit` may put something in between (`stepwell.testing`)."""

    store: Store
    runner: Runner
    guard: Guard


class Workers(NamedTuple):
    """What those who perform steps are given."""

    functions: Mapping[str, Callable[..., Any]]
    modules: Iterable[str] | None
    series: Mapping[str, Source]
    series_folder: str | Path | None
    notifiers: Mapping[str, Notifier]


class Stepwell(Client):
    """Durable execution on one SQLite file, in this process.

        async with Stepwell.open("orders.db") as stepwell:
            handle = await stepwell.start(Path("order.yaml"), {"id": 7})
            print(await handle.result())

    Opening the file goes on with every open run that no other engine carries on.
    """

    @classmethod
    def open(
        cls,
        path: str | Path = "stepwell.db",
        *,
        functions: Mapping[str, Callable[..., Any]] | Iterable[Callable[..., Any]] | None = None,
        modules: Iterable[str] | None = None,
        secrets: Mapping[str, Json] | None = None,
        recover: bool = True,
        schedules: bool | None = None,
        guest: bool = False,
        max_concurrency: int = 1_000,
        queues: Iterable[Queue] = (),
        works_on: Iterable[str] | None = None,
        snapshot_every: int = 1_000,
        clock: Clock | None = None,
        ids: Ids | None = None,
        dice: Dice | None = None,
        workflows: Iterable[Workflow[Any, Any]] | None = None,
        series: Mapping[str, Source] | None = None,
        series_folder: str | Path | None = None,
        notifiers: Mapping[str, Notifier] | None = None,
        vfs: str | None = None,
        warm_up: bool = True,
        refit: Callable[[Parts], Parts] | None = None,
        telemetry: Iterable[Telemetry] = (),
        blobs: Blobs | BlobFolder | None = None,
        policy: Mapping[str, Json] | None = None,
    ) -> Opening:
        """An async context manager that gives a `Stepwell`.

        `functions`: what `call: python` may call by name (a list: by their own names). `modules`: the packages from
        which `call: python` may import `package.module:name`; None allows every installed one but the standard
        library. `secrets`: values for `$secrets`. `recover` False: leave other open runs alone. `guest`: steer and
        look, but perform nothing; a file that may not be written can be looked at so. `max_concurrency`: steps
        performed at once. `queues`: made, or given these limits; `works_on`: the queues whose runs begin here (None:
        all, `[]`: none). `workflows`: the Python workflows that this engine runs; None: all that were imported.
        `schedules`: fire them; None: where it recovers. `series`: functions that samples may be read from, by name;
        `series_folder`: where files of samples lie (None: nowhere). `notifiers`: by channel, the URL or function that
        is told what `notify` actions say. `snapshot_every`: turns after which a run's state is kept beside its
        journal. `warm_up` False: do not grow the write-ahead log beforehand; opening is quicker, commits are slower.
        `refit`: given the parts that were made, the ones to use. `telemetry`: observers (`stepwell.telemetry`).
        `blobs`: where files are kept; None: in `PATH.blobs`. `policy`: what runs may call here, and what people are
        asked before (docs/approvals.md). Raises `InvalidInput`; `StoreError` when entered.
        """
        return Opening(
            cls,
            Path(path),
            workers=Workers(_by_name(functions), modules, series or {}, series_folder, notifiers or {}),
            secrets=dict(secrets or {}),
            recover=recover and not guest,
            schedules=(recover if schedules is None else schedules) and not guest,
            guest=guest,
            max_concurrency=max_concurrency, queues=tuple(queues),
            works_on=None if works_on is None else frozenset(works_on), snapshot_every=snapshot_every,
            **doors(clock, ids, dice),
            registry=REGISTRY if workflows is None else Registry(workflows),
            vfs=vfs, warm=WARM_WAL if warm_up else 0, refit=refit or _as_made, telemetry=tuple(telemetry),
            blobs=blobs or BlobFolder(), policy=engine_policy(policy),
        )  # fmt: skip

    async def close(self) -> None:
        await self.engine.close()


_NOT_OPEN: Final = (
    "Stepwell.open(…) opens nothing by itself: write `async with Stepwell.open(…) as engine:` and use `engine` in it "
    "(or `engine = await Stepwell.open(…)`, and `await engine.close()` at the end); in a program without an event loop "
    "`with connect(…) as engine:`"
)


class Opening:
    """What `Stepwell.open` returns: `async with` opens and closes it; `await` opens it, for those who close it."""

    def __init__(self, kind: type[Stepwell], path: Path, **settings: Any) -> None:
        self._kind, self._path, self._settings = kind, path, settings
        self._opened: Stepwell | None = None

    def __await__(self) -> Any:
        return self._open().__await__()

    if not TYPE_CHECKING:  # a type checker says of itself that there is no such member

        def __getattr__(self, name: str) -> NoReturn:
            """A verb that is said to what is not open yet is told what to write."""
            if name.startswith("_") or not hasattr(self._kind, name):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise AttributeError(f"{name}: {_NOT_OPEN}")

        def __enter__(self) -> NoReturn:
            raise TypeError(_NOT_OPEN)

        def __exit__(self, *raised: object) -> None:
            """Python looks for both before it enters."""

    async def __aenter__(self) -> Stepwell:
        self._opened = await self._open()
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened is not None:
            await self._opened.close()

    async def _open(self) -> Stepwell:
        s = self._settings
        engine_id = s["ids"].engine_id()
        store = await SqliteStore.open(
            self._path,
            clock=s["clock"],
            engine_id=None if s["guest"] else engine_id,
            vfs=s["vfs"],
            warm=s["warm"],
            view=s["guest"],
        )
        parts: Parts = s["refit"](Parts(store, _runner(s["workers"]), JqGuard()))
        engine = Engine(
            store=parts.store,
            clock=s["clock"],
            ids=s["ids"],
            dice=s["dice"],
            runner=parts.runner,
            guard=parts.guard,
            engine_id=None if s["guest"] else engine_id,
            codebase=Codebase(s["ids"], s["dice"], s["registry"], time.perf_counter),
            secrets=s["secrets"],
            runtime={"name": "stepwell", "version": __version__, "metadata": {}},
            max_concurrency=s["max_concurrency"],
            snapshot_every=s["snapshot_every"],
            queues=s["works_on"],
            policy=s["policy"],
        )
        opened = self._kind(engine)
        opened.blobs = blobs_of(s["blobs"], self._path, s["clock"])
        opened.file = None if str(self._path) == DEFAULT_FILE else str(self._path)
        try:
            for observer in s["telemetry"]:
                observer.attach(Exposure(engine))
            for queue in s["queues"]:
                await opened.put_queue(queue)
            if s["recover"]:
                await engine.recover()
                engine.follow_ups.open()
                engine.timekeeper.open()
            engine.watch(take_over=s["recover"])
            engine.queueing.open()
            if s["schedules"]:
                engine.schedules.begin(opened.start_slot)
        except BaseException:
            await engine.close()
            raise
        return opened


def _as_made(parts: Parts) -> Parts:
    return parts


def _runner(workers: Workers) -> Runner:
    python = PythonRunner(workers.functions, None if workers.modules is None else tuple(workers.modules))
    folder = None if workers.series_folder is None else Path(workers.series_folder)
    http = HttpRunner()
    return WorkerDispatch(
        {
            HttpAction: http,
            WebhookAction: WebhookRunner(),
            SampleAction: SeriesRunner(http, folder=folder, sources=workers.series),
            NotifyAction: NotifyRunner(workers.notifiers),
            ShellAction: ShellRunner(),
            PythonAction: python,
            CodeAction: python,
        }
    )


def _by_name(
    functions: Mapping[str, Callable[..., Any]] | Iterable[Callable[..., Any]] | None,
) -> dict[str, Callable[..., Any]]:
    if functions is None:
        return {}
    if isinstance(functions, Mapping):
        return dict(functions)
    return {function.__name__: function for function in functions}


def connect(path: str | Path = "stepwell.db", **settings: Any) -> BlockingStepwell:
    """The blocking facade on a store. Settings as for `Stepwell.open`."""
    return BlockingStepwell(Stepwell.open(path, **settings))
