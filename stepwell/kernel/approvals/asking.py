"""Asking people: on what terms, whom not, until when; and what an approval gives in the end."""

from __future__ import annotations

from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.model import Task
from stepwell.definition.specs import ApprovalSpec, DurationSpec
from stepwell.kernel.approvals.rules import reachable, says
from stepwell.kernel.data import View
from stepwell.kernel.evolve_run import ROOT
from stepwell.kernel.flow import ancestors
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.approvals import (
    Approval,
    ApprovalStatus,
    Approvers,
    Terms,
    Verdict,
    approvers,
    checked_terms,
)
from stepwell.model.base import Duration, Json, iso
from stepwell.model.effects import SetTimer
from stepwell.model.errors import InvalidInput
from stepwell.model.people import Node
from stepwell.model.problem import Problem
from stepwell.model.records import Step
from stepwell.model.states import WaitReason


def terms_of(view: View, spec: ApprovalSpec, data: Json) -> Terms:
    """The terms, evaluated. Raises `Fault`."""
    need = view.render(spec.need, data) if spec.need is not None else 1
    named = view.render(spec.approvers, data) if spec.approvers is not None else {}
    own = view.render(spec.own, data) if spec.own is not None else False
    if not isinstance(own, bool) or named is None:
        what = "approvers are nobody" if named is None else "selfApproval must be true or false"
        raise Fault(problem.configuration(what))
    try:
        return checked_terms(Terms(need, approvers(named), _expires(view, spec.expires, data), own))
    except InvalidInput as error:
        raise Fault(problem.configuration(error.message)) from error


def _expires(view: View, spec: DurationSpec | None, data: Json) -> Duration | None:
    """A length of time; an expression that gives null sets none."""
    if spec is None or spec.template is None:
        return spec.constant if spec is not None else None
    try:
        value = view.render(spec.template, data)
        return None if value is None else parse_duration(value)
    except DurationError as error:
        raise Fault(problem.configuration(f"expires: {error}")) from error


def ask(
    r: Ruling, step: Step, what: str, arguments: Json, terms: Terms, reason: str | None, metadata: Json = None
) -> None:
    """The step waits until people have decided. Nobody performs anything meanwhile. Raises `Fault`."""
    excluded = () if terms.own else instigators(r, step)
    if not reachable(terms.approvers, terms.need, excluded):
        who = says(Approvers(people=terms.approvers.people))
        raise Fault(
            problem.configuration(
                f"{what} can never be approved: {terms.need} of {who} have to, and {', '.join(excluded)}"
                " asked for it"
            )
        )
    due = None if terms.expires is None else r.now + terms.expires
    named = terms.approvers.as_json()
    r.emit(e.ApprovalRequested(step.id, what, arguments, terms.need, named, due, excluded, reason, metadata))
    r.emit(e.StepWaiting(step.id, WaitReason.APPROVAL, due))
    if due is not None:
        r.effect(SetTimer(step.id, "wake", due))


def instigators(r: Ruling, step: Step) -> tuple[str, ...]:
    """The author of the run, whoever started or retried it, and who submitted what led to the step."""
    stamps = r.draft.run.stamps
    found = [r.draft.run.author]
    found += [stamps[what].by for what in ("started", "retried") if what in stamps]
    if r.draft.has_nodes:
        for around in (step, *ancestors(r, step)):
            own = r.draft.find_node(around.id)
            nodes = [own] if own is not None and around is not step else []
            found += [_submitter(node) for node in (*nodes, *_before(r, around, own))]
    return tuple(dict.fromkeys(name for name in found if name is not None))


def _before(r: Ruling, step: Step, own: Node | None) -> list[Node]:
    """What people did last before a step: in a graph on every way to it, else the last one of its list."""
    if own is not None and own.after:
        return _submitted_before(r, own)
    beside = [
        node
        for node in r.draft.nodes()
        if node.id != step.id and "submitted" in node.stamps and r.draft.step(node.id).scope == step.scope
    ]
    if r.draft.find_graph(step.scope) is not None:
        return []
    return [max(beside, key=lambda node: node.stamps["submitted"].at)] if beside else []


def _submitted_before(r: Ruling, own: Node) -> list[Node]:
    """What nobody submitted (code, conditions, what was skipped) is gone through to what came before it."""
    found: list[Node] = []
    todo, seen = list(own.after), set[str]()
    while todo:
        node = r.draft.node(todo.pop())
        if node.id in seen:
            continue
        seen.add(node.id)
        if _submitter(node) is None:
            todo.extend(node.after)
        else:
            found.append(node)
    return found


def _submitter(node: Node) -> str | None:
    stamp = node.stamps.get("submitted")
    return stamp.by if stamp is not None else None


def enter(r: Ruling, step: Step, task: Task, view: View, spec: ApprovalSpec) -> None:
    """`call: approval`: a step that is nothing but the question. Raises `Fault`."""
    what = view.render(spec.what, step.input) if spec.what is not None else task.options.title or task.name
    arguments = view.render(spec.arguments, step.input) if spec.arguments is not None else step.input
    metadata = view.render(spec.metadata, step.input) if spec.metadata is not None else None
    ask(r, step, str(what), arguments, terms_of(view, spec, step.input), None, metadata)


def output_of(approval: Approval) -> dict[str, Json]:
    """What a step that asks gives: `decision`, and who said what."""
    return {
        "decision": approval.status.value,
        "reason": None if approval.status is ApprovalStatus.APPROVED else refusal(approval).detail,
        "decisions": [
            {
                "by": each.by,
                "verdict": each.verdict.value,
                "at": iso(each.at),
                "comment": each.comment,
                "metadata": each.metadata,
                "chain": list(each.chain),
            }
            for each in approval.decisions
        ],
    }


def refusal(approval: Approval) -> Problem:
    """Why the step fails: people said no, or nobody said yes in time."""
    if approval.status is ApprovalStatus.EXPIRED:
        return problem.approval_expired(approval.what, approval.given, approval.need)
    last = next(each for each in approval.decisions if each.verdict is Verdict.REJECT)
    return problem.rejected(approval.what, f"rejected by {last.by}", last.comment)


def open_approval(r: Ruling, name: str | None) -> Approval | None:
    """The approval of a step, by its id or the name of its task; None where it asks for none."""
    if name is not None and name.startswith("/"):
        return r.draft.find_approval(name)
    graph = r.draft.find_graph(ROOT)
    if name is not None and graph is not None and name in graph.steps:
        return r.draft.find_approval(graph.steps[name])
    found = [each for each in r.draft.approvals() if name is None or r.draft.step(each.step).name == name]
    still = [each for each in found if each.open] or found
    if len(still) > 1 and any(each.open for each in still):
        listed = ", ".join(each.step for each in still)
        raise InvalidInput(f"run {r.draft.run.id} has several open approvals: {listed}", hint="name the step")
    return still[-1] if still else None
