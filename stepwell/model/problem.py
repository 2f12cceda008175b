"""A fault inside a workflow, as RFC 7807 problem details: the standard's error object.

Types and statuses are those of the Open Workflow DSL 1.0.3, "Standard Error Types".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PREFIX: Final = "https://open-workflow-specification.org/spec/1.0.0/errors/"

CONFIGURATION: Final = PREFIX + "configuration"
VALIDATION: Final = PREFIX + "validation"
EXPRESSION: Final = PREFIX + "expression"
AUTHENTICATION: Final = PREFIX + "authentication"
AUTHORIZATION: Final = PREFIX + "authorization"
TIMEOUT: Final = PREFIX + "timeout"
COMMUNICATION: Final = PREFIX + "communication"
RUNTIME: Final = PREFIX + "runtime"

OWN: Final = "https://stepwell.dev/errors/"
"""Where the types of errors begin that the standard does not know."""

FAILED_BY: Final = OWN + "failed-by-person"
APPROVAL_REJECTED: Final = OWN + "approval-rejected"
APPROVAL_EXPIRED: Final = OWN + "approval-expired"
APPROVAL_OUTDATED: Final = OWN + "approval-outdated"
POLICY_DENIED: Final = OWN + "policy-denied"


@dataclass(frozen=True, slots=True)
class Problem:
    """`status` is an HTTP status; `instance` a JSON pointer to the task that raised it."""

    type: str
    status: int
    title: str
    detail: str | None = None
    instance: str | None = None
    exception: dict[str, object] | None = None
    """the Python exception behind it: `{"type": "module:Name", "args": […], "attributes": {…}}` and more (see
    `workers.exceptions`; RFC 7807 §3.2, an extension member)"""

    def as_json(self) -> dict[str, object]:
        """The members, absent ones left out: what `$error` and the CLI show."""
        members = {
            "type": self.type,
            "status": self.status,
            "title": self.title,
            "detail": self.detail,
            "instance": self.instance,
            "exception": self.exception,
        }
        return {name: value for name, value in members.items() if value is not None}


def configuration(detail: str) -> Problem:
    return Problem(CONFIGURATION, 400, "Configuration Error", detail)


def validation(detail: str) -> Problem:
    return Problem(VALIDATION, 400, "Validation Error", detail)


def expression(detail: str) -> Problem:
    return Problem(EXPRESSION, 400, "Expression Error", detail)


def authentication(detail: str) -> Problem:
    return Problem(AUTHENTICATION, 401, "Authentication Error", detail)


def authorization(detail: str) -> Problem:
    return Problem(AUTHORIZATION, 403, "Authorization Error", detail)


def timeout(detail: str) -> Problem:
    return Problem(TIMEOUT, 408, "Timeout Error", detail)


def communication(status: int, detail: str) -> Problem:
    return Problem(COMMUNICATION, status, "Communication Error", detail)


def failed_by(who: str, reason: str) -> Problem:
    """A person said that it failed."""
    return Problem(FAILED_BY, 409, f"Failed by {who}", reason)


def condition(detail: str) -> Problem:
    """What had to hold before a step is completed does not, or could not be found out."""
    return Problem(RUNTIME, 412, "Condition Failed", detail)


def runtime(detail: str) -> Problem:
    return Problem(RUNTIME, 500, "Runtime Error", detail)


def rejected(what: str, who: str, comment: str | None) -> Problem:
    """An approver said no."""
    return Problem(
        APPROVAL_REJECTED, 403, "Approval Rejected", f"{what}: {who}{f': {comment}' if comment else ''}"
    )


def approval_expired(what: str, given: int, need: int) -> Problem:
    return Problem(APPROVAL_EXPIRED, 408, "Approval Expired", f"{what}: {given} of {need} approved in time")


def approval_outdated(what: str) -> Problem:
    """What would be performed is not what was approved."""
    detail = f"{what}: what it would be called with has changed since it was approved; it was not performed"
    return Problem(APPROVAL_OUTDATED, 409, "Approval Outdated", detail)


def denied(what: str, reason: str) -> Problem:
    return Problem(POLICY_DENIED, 403, "Denied by Policy", f"{what}: {reason}")
