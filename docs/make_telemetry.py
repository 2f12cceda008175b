"""Make `docs/telemetry.md` from the tables that the observers themselves use: `make docs`. A test holds the page to
them."""

import logging
from pathlib import Path

from stepwell.model.events import NAMES, StepWaiting
from stepwell.telemetry.cloudevents import CORRELATION, PREFIX, TASK, WORKFLOW
from stepwell.telemetry.facts import FIELDS, RENAMED
from stepwell.telemetry.logs import level_of
from stepwell.telemetry.metrics import METRICS
from stepwell.telemetry.tracing import RUN_ATTRIBUTES, STEP_ATTRIBUTES

PAGE = Path(__file__).parent / "telemetry.md"

HEAD = """# Telemetry

The tables of this page are made by `make docs` from the code that they describe. Names and fields in them are a
contract: they keep their meaning, and new ones may come.

Everything here hears of an event after its commit. Nothing here can change a run or hold it up, but for code of
yours that does not return. What leaves: names, ids, numbers, times, and of an error its type, title and status.
What stays: inputs, outputs, variables, tags, idempotency keys, reasons, the details of errors and the messages of
exceptions. Values of `$secrets` are masked before anything is recorded at all.

## Durable subscriptions

    async def mail(committed):
        await send(committed.event, idempotency_key=committed.id)

    subscription = await stepwell.subscribe("mailer", mail, events=["run.failed"], from_="now")

The handler gets every event of every run and process on the store, at least once, in the order of commits:
`position` (of the turn in the whole store), `run_id`, `seq`, `index`, `at`, `event` and `name`. `id`
(`RUN/SEQ/INDEX`) names one fact and never another: use it to tell what you have had. Events are as the journal
has them, data included, and leave out what follows from the events before.

* How far a subscription came is kept in the store under its name, after the handler returned: for up to `batch`
  (100) turns at once, and at least once a second. After a crash those come again; after an orderly end none does.
* A handler that raises gets the same event again, after 0.1 s, then twice as long, up to a minute. Nothing
  overtakes it. `await stepwell.subscriptions()` tells how far each one is behind, how often it failed in a row
  and with what type of error.
* Where several processes subscribe under one name, one delivers; another one takes over when it is gone.
* `await subscription.caught_up()` returns when everything that is committed by now was handled; `await
  subscription.close()` lets the handler finish. `await stepwell.unsubscribe("mailer")` forgets the place.
* `async for committed in stepwell.events(after=position, follow=True)` reads along and keeps nothing.

`on_event`, `on_variable` and `on_condition` hear of this engine's commits only, as they happen, and forget with
the process. A listener that is a coroutine function is awaited beside the runs, for one thing after the other in their
order; when the engine closes it may hear to the end what it was told, for 5 seconds at most.

## Switching on

    from stepwell.telemetry import EventLog, Metrics, Tracing

    async with Stepwell.open("orders.db", telemetry=[EventLog(), Metrics(registry), Tracing()]) as stepwell: ...

    stepwell serve --log-format json --metrics-port 9464 --otel

`stepwell[metrics]` brings prometheus-client, `stepwell[otel]` the OpenTelemetry API; the provider and its
exporter are yours. `--metrics-port` listens on loopback unless `--metrics-host` says otherwise.
"""

LOGS = """## Logs

`EventLog` writes one record for each event to the logger `stepwell.events`; `record.stepwell` holds the fields.
`JsonFormatter` (`--log-format json`) makes an object of each record: `time`, `level`, `logger`, `message`; for
events `event`, `run_id`, `seq`, `at` and what the table says; for exceptions `exception`, the type only. `error`
stands for `error_type`, `error_title` and `error_status`. Texts are cut at 200 characters.
"""

METRIC_TEXT = """## Metrics

One `Metrics` counts one engine. `workflow` is `namespace/name` of the first 100 workflows (`max_names`), and
`other` for all beyond; the values of the other labels are those of the language, of [states](states.md) and of
the table above. `metrics.gauge(name, meaning, read)` adds one of your own.
"""

SPANS = """## Spans

`run NAMESPACE/NAME` for a run, from its creation to its end; `step NAME` for each attempt at a step, inside the
step or run that it belongs to. A run that another one started is inside the step that started it. A retry is
linked to the attempt before. Times are those of the journal. What a step does runs inside its span: the spans of
instrumented HTTP clients become its children and carry the context on. Failures have the status ERROR and
`error.type`; no messages, no span events.

The process that sees a run end exports its span, with its true start, also if another process began it; attempts
that ended in the other process are in that one's trace, and are found by `stepwell.run.id`.
"""

CLOUD = """## CloudEvents

`subscribe(…, cloudevents=True)` and `cloudevents(after=…)` give the lifecycle events of the language as
CloudEvents 1.0, in JSON's shape. `id` is that of the fact (with `/created` behind it for a task that is created
and started by one event), `source` is `/stepwell/runs/RUN`, `subject` the run or the step. `data` has `name` or
`workflow` (`NAME-RUN.NAMESPACE`), `task` (JSON pointer), the time, and for a fault `error`: type, title, status.
Outputs are not embedded; the standard has them pointed to, and nothing here points to one.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [HEAD, LOGS, *_events(), "", METRIC_TEXT, *_metrics(), "", SPANS, *_spans(), "", CLOUD, *_cloud(), ""]
    )


def _events() -> list[str]:
    lines = ["| event | level | fields |", "| --- | --- | --- |"]
    for kind, name in NAMES.items():
        fields = ", ".join(f"`{RENAMED.get(field, field)}`" for field in FIELDS.get(kind, ()))
        lines.append(f"| `{name}` | {logging.getLevelName(level_of(kind)).lower()} | {fields} |")
    return lines


def _metrics() -> list[str]:
    lines = ["| metric | kind | labels | what |", "| --- | --- | --- | --- |"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |")
    return lines


def _spans() -> list[str]:
    return [
        f"* run: {', '.join(f'`{name}`' for name in RUN_ATTRIBUTES)}",
        f"* step: {', '.join(f'`{name}`' for name in STEP_ATTRIBUTES)}",
    ]


def _cloud() -> list[str]:
    lines = ["| event | type |", "| --- | --- |"]
    for kind, told in [*WORKFLOW.items(), (StepWaiting, CORRELATION), *TASK.items()]:
        only = " (for an event)" if kind is StepWaiting else ""
        lines.append(f"| `{NAMES[kind]}`{only} | `{PREFIX}{told.type}` |")
    return lines


if __name__ == "__main__":
    PAGE.write_text(page())
