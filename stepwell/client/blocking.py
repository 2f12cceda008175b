"""The small blocking facade: the same verbs for programs without an event loop.

It runs the loop in a thread of its own. Every verb of `Client` that is awaited there simply returns here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeVar

from stepwell.client.client import Client
from stepwell.client.verbs.base import Source
from stepwell.client.views import View
from stepwell.model.base import Json
from stepwell.model.events import SAME, MaybeSame

T = TypeVar("T")


class Opened(Protocol):
    """What `Stepwell.open` gives when it is awaited."""

    def __await__(self) -> Any: ...


class BlockingStepwell:
    """A context manager: `with connect("orders.db") as stepwell: stepwell.run(Path("order.yaml"))`."""

    def __init__(self, opening: Opened) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stepwell", daemon=True)
        self._thread.start()
        try:
            self.client: Client = self._do(_opened(opening))
        except BaseException:
            self._stop()
            raise

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self, source: Source, input: Json = None, **options: Any) -> str:
        """Start a run; returns its id. Options as for `Client.start`."""
        return self._do(self.client.start(source, input, **options)).run_id

    def run(self, source: Source, input: Json = None, **options: Any) -> Json:
        """Start, wait, and give the output."""
        return self._do(self.client.run(source, input, **options))

    def wait(self, run_id: str, timeout: float | None = None) -> View:
        return self._do(self.client.wait(run_id, timeout))

    def result(self, run_id: str, timeout: float | None = None) -> Json:
        return self._do(self.client.result(run_id, timeout))

    def show(self, run_id: str) -> View:
        return self._do(self.client.show(run_id))

    def explain(self, run_id: str) -> View:
        return self._do(self.client.explain(run_id))

    def list(
        self,
        *,
        status: Sequence[str] = (),
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        where: str | Mapping[str, Any] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> View:
        return self._do(
            self.client.list(status=status, name=name, tags=tags, where=where, limit=limit, cursor=cursor)
        )

    def set_attributes(
        self, run_id: str, values: Mapping[str, Any] | None = None, *, remove: Sequence[str] = ()
    ) -> None:
        self._do(self.client.set_attributes(run_id, values, remove=remove))

    def pause(self, run_id: str, reason: str | None = None) -> View:
        return self._do(self.client.pause(run_id, reason))

    def resume(self, run_id: str, step: str | None = None) -> View:
        return self._do(self.client.resume(run_id, step))

    def cancel(self, run_id: str, reason: str | None = None) -> View:
        return self._do(self.client.cancel(run_id, reason))

    def terminate(self, run_id: str, reason: str | None = None) -> View:
        return self._do(self.client.terminate(run_id, reason))

    def retry(self, run_id: str) -> View:
        return self._do(self.client.retry(run_id))

    def rerun(self, run_id: str, input: MaybeSame = SAME) -> str:
        return self._do(self.client.rerun(run_id, input)).run_id

    def add_definition(self, source: Source) -> str:
        """Store a definition; returns its `namespace/name:version`."""
        return self._do(self.client.add_definition(source)).reference

    def close(self) -> None:
        """Stop performing and let go of the file; open runs go on when it is opened again."""
        if self._thread.is_alive():
            try:
                self._do(self.client.engine.close())
            finally:
                self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> BlockingStepwell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _opened(opening: Opened) -> Client:
    client: Client = await opening
    return client
