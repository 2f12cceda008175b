"""Reads samples of a channel: from files below one folder, from services, from functions that the program
registered."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from stepwell.model.actions import Action, Failed, HttpAction, Outcome, SampleAction, Succeeded
from stepwell.model.base import EPOCH, Instant, Json, iso
from stepwell.model.conditions import Reason
from stepwell.ports import Runner, WorkContext
from stepwell.workers.samples import Sample, Unreadable, backwards, lines, plain, reader, sample, whole
from stepwell.workers.threads import Threads

MOST: Final = 10_000
"""Samples in one report."""
MOST_READ: Final = 64 << 20
"""Bytes that one report looks through for a sample."""
NEAR: Final = 1 << 20
"""How far a file may grow, without a sample of the channel, before that is noted."""
THREADS: Final = 4
NO_FOLDER: Final = "this engine was given no folder with files of samples (`series_folder`, --series-folder)"

Report = dict[str, Json]
Source = Callable[..., Iterable[Any] | Awaitable[Iterable[Any]] | None]
"""Called with the channel, its tags and a `datetime` (samples later than that are wanted); gives pairs of time and
value, or objects with `time` and `value`; None or a `LookupError`: there is no such channel."""


class SeriesRunner:
    """Performs `SampleAction`s. `folder`: the only place that files are read from; None: nowhere. `http` asks the
    services."""

    def __init__(
        self, http: Runner, *, folder: Path | None = None, sources: Mapping[str, Source] | None = None
    ) -> None:
        self._http = http
        self._folder = None if folder is None else folder.resolve()
        self._sources = dict(sources or {})
        self._threads = Threads(THREADS, "stepwell-series")

    async def perform(self, action: Action, context: WorkContext) -> Outcome:
        assert isinstance(action, SampleAction)
        if action.file is not None:
            name = action.file
            return Succeeded(await self._threads.run(lambda: self._from_file(name, action)))
        if action.http is not None:
            return Succeeded(await self._from_service(action.http, action, context))
        return Succeeded(await self._from_function(action))

    async def close(self) -> None:
        self._threads.close()

    # --- files ------------------------------------------------------------------------------------

    def _from_file(self, name: str, action: SampleAction) -> Report:
        if self._folder is None:
            return _missing(Reason.SOURCE_NOT_FOUND, NO_FOLDER)
        try:
            path = self._place(self._folder, name)
            if path is None:
                return _missing(
                    Reason.SOURCE_NOT_FOUND, f"there is no file {name[:200]!r} to read samples from"
                )
            with path.open("rb") as file:
                return _latest(file, action) if action.latest else _next(file, action)
        except Unreadable as error:
            return _missing(Reason.SOURCE_NOT_FOUND, f"{name}: {error}")
        except OSError as error:
            return {"error": whole(f"{name} cannot be read: {error.strerror or type(error).__name__}")}

    def _place(self, folder: Path, name: str) -> Path | None:
        """The file of this name, if it lies below the folder: links and dots are followed before that is asked."""
        try:
            path = (folder / name).resolve()
            return path if path.is_relative_to(folder) and path.is_file() else None
        except (OSError, RuntimeError, ValueError):  # too long, links in a circle, NUL
            return None

    # --- services ---------------------------------------------------------------------------------

    async def _from_service(self, request: HttpAction, action: SampleAction, context: WorkContext) -> Report:
        query = {**request.query, "channel": action.channel, **_since(action)}
        outcome = await self._http.perform(request._replace(query=query), context)
        if isinstance(outcome, Failed):
            status, told = outcome.problem.status, outcome.problem.detail or outcome.problem.title
            if status in (404, 410):
                return _missing(Reason.SOURCE_NOT_FOUND, told)
            return {"error": told}
        answer = outcome.output if isinstance(outcome, Succeeded) else None
        if isinstance(answer, Mapping):
            answer = answer.get("samples", [answer] if "value" in answer else None)
        if not isinstance(answer, list):
            return {"error": "the answer holds no list of samples"}
        return _report(answer, action)

    # --- functions --------------------------------------------------------------------------------

    async def _from_function(self, action: SampleAction) -> Report:
        source = self._sources.get(action.name or "")
        if source is None:
            return _missing(Reason.SOURCE_NOT_FOUND, f"no source of samples is registered as {action.name!r}")
        after = EPOCH + timedelta(microseconds=_least(action))
        arguments = (action.channel, dict(action.tags), after)
        try:
            if inspect.iscoroutinefunction(source):
                given = await source(*arguments)
                found = None if given is None else list(islice(given, MOST + 1))
            else:
                found = await self._threads.run(lambda: _listed(source(*arguments)))
        except LookupError as error:
            return _no_channel(action, str(error))
        except Exception as error:  # noqa: BLE001 - code of the user's: the condition waits, and says why
            return {"error": whole(f"{action.name}: {type(error).__name__}: {error}")}
        return _no_channel(action) if found is None else _report(found, action)


def _listed(given: Any) -> list[Any] | None:
    return None if given is None else list(islice(given, MOST + 1))


def _missing(reason: Reason, detail: str) -> Report:
    return {"missing": str(reason), "detail": whole(detail)}


def _no_channel(action: SampleAction, detail: str = "") -> Report:
    return _missing(
        Reason.CHANNEL_NOT_FOUND, f"there is no channel {action.channel}" + (f": {detail}" if detail else "")
    )


def _least(action: SampleAction) -> Instant:
    return action.since if action.after is None else max(action.since, action.after)


def _since(action: SampleAction) -> dict[str, str]:
    return {} if action.latest else {"after": iso(_least(action))}


def _fits(found: Sample, action: SampleAction) -> bool:
    """Whether it is of the channel, as far as it says of which it is."""
    if found.channel is not None and found.channel != action.channel:
        return False
    return not action.tags or all(found.tags.get(name) == given for name, given in action.tags.items())


def _wanted(found: Sample, action: SampleAction) -> bool:
    return found.at >= action.since and (action.after is None or found.at > action.after)


def _report(given: list[Any], action: SampleAction) -> Report:
    """Of what a service or a function gave. It was told the channel and its tags, and need not name them."""
    found = [each for each in (sample(item, action.now) for item in given[:MOST]) if each is not None]
    if given and not found:
        return {"error": "what was given holds no samples: each needs a time and a value"}
    fitting = [
        each for each in found if _fits(each if each.tags else each._replace(tags=action.tags), action)
    ]
    if found and all(each.channel not in (None, action.channel) for each in found):
        return _no_channel(action)
    wanted = [each for each in fitting if _wanted(each, action)]
    return _told(wanted, action, more=len(given) > MOST and bool(wanted))


def _told(found: list[Sample], action: SampleAction, *, more: bool = False, position: Json = None) -> Report:
    found.sort(key=lambda each: each.at)
    kept = found[-1:] if action.latest else found
    try:
        report: Report = {"samples": [(each.at, plain(each.value)) for each in kept]}
    except TypeError as error:
        return _missing(Reason.UNSUPPORTED_TYPE, f"{action.channel} has values of another type: {error}")
    if more:
        report["more"] = True
    if position is not None:
        report["position"] = position
    return report


def _next(file: BinaryIO, action: SampleAction) -> Report:
    """What was written since the last report: where that was is remembered, so that the cost does not grow."""
    read, first = reader(file.name, file)
    known = action.position or {}
    offset, seen, others = known.get("offset", 0), known.get("seen", False), known.get("others", False)
    if offset > file.seek(0, 2):  # it was begun anew
        offset = 0
    begun, found, more = offset, list[Sample](), True
    while more and not found and offset - begun < MOST_READ:
        block, offset, more = lines(file, max(first, offset))
        for line in block:
            each = read(line)
            if each is None:
                continue
            seen, others = seen or each.channel == action.channel, others or each.channel != action.channel
            if _fits(each, action) and _wanted(each, action):
                found.append(each)
    if others and not seen and not more:
        return _no_channel(action, "the file has others only")
    position = {"offset": offset, "seen": seen, "others": others}
    if known and not found and abs(offset - known["offset"]) < NEAR:  # not worth a row in the journal
        position = known
    return _told(found, action, more=more, position=position)


def _latest(file: BinaryIO, action: SampleAction) -> Report:
    """The last sample, found from the end."""
    read, first = reader(file.name, file)
    seen = others = False
    for line in backwards(file, first):
        each = read(line)
        if each is None:
            continue
        seen, others = seen or each.channel == action.channel, others or each.channel != action.channel
        if _fits(each, action):
            return _told([each] if _wanted(each, action) else [], action)
    return _no_channel(action, "the file has others only") if others and not seen else _told([], action)
