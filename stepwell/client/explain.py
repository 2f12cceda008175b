"""Why a run stands where it stands, and what can be done about it (SPEC Q10).

The rules are a table: the first one that applies names the reason, the sentence, and the commands that help.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from stepwell.client.awaiting import APPROVAL, CONDITION, PEOPLE, STEPS, THEIRS, failures, left_to_people
from stepwell.client.evidence import evidence
from stepwell.client.open_steps import Facts, OpenStep, facts_of, problem_lines, problem_text, times
from stepwell.client.queued import Queued, says
from stepwell.client.serving import apps, where
from stepwell.client.undone import first_undone, remark, tolerated, under_way
from stepwell.client.views import View, when
from stepwell.engine.ended import ended_by
from stepwell.engine.rows import ends_at
from stepwell.kernel.standing import undoing
from stepwell.model.base import Instant
from stepwell.model.driven import DRIVEN
from stepwell.model.records import Run, State
from stepwell.model.states import RunStatus

Applies = Callable[[Facts], bool]
Says = Callable[[Facts], str]


class Action(NamedTuple):
    """What a person can do; `command` is filled with the names of `_names`."""

    action: str
    command: str
    applies: Applies = lambda facts: True


class Rule(NamedTuple):
    reason: str
    applies: Applies
    says: Says
    actions: tuple[Action, ...]


SHOW: Final = Action("look at its steps and errors", "stepwell runs show {run}")
WATCH: Final = Action("follow it live", "stepwell runs watch {run}")
SERVE: Final = Action("carry on every open run of this file{where}", "stepwell serve{apps}")
CANCEL: Final = Action("stop it gently", "stepwell runs cancel {run}")
TERMINATE: Final = Action("stop it at once, without waiting", "stepwell runs terminate {run}")
PAUSE: Final = Action("hold it back before the next step", "stepwell runs pause {run}")
RESUME: Final = Action("let it go on", "stepwell runs resume {run}")
RERUN: Final = Action("start it anew, as another run", "stepwell runs rerun {run}")
RETRY: Final = Action(
    "go on from what did not succeed, without doing the rest again",
    "stepwell runs retry {run}",
    lambda facts: facts.state.run.started_at is not None and not undoing(facts.state.steps.values()),
)
FORK: Final = Action(
    "do again what was undone, and what comes after it, as another run",
    "stepwell runs fork {run} {undone}",
    lambda facts: first_undone(facts.state) is not None,
)
NEXT_RUN: Final = Action("see how that one stands", "stepwell runs explain {next}")
SERVE_TOO: Final = SERVE._replace(
    action="have an engine carry it on afterwards{where}: none does now",
    applies=lambda facts: not facts.carried_on,
)
NEW_INPUT: Final = Action(
    "start it anew with an input that it accepts",
    "stepwell runs rerun {run} --input @FILE",
    lambda facts: facts.state.run.started_at is None,
)
QUEUE: Final = Action("look at its queue", "stepwell queues show {queue}")
LET_GO: Final = Action(
    "let the queue go on",
    "stepwell queues resume {queue}",
    lambda facts: facts.queued is not None and bool(facts.queued.place.depth.queue.paused),
)
SERVE_QUEUED: Final = SERVE._replace(
    action="begin what waits in the queues{where}",
    applies=lambda facts: facts.queued is not None and not facts.queued.workers,
)
END: Final = SERVE._replace(action="have it ended, by an engine that is there from now on")
STEP_ON: Final = Action("let only this step begin", "stepwell runs resume {run} --step {step}")
CHILD: Final = Action("see what the other run waits for", "stepwell runs explain {child}")
BEGIN_AGAIN: Final = Action(
    "begin the step again: StepStore.begin_step takes it over", "stepwell runs show {run}"
)
DECIDE: Final = Action("approve it", "stepwell approvals approve {run} {step} --by NAME")
REFUSE: Final = Action("reject it: the step fails", "stepwell approvals reject {run} {step} --by NAME")
HAND_ON: Final = Action(
    "let somebody else decide", "stepwell approvals delegate {run} {step} --by NAME --to NAME"
)
FILL_IN: Final = Action("look at it, and at what can be done", "stepwell step show {run} {step}")
INBOX: Final = Action("see all that waits for people in it", "stepwell inbox --all --run {run}")
STANDS: Final = Action("see how the procedure stands", "stepwell procedures status {run}")
BEGIN: Final = Action("begin it", "stepwell procedures begin {run}")
SUCCEED: Final = Action("end it as completed", "stepwell procedures succeed {run}")
GIVE_UP: Final = Action("end it as failed", "stepwell procedures fail {run} --reason TEXT")
REPEAT: Final = Action("do it again", "stepwell step repeat {run} {failed}")
HISTORY: Final = Action("read everything that happened", "stepwell runs history {run}")


WITH_CODE: Final = Action(
    "have it carried on where its code is: name its file, or open the database from the program that has it",
    "stepwell serve{apps}",
)
OLD_CODE: Final = WITH_CODE._replace(
    action="have the code that it began with carry it on: bring that version back, or mark the change as a patch"
)


def _is(*statuses: RunStatus) -> Applies:
    return lambda facts: facts.state.run.status in statuses


def _leads(reason: str) -> Applies:
    return lambda facts: facts.first is not None and facts.first.reason == reason


def _only_people(facts: Facts) -> bool:
    """Nothing is open but what people do, and what comes after that."""
    kinds = {found.reason for found in facts.open}
    run = facts.state.run
    theirs = PEOPLE in kinds or (run.attended and APPROVAL in kinds)
    return run.status is RunStatus.RUNNING and theirs and kinds <= THEIRS


def _to_decide(facts: Facts) -> bool:
    return _only_people(facts) and _leads(APPROVAL)(facts)


def _whole(facts: Facts) -> bool:
    return left_to_people(facts.state)


def _holds(facts: Facts) -> str:
    first, *others = failures(facts.state)
    more = f" ({times(len(others), 'other step')} failed too)" if others else ""
    return f"Step {first.id} failed and holds the procedure up{more}: {problem_text(first.error)}."


def _failed(facts: Facts) -> str:
    run = facts.state.run
    kind = "failed" if run.status is RunStatus.FAILED else "ran out of time"
    absorbed = len(tolerated(facts.state))
    more = f"; {times(absorbed, 'failure')} before it had been tolerated" if absorbed else ""
    return f"The run {kind}{_at(run)}: {problem_text(run.error)}{more}.{remark(facts.state)}"


def _continued(facts: Facts) -> str:
    return f"The run went on as another one: {facts.state.run.continued_to}."


def _paused(facts: Facts) -> str:
    run = facts.state.run
    why = f": {run.pause_reason}" if run.pause_reason else ""
    return f"The run has been paused since {when(run.paused_at)}; it waits for a person{why}."


def _pausing(facts: Facts) -> str:
    reason = facts.state.run.pause_reason
    why = f" ({reason})" if reason else ""
    return _waits_for(facts.draining, f"Nothing new begins{why}; the run is paused once this has ended:")


def _cancelling(facts: Facts) -> str:
    late = facts.state.run.out_of_time
    what, it = ("The run's time is over", "it ") if late else ("The run is being cancelled", "")
    if facts.state.run.compensating is not None:
        return _waits_for(facts.open, f"{what}: what it did is undone first.")
    return _waits_for(facts.in_flight, f"{what}, and {it}waits until this has stopped:")


def _stalls(kind: str = "") -> Applies:
    """The workflow's code is missing, or not what it was; without a kind: it cannot go on for whatever reason."""

    def applies(facts: Facts) -> bool:
        stalled = facts.state.run.stalled
        return stalled is not None and not facts.state.run.status.terminal and stalled.type.endswith(kind)

    return applies


