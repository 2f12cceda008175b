"""A slip in what `@step`, `@workflow`, `Retry` and `Policy` are told is refused where it stands, in words that name it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepwell import InvalidInput, Policy, Retry, step, workflow

pytestmark = pytest.mark.spec("Q13")


async def work(n: int = 1) -> int:
    return n


def stepped(**options: Any) -> Callable[[], Any]:
    return lambda: step(**options)(work)


def hooked(given: Any) -> Callable[[], Any]:
    return lambda: workflow(on_fail=given)(work)


def flowing(**options: Any) -> Callable[[], Any]:
    return lambda: workflow(**options)(work)


def bare(given: Any) -> Callable[[], Any]:
    return lambda: step(given)


def retry(**fields: Any) -> Callable[[], Any]:
    return lambda: Retry(**fields)


REFUSED: dict[str, tuple[Callable[[], Any], str, str]] = {
    "a field of the record": (stepped(retries=3), "@step has no option 'retries'", "did you mean retry?"),
    "another one": (stepped(compensates="x"), "no option 'compensates'", "did you mean compensate?"),
    "a slip": (stepped(time_out=3), "no option 'time_out'", "did you mean timeout?"),
    "nothing like it": (stepped(foo=1), "no option 'foo'", "its options are: approval, cache, "),
    "retry, true": (stepped(retry=True), "retry is a Retry, or how many attempts", "retry=3"),
    "retry, a text": (stepped(retry="3"), "retry is a Retry, or how many attempts", "retry=3"),
    "retry, none at all": (stepped(retry=0), "from 1, not 0", "retry=3"),
    "compensate, a name": (stepped(compensate="refund"), "compensate is a function or a step", "quotes"),
    "on_error, a text": (stepped(on_error="retry"), "on_error is a Policy", "Policy("),
    "queue": (stepped(queue=3), "queue is a text, not 3", ""),
    "name": (stepped(name=3), "name is a text, not 3", ""),
    "optional": (stepped(optional="yes"), "optional is True or False, not 'yes'", ""),
    "irreversible": (stepped(irreversible=1), "irreversible is True or False, not 1", ""),
    "priority": (stepped(priority="high"), "priority is a whole number", ""),
    "cache": (stepped(cache="1h"), "cache is a number of seconds", ""),
    "no function": (bare(3), "@step stands above a function, not 3", ""),
    "a name": (bare("charge"), "@step stands above a function, not 'charge'", "@step(name=…)"),
    "on": (
        retry(on="ValueError"),
        "on has classes of exceptions, not 'ValueError'",
        "on=(ValueError, OSError)",
    ),
    "never": (retry(never=(OSError, int)), "never has classes of exceptions, not <class 'int'>", ""),
    "attempts": (retry(attempts="3"), "attempts is a number from 1", ""),
    "jitter": (retry(jitter="much"), "jitter is a fraction", ""),
    "count": (lambda: Policy("retry", count="3"), "count is a number from 0", ""),  # type: ignore[arg-type]
    "a step's option": (flowing(retry=3), "@workflow has no option 'retry'", "its options are: deadline, "),
    "a workflow's slip": (flowing(on_failed="x"), "no option 'on_failed'", "did you mean on_fail?"),
    "a workflow's name": (flowing(name=3), "name is a text, not 3", ""),
    "strict_arguments": (flowing(strict_arguments=1), "strict_arguments is True or False", ""),
    "no function to run": (lambda: workflow(3), "@workflow stands above a function, not 3", ""),  # type: ignore[call-overload]
    "a hook": (hooked(3), "on_fail", ""),
    "a plain function": (hooked(work), "is a workflow, or namespace/name:version", "@workflow above"),
    "what a policy runs": (lambda: Policy(run=3), "a policy's run", ""),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused(case: str) -> None:
    make, says, hint = REFUSED[case]
    with pytest.raises(InvalidInput) as refused:
        make()
    assert says in refused.value.message
    assert hint in (refused.value.hint or "")


def test_a_step_may_be_told_all_that_is_offered() -> None:
    made = step(
        name="work", retry=2, start_timeout=1, response_timeout=1, timeout=1, total=1, deadline=1, queue=None,
        priority=1, optional=True, irreversible=True, compensate=work, cache=60, rate=(1, 1), approval="ask",
    )(work)  # fmt: skip
    assert made.options.retries == 1
    assert (made.options.optional, made.options.irreversible, made.options.priority) == (True, True, 1)


def test_one_exception_need_be_no_tuple() -> None:
    helps = Retry(on=OSError, never=TimeoutError).helps()
    assert helps is not None
    assert [helps(error) for error in (OSError(), ValueError(), TimeoutError())] == [True, False, False]
