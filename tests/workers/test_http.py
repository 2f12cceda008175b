"""HttpRunner against a real server on loopback (language-notes 13)."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import socket
import time

import pytest

from stepwell.model.actions import BasicAuth, BearerAuth, Failed, HttpAction, Succeeded
from stepwell.model.problem import COMMUNICATION, TIMEOUT, VALIDATION
from stepwell.workers.http import HttpRunner
from tests.support.http_server import DROP, STALL, HttpServer, Reply, Request, flaky
from tests.support.work_context import PlainContext

MS = 1_000


@pytest.fixture
async def server():
    async with HttpServer() as running:
        yield running


@pytest.fixture
async def runner():
    runner = HttpRunner(largest=1_000_000)
    yield runner
    await runner.close()


def action(uri: str, method: str = "GET", **fields) -> HttpAction:
    return HttpAction(method=method, uri=uri, **{"headers": {}, "query": {}, **fields})


async def done(runner: HttpRunner, what: HttpAction):
    outcome = await runner.perform(what, PlainContext(key="key-1"))
    assert isinstance(outcome, Succeeded), outcome
    return outcome.output


async def failed(runner: HttpRunner, what: HttpAction):
    outcome = await runner.perform(what, PlainContext(key="key-1"))
    assert isinstance(outcome, Failed), outcome
    return outcome.problem


# ---- what comes back ----


async def test_json_content_keeps_big_integers(server, runner):
    server.route(
        "/", Reply(200, b'{"id": 123456789012345678901234567890}', {"Content-Type": "application/json"})
    )
    assert await done(runner, action(server.url())) == {"id": 123456789012345678901234567890}


@pytest.mark.parametrize(
    ("kind", "body", "content"),
    [
        ("application/problem+json; charset=utf-8", b"\xef\xbb\xbf[1]", [1]),
        ("text/html; charset=ISO-8859-1", b"caf\xe9", "café"),
        ("text/plain", "naïve".encode(), "naïve"),
        ("application/xml", b"<a/>", "<a/>"),
        ("text/plain; charset=nonsense", b"a", "a"),
        ("application/octet-stream", b"\x00\x01", "AAE="),
        ("", b"\x00\x01", "AAE="),
        ("application/json", b"", None),
    ],
)
async def test_content_by_type(server, runner, kind, body, content):
    server.route("/", Reply(200, body, {"Content-Type": kind} if kind else {}))
    assert await done(runner, action(server.url())) == content


async def test_raw_is_base64_of_the_body(server, runner):
    server.route("/", Reply(200, b'{"a":1}', {"Content-Type": "application/json"}))
    assert await done(runner, action(server.url(), output="raw")) == base64.b64encode(b'{"a":1}').decode()


async def test_response_shows_both_sides_with_credentials_masked(server, runner):
    server.route("/", Reply.json({"a": 1}, 201, **{"X-Two": "2"}))
    output = await done(
        runner,
        action(
            server.url("/?a=1&api_key=s3cret"),
            "post",
            headers={"X-Api-Key": "s3cret", "X-Plain": "p"},
            auth=BearerAuth("s3cret"),
            output="response",
        ),
    )
    assert output["statusCode"] == 201
    assert output["content"] == {"a": 1}
    assert output["headers"]["x-two"] == "2"
    assert output["request"]["method"] == "POST"
    assert output["request"]["uri"] == server.url("/?a=1&api_key=***")
    assert output["request"]["headers"]["authorization"] == "***"
    assert output["request"]["headers"]["x-plain"] == "p"
    assert "s3cret" not in json.dumps(output)


async def test_compressed_bodies_are_unpacked_and_counted_unpacked(server, runner):
    small, bomb = gzip.compress(b'{"a":1}'), gzip.compress(b"0" * 50_000_000)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    server.route("/small", Reply(200, small, headers))
    server.route("/bomb", Reply(200, bomb, headers))
    assert await done(runner, action(server.url("/small"))) == {"a": 1}
    assert "larger than" in (await failed(runner, action(server.url("/bomb")))).detail


# ---- what goes out ----


async def test_query_values(server, runner):
    server.route("/", Reply())
    query = {"list": ["a", 2, None], "none": None, "yes": True, "no": False, "text": "ä &=\r\n", "n": 1.5}
    await done(runner, action(server.url("/?given=1"), query=query))
    assert server.requests[0].query == [
        ("given", "1"),
        ("list", "a"),
        ("list", "2"),
        ("yes", "true"),
        ("no", "false"),
        ("text", "ä &=\r\n"),
        ("n", "1.5"),
    ]


@pytest.mark.parametrize(
    ("body", "headers", "sent", "kind"),
    [
        ({"n": 2**70}, {}, b'{"n":1180591620717411303424}', "application/json"),
        ([1, "ä"], {}, '[1,"ä"]'.encode(), "application/json"),
        (7, {}, b"7", "application/json"),
        (None, {}, b"null", "application/json"),
        ("as is", {}, b"as is", None),
        ('{"a":1}', {"Content-Type": "application/json"}, b'{"a":1}', "application/json"),
        ({"a": 1}, {"content-type": "application/vnd.x+json"}, b'{"a":1}', "application/vnd.x+json"),
        (
            {"a": [1, 2], "b": "x y", "c": None, "d": True},
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"a=1&a=2&b=x+y&d=true",
            "application/x-www-form-urlencoded",
        ),
    ],
)
async def test_bodies(server, runner, body, headers, sent, kind):
    server.route("/", Reply())
    await done(runner, action(server.url(), "POST", body=body, has_body=True, headers=headers))
    assert server.requests[0].body == sent
    assert server.requests[0].headers.get("content-type") == kind


async def test_framing_headers_are_ours(server, runner):
    server.route("/", Reply())
    headers = {"Content-Length": "1", "Transfer-Encoding": "chunked", "Host": "evil", "Connection": "close"}
    await done(runner, action(server.url(), "POST", body="12345", has_body=True, headers=headers))
    sent = server.requests[0].headers
    assert (sent["content-length"], sent["host"]) == ("5", f"127.0.0.1:{server.port}")
    assert "transfer-encoding" not in sent


async def test_idempotency_key_is_the_steps_unless_given(server, runner):
    server.route("/", Reply())
    await done(runner, action(server.url(), "POST"))
    await done(runner, action(server.url(), "POST", headers={"Idempotency-Key": "mine"}))
    await done(runner, action(server.url(), "GET"))
    assert [request.headers.get("idempotency-key") for request in server.requests] == ["key-1", "mine", None]


async def test_authentication(server, runner):
    server.route("/", Reply())
    await done(runner, action(server.url(), auth=BasicAuth("ann", "pä:ss")))
    await done(runner, action(server.url(), auth=BearerAuth("token")))
    basic = "Basic " + base64.b64encode("ann:pä:ss".encode()).decode()
    assert [request.headers["authorization"] for request in server.requests] == [basic, "Bearer token"]


@pytest.mark.parametrize(
    "broken",
    [
        {"headers": {"X-A": "1\r\nX-Evil: 2"}},
        {"headers": {"X-A\r\nX-Evil": "2"}},
        {"headers": {"X-A:": "2"}},
        {"headers": {"": "2"}},
        {"auth": BearerAuth("a\nb")},
        {"method": "GET / HTTP/1.1\r\nX:"},
        {"uri": "http://127.0.0.1/\r\nX-Evil: 1"},
        {"uri": "http://127.0.0.1/a b\x00"},
        {"uri": "http://ann:s3cret@127.0.0.1/"},
        {"uri": "file:///etc/passwd"},
        {"uri": "ftp://127.0.0.1/"},
        {"uri": "/relative"},
        {"uri": "http:///nowhere"},
        {"uri": "http://127.0.0.1:port/"},
        {"uri": "http://127.0.0.1:99999/"},
        {"body": float("nan"), "has_body": True},
        {"body": "\ud800", "has_body": True},
        {"query": {"q": "\ud800"}},
    ],
)
async def test_what_must_not_be_sent_is_refused(runner, broken):
    problem = await failed(runner, action(**{"uri": "http://127.0.0.1:9/", **broken}))
    assert problem.type == VALIDATION, problem
    assert "s3cret" not in problem.detail


async def test_no_cookies_are_kept(server, runner):
    server.route("/", Reply(200, b"", {"Set-Cookie": "a=1"}))
    await done(runner, action(server.url()))
    await done(runner, action(server.url()))
    assert "cookie" not in server.requests[1].headers


async def test_proxies_of_the_environment_are_not_used(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.route("/", Reply.json(1))
    runner = HttpRunner()
    assert await done(runner, action(server.url())) == 1
    await runner.close()


async def test_connections_are_shared(server, runner):
    server.route("/", Reply.json(1))
    for _ in range(3):
        await done(runner, action(server.url()))
    assert server.opened == 1


async def test_secrets_are_not_logged(server, runner, caplog):
    server.route("/", Reply.json(1))
    with caplog.at_level(logging.DEBUG):
        await done(runner, action(server.url("/?q=s3cret"), auth=BearerAuth("s3cret")))
    assert "s3cret" not in caplog.text


# ---- statuses ----


@pytest.mark.parametrize("status", [300, 301, 304, 400, 401, 403, 404, 409, 429, 500, 503])
async def test_other_statuses_are_communication_errors(server, runner, status):
    server.route("/x", Reply(status, b"it is  \x00 so", {"Content-Type": "text/plain"}))
    problem = await failed(runner, action(server.url("/x?token=s3cret")))
    assert (problem.type, problem.status) == (COMMUNICATION, status)
    body = "" if status == 304 else ": it is so"
    assert problem.detail == f"GET {server.url('/x')} answered {status}{body}"


async def test_long_error_bodies_are_cut(server, runner):
    server.route("/", Reply.text("x" * 100_000, 500))
    assert len((await failed(runner, action(server.url()))).detail) < 500


async def test_redirects_are_errors_by_default(server, runner):
    server.route("/", Reply.redirect("/next"))
    assert (await failed(runner, action(server.url()))).status == 302
    assert not server.seen("/next")


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
    ],
)
async def test_redirects_are_followed_when_asked(server, runner, status, method, then):
    server.route("/", Reply.redirect("next?a=1#part", status))
    server.route("/next", Reply.json("there"))
    what = action(server.url(), method, body={"a": 1}, has_body=True, redirect=True, auth=BearerAuth("t"))
    assert await done(runner, what) == "there"
    request = server.seen("/next")[0]
    assert (request.method, request.target) == (then, "/next?a=1")
    assert request.body == (b"" if then == "GET" else b'{"a":1}')
    assert ("content-type" in request.headers) == (then != "GET")
    assert request.headers["authorization"] == "Bearer t"


async def test_credentials_do_not_go_to_another_origin(server, runner):
    async with HttpServer() as other:
        server.route("/", Reply.redirect(other.url("/there"), 307))
        other.route("/there", Reply.json("there"))
        headers = {"Cookie": "c=1", "X-Api-Key": "s3cret", "X-Plain": "p"}
        what = action(server.url(), "POST", headers=headers, redirect=True, auth=BasicAuth("a", "b"))
        assert await done(runner, what) == "there"
    sent = other.requests[0].headers
    assert not {"authorization", "cookie", "x-api-key"} & set(sent)
    assert (sent["x-plain"], sent["idempotency-key"]) == ("p", "key-1")
    assert sent["host"] == f"127.0.0.1:{other.port}"


async def test_redirects_end(server, runner):
    server.route("/", Reply.redirect("/"))
    problem = await failed(runner, action(server.url(), redirect=True))
    assert (problem.type, len(server.requests)) == (COMMUNICATION, 11)
    assert "redirects" in problem.detail


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://u:s3cret@127.0.0.1/", "http://127.0.0.1:x/"]
)
async def test_redirects_to_elsewhere_are_refused(server, runner, location):
    server.route("/", Reply.redirect(location))
    problem = await failed(runner, action(server.url(), redirect=True))
    assert problem.type == COMMUNICATION
    assert "s3cret" not in problem.detail


async def test_3xx_without_location_is_no_error_when_redirects_are_allowed(server, runner):
    server.route("/", Reply(304))
    output = await done(runner, action(server.url(), redirect=True, output="response"))
    assert output["statusCode"] == 304


# ---- faults ----


async def test_connection_refused(runner):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    problem = await failed(runner, action(f"http://127.0.0.1:{port}/x?token=s3cret"))
    assert (problem.type, problem.status) == (COMMUNICATION, 500)
    assert problem.detail.startswith(f"GET http://127.0.0.1:{port}/x: cannot connect")


async def test_unknown_host(runner):
    problem = await failed(runner, action("http://nowhere.invalid/"))
    assert (problem.type, problem.status) == (COMMUNICATION, 500)


async def test_tls_fault(runner):
    async def plain(reader, writer):
        writer.write(b"this is not TLS")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as plain_server:
        port = plain_server.sockets[0].getsockname()[1]
        problem = await failed(runner, action(f"https://127.0.0.1:{port}/"))
    assert (problem.type, problem.status) == (COMMUNICATION, 500)
    assert "cannot connect" in problem.detail


async def test_a_server_that_stalls(server, runner):
    server.route("/", STALL)
    problem = await failed(runner, action(server.url(), read_timeout=50 * MS))
    assert (problem.type, problem.status) == (TIMEOUT, 408)
    assert "0.05 s" in problem.detail
    await server.until_closed()


async def test_a_server_that_stalls_within_the_body(server, runner):
    server.route("/", Reply(200, b"x" * 100, cut=10, stall=True))
    assert (await failed(runner, action(server.url(), read_timeout=50 * MS))).type == TIMEOUT


async def test_a_connection_that_is_never_accepted(runner):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        problem = await failed(
            runner, action(f"http://127.0.0.1:{full.getsockname()[1]}/", connect_timeout=100 * MS)
        )
        for filler in fillers:
            filler.close()
    assert (problem.type, problem.status) == (TIMEOUT, 408)
    assert "connect" in problem.detail


@pytest.mark.parametrize(
    "reply",
    [
        DROP,
        Reply(200, b"x" * 100, cut=10),
        Reply(200, b"x", {"Content-Length": "nonsense"}),
        Reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
        Reply(200, b'{"a":', {"Content-Type": "application/json"}),
    ],
)
async def test_a_broken_answer_is_a_communication_error_and_the_next_call_works(server, runner, reply):
    server.route("/", flaky(reply, Reply.json("well")))
    problem = await failed(runner, action(server.url()))
    assert (problem.type, problem.status) == (COMMUNICATION, 500)
    assert await done(runner, action(server.url())) == "well"


async def test_a_hundred_megabytes_are_not_read(server, runner):
    server.route("/", Reply(200, bytes(100_000_000), {"Content-Type": "application/octet-stream"}))
    problem = await failed(runner, action(server.url()))
    assert (problem.type, problem.status) == (COMMUNICATION, 500)
    assert "larger than 1000000 bytes" in problem.detail
    await server.until_closed()


# ---- cancelling ----


@pytest.mark.spec("X10")
@pytest.mark.parametrize("reply", [STALL, Reply(200, b"x" * 100, cut=10, stall=True)])
async def test_cancelling_closes_the_connection(server, runner, reply):
    server.route("/", reply)
    task = asyncio.create_task(runner.perform(action(server.url()), PlainContext()))
    await server.until_requests()
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.until_closed()
    assert time.monotonic() - began < 20, "it was waited for"


async def test_many_at_once(server, runner):
    async def echo(request: Request) -> Reply:
        return Reply.json(dict(request.query)["n"])

    server.route("/", echo)
    results = await asyncio.gather(*(done(runner, action(server.url(), query={"n": n})) for n in range(50)))
    assert results == [str(n) for n in range(50)]
