"""The kernel without anything around it: a run that is driven by hand."""

from __future__ import annotations

from typing import Any

from stepwell.definition.expression import Deferred, evaluate, evaluate_source
from stepwell.definition.model import Definition
from stepwell.definition.parse import parse
from stepwell.kernel.decide import decide
from stepwell.kernel.evolve import blank, replay
from stepwell.kernel.invariants import violations
from stepwell.kernel.ruling import Decision, Environment
from stepwell.model import commands as c
from stepwell.model.effects import Interrupt, Perform, SetTimer
from stepwell.model.events import NAMES, Event
from stepwell.model.journal import Turn
from stepwell.model.records import State

HEAD = """
document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0'}}
"""

SECOND = 1_000_000


def definition(body: str, name: str = "flow") -> Definition:
    """A definition from its body (everything but `document`)."""
    import textwrap

    return parse(HEAD.format(name=name) + textwrap.dedent(body))


def anywhere(expression: Any, data: Any, variables: Any, now: int) -> Any:
    """Evaluate whatever the risk: tests use no hostile expressions here."""
    try:
        return evaluate(expression, data, variables, now)
    except Deferred as deferred:
        return evaluate_source(deferred.source, deferred.data, deferred.variables, now)


class Driver:
    """Decides commands one after the other; keeps the journal, and checks after each turn that a replay agrees."""

    def __init__(
        self, source: Definition | str, *, chance: float = 0.5, secrets: dict[str, Any] | None = None
    ) -> None:
        self.definition = definition(source) if isinstance(source, str) else source
        self.state: State = blank("run")
        self.now = 1_000 * SECOND
        self.env = Environment(anywhere, chance, secrets or {})
        self.journal: list[Turn] = []
        self.pending: dict[str, Perform] = {}
        self.timers: list[SetTimer] = []

    def send(self, command: c.Command) -> Decision:
        decision = decide(self.definition, self.state, command, self.now, self.env)
        if decision.events:
            self.state = decision.merge()
            self.journal.append(Turn("run", self.state.run.seq, self.now, tuple(decision.events)))
            assert violations(self.state) == []
        for effect in decision.effects:
            if isinstance(effect, Perform):
                self.pending[effect.step] = effect
            elif isinstance(effect, Interrupt) and self.status != "cancelling":
                self.pending.pop(effect.step, None)  # the worker obeys, and has nothing to say
            elif isinstance(effect, SetTimer):
                self.timers.append(effect)
        return decision

    def start(self, input: Any = None, **options: Any) -> Driver:
        self.send(c.StartRun("run", {} if input is None else input, **options))
        return self

    def complete(self, name: str, output: Any = None) -> Decision:
        """The worker's good answer for the pending step of this name."""
        effect = self.take(name)
        return self.send(c.CompleteStep(effect.step, effect.attempt, output))

    def complete_effect(self, step: str, output: Any) -> Decision:
        effect = self.pending.pop(step)
        return self.send(c.CompleteStep(effect.step, effect.attempt, output))

    def send_start(self, input: Any) -> Decision:
        return self.send(c.StartRun("run", input))

    def fail(self, name: str, problem: Any) -> Decision:
        effect = self.take(name)
        return self.send(c.FailStep(effect.step, effect.attempt, problem))

    def take(self, name: str) -> Perform:
        found = [step for step in self.pending if self.state.steps[step].name == name]
        assert found, f"{name} is not being performed; pending: {list(self.pending)}"
        return self.pending.pop(found[0])

    def advance(self, seconds: float) -> None:
        """Let time pass; timers that come due fire in order."""
        self.now += int(seconds * SECOND)
        while due := sorted((t for t in self.timers if t.due <= self.now), key=lambda t: t.due)[:1]:
            self.timers.remove(due[0])
            self.send(c.FireTimer(due[0].step, due[0].purpose))

    @property
    def status(self) -> str:
        return self.state.run.status.value

    @property
    def output(self) -> Any:
        return self.state.run.output

    def events(self) -> list[str]:
        return [NAMES[type(event)] for turn in self.journal for event in turn.events]

    def order(self) -> list[str]:
        """Names of the steps in the order they began."""
        return [step.name for step in self.state.steps.values()]

    def step(self, name: str) -> Any:
        """The last step of that name."""
        return [step for step in self.state.steps.values() if step.name == name][-1]

    def replayed(self) -> State:
        state = replay(blank("run"), self.journal)
        state.tip = self.state.tip
        return state


def run(source: str, input: Any = None, **options: Any) -> Driver:
    """Start a run of inline tasks only."""
    driver = Driver(source, **options)
    return driver.start(input)


__all__ = ["Driver", "Event", "definition", "run"]
