"""Delivers webhooks: a signed POST, and one word for how it went.

The receiver gets these headers beside the author's own, and checks the signature before it believes the body:

    stepwell-event      what it is about
    stepwell-delivery   the id of this attempt
    stepwell-timestamp  seconds since 1970, to refuse what is old
    stepwell-signature  v1=HEX: HMAC-SHA256 with the secret over the timestamp, a dot, and the body
    idempotency-key     the same for every attempt
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Final

from pydantic_core import from_json

from stepwell.model.actions import Action, HttpAction, Outcome, Succeeded, WebhookAction
from stepwell.model.base import SECOND, Json
from stepwell.model.conditions import Reason
from stepwell.ports import WorkContext
from stepwell.workers.http import HttpRunner, TooLarge
from stepwell.workers.http_request import CannotSend, build

LARGEST: Final = 64 * 1024
"""Bytes of an answer: nobody reads it."""
TIMEOUT: Final = 30 * SECOND
JSON_TYPE: Final = "application/json"


class BadPayload(ValueError):
    """What is to be sent is no JSON."""


class WebhookRunner:
    """Performs `WebhookAction`s. What the receiver writes back is not told: it could hold what it was sent."""

    def __init__(self, *, largest: int = LARGEST) -> None:
        self._http = HttpRunner(largest=largest)

    async def perform(self, action: Action, context: WorkContext) -> Outcome:
        assert isinstance(action, WebhookAction)
        report = await self._deliver(action, context.key)
        return Succeeded({"delivery": action.delivery, **report})

    async def _deliver(self, action: WebhookAction, key: str) -> dict[str, Json]:
        import httpx2

        try:
            message = _message(action)
            answer = await self._http.exchange(build(message, key), message)
            return _verdict(answer.status)
        except BadPayload as error:
            return _bad(Reason.BAD_PAYLOAD, str(error))
        except CannotSend as error:
            return _bad(Reason.MISCONFIGURED, str(error))
        except TooLarge:
            return _bad(Reason.TOO_LARGE, f"the answer is larger than {LARGEST} bytes")
        except httpx2.TimeoutException:
            return _bad(Reason.REQUEST_TIMEOUT, "there was no answer in time")
        except (httpx2.HTTPError, OSError) as error:
            return _bad(Reason.NETWORK, f"the exchange failed: {type(error).__name__}")

    async def close(self) -> None:
        await self._http.close()


def signature(secret: str, timestamp: int, body: str) -> str:
    """The value of `stepwell-signature`."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()


def _message(action: WebhookAction) -> HttpAction:
    if not action.secret:
        raise CannotSend("the secret is empty")
    body = _body(action.payload)
    headers = {
        **{name.lower(): value for name, value in action.headers.items()},
        "content-type": JSON_TYPE,
        "stepwell-event": action.event,
        "stepwell-delivery": action.delivery,
        "stepwell-timestamp": str(action.timestamp),
        "stepwell-signature": signature(action.secret, action.timestamp, body),
    }
    return HttpAction("POST", action.uri, headers, {}, body, has_body=True, read_timeout=TIMEOUT)


def _body(payload: Json) -> str:
    """The very text that is signed and sent."""
    try:
        if isinstance(payload, str):
            from_json(payload, allow_inf_nan=False)
            return payload
        text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except ValueError as error:
        raise BadPayload(
            "the payload is no JSON" + ("" if isinstance(payload, str) else f": {error}")
        ) from None
    return text


def _verdict(status: int) -> dict[str, Json]:
    if 200 <= status < 300:
        return {"code": status}
    if status < 400:
        return {
            "code": status,
            **_bad(Reason.REDIRECTED, f"it answered {status}; redirects are not followed"),
        }
    reason = Reason.REFUSED if status < 500 else Reason.SERVER_ERROR
    return {"code": status, **_bad(reason, f"it answered {status}")}


def _bad(reason: Reason, detail: str) -> dict[str, Json]:
    return {"reason": str(reason), "detail": detail}