def _stalled(facts: Facts) -> str:
    return f"The run cannot go on: {problem_lines(facts.state.run.stalled)}."


def _out_of_time(facts: Facts) -> bool:
    """A program of its own drives it, and has not come back; an engine would have ended it."""
    end = ends_at(facts.state.run)
    return end is not None and end <= facts.now


def _ends(facts: Facts) -> str:
    over = "Its time is over: it is timed_out"
    if facts.state.run.status is RunStatus.CANCELLING:
        over = "It is being cancelled, and a claim that it waits for has expired: it goes on"
    return f"{over} as soon as an engine is open on the file, or somebody asks the step store for anything of it."


def _completed(facts: Facts) -> str:
    absorbed = len(facts.state.run.errors)
    return (
        f"The run is complete; {times(absorbed, 'failure')} tolerated."
        if absorbed
        else "The run is complete."
    )


def _because(ended: str) -> Says:
    """A sentence with the reason that somebody gave, if somebody did; the failure that came before it comes first."""

    def says(facts: Facts) -> str:
        run = facts.state.run
        reason, who = run.cancel_reason, ended_by(run)
        head = f"The run {ended}"
        if run.error is not None:
            head = f"The run failed{_at(run)}: {problem_text(run.error)}; while what it had done was undone, it {ended}"
        head = f"{head} by {who}" if who else head
        said, added = f"{head}: {reason}" if reason else f"{head}.", remark(facts.state)
        return f"{said.rstrip('.')}.{added}" if added else said

    return says


