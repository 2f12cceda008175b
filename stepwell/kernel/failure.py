"""Where an error goes: up through the blocks around it until somebody catches it, absorbs it, or the run fails."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from stepwell.kernel import catching, graph
from stepwell.kernel.evolve_run import try_scope
from stepwell.kernel.flow import cancel_steps, fail_run, follow
from stepwell.kernel.notices import tell
from stepwell.kernel.ruling import Fault, Ruling, Spoiled
from stepwell.kernel.standing import in_flight
from stepwell.model import events as e
from stepwell.model.effects import Interrupt
from stepwell.model.policy import FailureMode
from stepwell.model.problem import Problem
from stepwell.model.records import Step


class Route(NamedTuple):
    """How far an error goes. `failing`: the steps it ends, innermost first. At most one of the other two is set."""

    problem: Problem
    failing: list[Step]
    absorbed_by: Step | None = None
    caught_by: Step | None = None
    response: catching.Response | None = None


def fail(r: Ruling, step: Step, problem: Problem, *, timed_out: bool = False) -> None:
    """The step has failed. Ends what the error ends, and lets go on what goes on."""
    route = _route(r, step, located(problem, step.path))
    _end_failing(r, route, step.id, timed_out=step if timed_out else None)
    _go_on(r, step, route)


def fail_after_end(r: Ruling, item: Spoiled) -> None:
    """The step had ended well when an event that it tells of could not be made: it failed after all."""
    step = r.draft.step(item.step)
    route = _route(r, step, located(item.problem, step.path))
    absorbed = route.absorbed_by is not None and route.absorbed_by.id == step.id
    r.emit(e.StepActionFailed(step.id, route.problem, absorbed))
    _end_failing(r, route._replace(failing=route.failing[1:]), step.id, timed_out=None)
    _go_on(r, step, route)


def _go_on(r: Ruling, step: Step, route: Route) -> None:
    """What the error was for those around the step has happened; now for what goes on."""
    if route.absorbed_by is not None:
        _after_absorbing(r, route.absorbed_by)
    elif route.caught_by is not None and route.response is not None:
        _respond(r, route.caught_by, route.problem, route.response)
    else:
        fail_run(r, route.problem, step.id)


def fail_attempt(r: Ruling, owner: Step, problem: Problem) -> None:
    """The present try of a block failed as a whole (it took too long)."""
    problem = located(problem, owner.path)
    scope = r.draft.scope(try_scope(owner.id, owner.attempt - 1))
    answer = catching.response(r, owner, scope, problem)
    if answer is None:
        fail(r, owner, problem, timed_out=True)
        return
    r.agenda.forget(owner.id)
    _cancel_inside(r, owner, [], "the attempt took too long")
    _respond(r, owner, problem, answer)


def located(problem: Problem, path: str) -> Problem:
    """The problem with an instance: the author's own, or the task's pointer."""
    if problem.instance is not None:
        return problem
    return replace(problem, instance=path)


def _route(r: Ruling, step: Step, problem: Problem) -> Route:
    """Climb from the step to whoever deals with the error."""
    failing: list[Step] = []
    node = step
    while True:
        failing.append(node)
        if node.optional:
            return Route(problem, failing, absorbed_by=node)
        scope = r.draft.scope(node.scope)
        if scope.owner is None:
            break
        owner = r.draft.step(scope.owner)
        if scope.section == "try":
            try:
                response = catching.response(r, owner, scope, problem)
            except Fault as fault:  # the catch itself is broken: its own error goes on instead
                problem, response = located(fault.problem, owner.path), None
            if response is not None:
                return Route(problem, failing, caught_by=owner, response=response)
        node = owner
    if r.definition.failure_policy.mode is FailureMode.HOLD:
        return Route(problem, failing, absorbed_by=failing[-1])
    if _policy_absorbs(r):
        return Route(problem, [step], absorbed_by=step)
    return Route(problem, failing)


def _policy_absorbs(r: Ruling) -> bool:
    """Whether the run goes on after one more failure that nobody caught."""
    policy = r.definition.failure_policy
    if policy.mode is FailureMode.TOLERATE and not policy.percent:
        counted = sum(not r.draft.step(step).optional for step in r.draft.run.errors)
        return counted + 1 <= policy.tolerated
    return policy.mode is not FailureMode.FAIL_FAST


def _end_failing(r: Ruling, route: Route, cause: str, *, timed_out: Step | None) -> None:
    """End the failing steps, and everything open inside them or beside them in the block that caught the error."""
    around = route.caught_by or (route.failing[-1] if route.failing else None)
    if around is None:
        return
    r.agenda.forget(around.id)
    _cancel_inside(r, around, route.failing, f"{cause} failed")
    for node in route.failing:
        if node is timed_out and in_flight(node):
            r.effect(Interrupt(node.id, node.attempt))
        kind = e.StepTimedOut if node is timed_out else e.StepFailed
        r.emit(kind(node.id, route.problem, node is route.absorbed_by))
        tell(r, r.draft.step(node.id), r.task(node.path))


def _cancel_inside(r: Ruling, root: Step, spared: list[Step], reason: str) -> None:
    ids, prefix = {step.id for step in spared}, root.id + "/"
    inside = [s for s in r.draft.open_steps() if s.id not in ids and s.id.startswith(prefix)]
    cancel_steps(r, inside, reason)


def _respond(r: Ruling, owner: Step, problem: Problem, answer: catching.Response) -> None:
    try:
        catching.respond(r, owner, problem, answer)
    except Fault as fault:
        fail(r, r.draft.step(owner.id), fault.problem)


def _after_absorbing(r: Ruling, step: Step) -> None:
    """The step failed and the run goes on: its successor gets what it got."""
    task = r.task(step.path)
    if not step.optional and r.definition.failure_policy.mode is FailureMode.HOLD:
        return
    if not step.optional and r.draft.find_graph(step.scope) is not None:
        graph.give_up(r, step)
        return
    follow(r, step, task, task.then if task.then in ("exit", "end") else "continue")
