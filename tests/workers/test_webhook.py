"""Webhooks to a real server: signed, one word for how it went, and no secret anywhere."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from stepwell.model.actions import Succeeded, WebhookAction
from stepwell.workers.webhook import LARGEST, WebhookRunner
from tests.support.http_server import DROP, STALL, HttpServer, Reply
from tests.support.work_context import PlainContext

pytestmark = pytest.mark.spec("N8")

SECRET = "s3cr3t-of-the-hook"


def message(uri: str, **members: Any) -> WebhookAction:
    given = {"secret": SECRET, "event": "step.submitted", "delivery": "d1", "timestamp": 1_700_000_000}
    return WebhookAction(uri, **{**given, "payload": {"step": "fill", "grün": [1, None]}, **members})


async def deliver(action: WebhookAction) -> dict[str, Any]:
    runner = WebhookRunner()
    try:
        outcome = await runner.perform(action, PlainContext(key="run:/do/0/fill"))
    finally:
        await runner.close()
    assert isinstance(outcome, Succeeded) and SECRET not in repr(outcome)
    return dict(outcome.output)


async def test_the_receiver_can_check_what_it_got() -> None:
    async with HttpServer() as server:
        server.route("/hook", Reply(204))
        headers = {"x-team": "ops", "Stepwell-Signature": "mine", "Content-Type": "text/plain"}
        assert await deliver(message(server.url("/hook"), headers=headers)) == {"delivery": "d1", "code": 204}
        got = server.requests[0]
    assert got.method == "POST" and got.json == {"step": "fill", "grün": [1, None]}
    signed = hmac.new(SECRET.encode(), b"1700000000." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["stepwell-signature"] == f"v1={signed}", (
        "the author cannot put another one in its place"
    )
    assert got.headers["stepwell-timestamp"] == "1700000000"
    assert (got.headers["stepwell-delivery"], got.headers["stepwell-event"]) == ("d1", "step.submitted")
    assert (got.headers["x-team"], got.headers["content-type"]) == ("ops", "application/json")
    assert got.headers["idempotency-key"] == "run:/do/0/fill"
    assert SECRET not in repr(got)


@pytest.mark.parametrize(
    ("reply", "reason", "code"),
    [
        (Reply(200), None, 200),
        (Reply(400), "refused", 400),
        (Reply(429), "refused", 429),
        (Reply(500), "server_error", 500),
        (Reply(503), "server_error", 503),
        (Reply(302, b"", {"Location": "/other"}), "redirected", 302),
        (Reply(200, b"x" * (LARGEST + 1)), "response_too_large", None),
        (DROP, "network", None),
    ],
)
async def test_one_word_for_how_it_went(reply: Any, reason: str | None, code: int | None) -> None:
    async with HttpServer() as server:
        server.route("/hook", reply)
        report = await deliver(message(server.url("/hook")))
        assert (report.get("reason"), report.get("code")) == (reason, code)
        assert len(server.requests) == 1, "redirects are not followed, and nothing is tried twice"


async def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepwell.workers.webhook.TIMEOUT", 20_000)
    async with HttpServer() as server:
        server.route("/hook", STALL)
        assert (await deliver(message(server.url("/hook"))))["reason"] == "request_timeout"


async def test_nobody_is_there() -> None:
    async with HttpServer() as server:
        url = server.url("/hook")
    assert (await deliver(message(url)))["reason"] == "network"


@pytest.mark.parametrize("uri", ["ftp://a/b", "http://", "http://a:b@host/", "http://a\r\nb/", "nowhere"])
async def test_an_address_that_is_none_is_a_mistake_of_the_author(uri: str) -> None:
    assert (await deliver(message(uri)))["reason"] == "misconfigured"


async def test_an_empty_secret_signs_nothing() -> None:
    assert (await deliver(message("http://127.0.0.1:1/", secret="")))["reason"] == "misconfigured"


@pytest.mark.parametrize(
    "payload", ["{not json", float("nan"), {"a": float("inf")}, "NaN", "", {"a": "\ud800"}]
)
async def test_what_is_no_json_is_not_sent(payload: Any) -> None:
    async with HttpServer() as server:
        assert (await deliver(message(server.url("/hook"), payload=payload)))["reason"] == "bad_payload"
        assert server.requests == []


async def test_text_is_sent_as_it_is_written() -> None:
    async with HttpServer() as server:
        server.route("/hook", Reply(200))
        await deliver(message(server.url("/hook"), payload='{ "a": 1 }'))
        assert server.requests[0].body == b'{ "a": 1 }'