def _at(run: Run) -> str:
    return f" at {run.error_step}" if run.error_step else ""


def _waits_for(steps: Sequence[OpenStep], text: str) -> str:
    """A sentence with the steps whose work goes on."""
    names = ", ".join(found.step.id for found in steps[:3])
    more = f" and {len(steps) - 3} more" if len(steps) > 3 else ""
    return f"{text} {names}{more}." if names else f"{text} work that is ending now."


def _step_says(facts: Facts) -> str:
    assert facts.first is not None
    others = len(facts.open) - 1
    return facts.first.says + (f" ({times(others, 'other step')} open too)" if others else "")


STEP_ACTIONS: Final[dict[str, tuple[Action, ...]]] = {
    "expired_claim": (BEGIN_AGAIN, SHOW, CANCEL),
    "step_running": (WATCH, PAUSE, CANCEL),
    "paused_by_debugger": (STEP_ON, RESUME, CANCEL),
    "waiting_for_retry": (WATCH, SHOW, CANCEL),
    "waiting_for_children": (CHILD, WATCH, CANCEL),
    "waiting_for_timer": (WATCH, CANCEL),
    "rate_limited": (WATCH, CANCEL),
    "step_scheduled": (WATCH, CANCEL),
    "waiting_for_event": (SHOW, CANCEL),
    CONDITION: (FILL_IN, STANDS, CANCEL),
    APPROVAL: (DECIDE, REFUSE, HAND_ON, CANCEL),
    PEOPLE: (FILL_IN, INBOX, STANDS, SERVE_TOO),
    STEPS: (STANDS, CANCEL),
    "waiting": (SHOW, CANCEL),
}
"""What helps when a step is the reason; the one nearest to going on comes first where several are open."""

