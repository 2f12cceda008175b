"""What an attempt's performance holds, and how long."""

from __future__ import annotations

import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from stepwell.engine.mail import Mail
from stepwell.engine.work import Performance
from stepwell.model.actions import CodeAction, Succeeded
from stepwell.model.commands import CompleteStep, FailStep
from stepwell.model.effects import Perform
from stepwell.model.errors import InvalidInput, TransitionRefused


class Argument:
    """Something large, perhaps."""


class Told(list[Mail]):
    """Stands for an actor."""

    id = "r"
    state = SimpleNamespace(run=SimpleNamespace(id="r"))

    def tell(self, mail: Mail) -> None:
        self.append(mail)


def finished(told: Told) -> weakref.ref[Argument]:
    argument = Argument()
    action = CodeAction(print, (argument,), {}, True, str)
    performance = Performance(told, Perform("/do/0/a", 2, action, "key"), None, None, None)  # type: ignore[arg-type]
    performance.finish(Succeeded({"n": 1}))
    return weakref.ref(argument)


def test_a_result_on_its_way_holds_nothing_of_its_performance() -> None:
    told = Told()
    argument = finished(told)
    assert [mail.command for mail in told] == [CompleteStep("/do/0/a", 2, {"n": 1}, None)]
    assert argument() is None


@pytest.mark.parametrize("error", [None, InvalidInput("too large"), TransitionRefused("it is over")])
def test_a_result_that_cannot_be_stored_is_the_failure_of_its_step(error: Any) -> None:
    told = Told()
    finished(told)
    told[0].answer(error)
    failed = [mail.command for mail in told[1:]]
    if isinstance(error, InvalidInput):
        assert isinstance(failed[0], FailStep)
        assert failed[0][:2] == ("/do/0/a", 2)
        assert "too large" in failed[0].problem.detail
        assert told[1].insist
    else:
        assert failed == []