RULES: Final = (
    Rule("completed", _is(RunStatus.COMPLETED), _completed, (SHOW, RERUN)),
    Rule("failed", _is(RunStatus.FAILED), _failed, (SHOW, RETRY, NEW_INPUT, RERUN, FORK)),
    Rule("timed_out", _is(RunStatus.TIMED_OUT), _failed, (SHOW, RETRY, RERUN, FORK)),
    Rule("cancelled", _is(RunStatus.CANCELLED), _because("was cancelled"), (SHOW, RETRY, RERUN, FORK)),
    Rule("terminated", _is(RunStatus.TERMINATED), _because("was terminated"), (SHOW, RERUN)),
    Rule("continued", _is(RunStatus.CONTINUED), _continued, (NEXT_RUN, SHOW)),
    Rule("out_of_time", _out_of_time, _ends, (END, SHOW, HISTORY)),
    Rule(
        "paused",
        _is(RunStatus.PAUSED),
        _paused,
        (RESUME, SERVE_TOO, CANCEL),
    ),
    Rule(
        "paused_by_debugger", _leads("paused_by_debugger"), _step_says, (STEP_ON, RESUME, SERVE_TOO, CANCEL)
    ),
    Rule("code_missing", _stalls("/code-missing"), _stalled, (WITH_CODE, SHOW, CANCEL)),
    Rule("code_mismatch", _stalls("/code-mismatch"), _stalled, (HISTORY, OLD_CODE, RERUN, TERMINATE)),
    Rule("stalled", _stalls(), _stalled, (SHOW, HISTORY, TERMINATE)),
    Rule(
        "queued",
        lambda facts: facts.state.run.waits,
        lambda facts: says(facts.state.run, facts.queued, facts.now),
        (QUEUE, LET_GO, SERVE_QUEUED, WATCH, CANCEL),
    ),
    Rule(
        "held_at_start",
        lambda facts: _whole(facts) and facts.state.run.held,
        lambda facts: "The run waits for a person to begin it.",
        (BEGIN, STANDS, SERVE_TOO, CANCEL),
    ),
    Rule(
        "held_by_failure",
        lambda facts: _whole(facts) and bool(failures(facts.state)),
        _holds,
        (REPEAT, STANDS, GIVE_UP, SERVE_TOO),
    ),
    Rule(
        "waiting_to_be_ended",
        lambda facts: _whole(facts) and not facts.open,
        lambda facts: "Every step is through: the procedure waits for a person to end it.",
        (SUCCEED, GIVE_UP, STANDS),
    ),
    Rule(APPROVAL, _to_decide, _step_says, (DECIDE, REFUSE, HAND_ON, INBOX, SERVE_TOO)),
    Rule(PEOPLE, _only_people, _step_says, STEP_ACTIONS[PEOPLE]),
    Rule(
        "not_carried_on",
        lambda facts: not facts.carried_on,
        lambda facts: f"The run is {facts.state.run.status}, but no engine is alive that carries it on.",
        (SERVE, CANCEL, TERMINATE),
    ),
    Rule(
        "cancelling",
        _is(RunStatus.CANCELLING),
        _cancelling,
        (WATCH, TERMINATE),
    ),
    Rule(
        "pausing",
        _is(RunStatus.PAUSING),
        _pausing,
        (WATCH, RESUME, CANCEL),
    ),
    *(Rule(reason, _leads(reason), _step_says, actions) for reason, actions in STEP_ACTIONS.items()),
    Rule(
        "waiting_for_runner",
        lambda facts: facts.state.run.code == DRIVEN,
        lambda facts: (
            "Nothing is planned or performed: the program that drives the run has to say what comes next."
        ),
        (SHOW, HISTORY, CANCEL),
    ),
    Rule(
        "going_on",
        lambda facts: True,
        lambda facts: f"The run is {facts.state.run.status}; the engine is about to go on with it.",
        (WATCH, HISTORY),
    ),
)


LEFT_TO_PEOPLE: Final = frozenset(
    {PEOPLE, APPROVAL, "held_at_start", "held_by_failure", "waiting_to_be_ended"}
)
"""Reasons why a procedure goes on only when a person does something."""


def explain(
    state: State, now: Instant, carried_on: bool, queued: Queued | None = None, differs: str | None = None
) -> View:
    """`{run_id, status, reason, summary, details, next_actions, evidence}`.

    `carried_on`: some engine is alive that owns the run. `details` has one entry for each open step that is not
    just a block around another; `next_actions` are `{action, command}`. `differs`: where the run's code, executed here,
    was found to give other arguments than are recorded.
    """
    driven = state.run.code == DRIVEN  # a program of its own carries it on
    facts = facts_of(state, now, carried_on=carried_on or driven, queued=queued)
    rule, names = next(rule for rule in RULES if rule.applies(facts)), _names(facts)
    return {
        "run_id": state.run.id,
        "status": state.run.status.value,
        "reason": rule.reason,
        "summary": rule.says(facts) + under_way(state),
        "details": [found.as_json() for found in facts.open],
        "next_actions": [
            {"action": action.action.format_map(names), "command": action.command.format_map(names)}
            for action in rule.actions
            if action.applies(facts)
        ],
        "evidence": {**evidence(facts), "other_arguments": differs},
    }


def _names(facts: Facts) -> dict[str, str]:
    first: OpenStep | None = facts.first
    return {
        "run": facts.state.run.id,
        "step": _quoted(first.step.id) if first else "STEP",
        "child": (first.child if first else None) or "CHILD",
        "failed": next((_quoted(step.id) for step in failures(facts.state)), "STEP"),
        "queue": _quoted(facts.state.run.queue or "QUEUE"),
        "undone": _quoted(first_undone(facts.state) or "STEP"),
        "next": facts.state.run.continued_to or "RUN",
        "apps": apps([facts.state.run.code]),
        "where": where(facts.state.run.code),
    }


def _quoted(text: str) -> str:
    """As a POSIX shell needs it."""
    plain = text.replace("/", "").replace("_", "").replace("-", "").replace(".", "")
    return text if plain.isalnum() and plain.isascii() else "'" + text.replace("'", "'\\''") + "'"
