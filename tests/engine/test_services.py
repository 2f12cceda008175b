"""Calls of services and commands, from the definition to the wire and back (language-notes 13, 14)."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.engine.helpers import flow, open_at
from tests.support.http_server import HttpServer, Reply, Request


def echo(request: Request) -> Reply:
    return Reply.json(
        {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "auth": request.headers.get("authorization"),
            "body": request.json if request.body else None,
            "header": request.headers.get("x-order"),
        }
    )


async def call(
    tmp_path: Path, body: str, data: Any = None, secrets: dict[str, Any] | None = None
) -> dict[str, Any]:
    async with open_at(tmp_path / "a.db", secrets=secrets) as engine:
        handle = await engine.start(flow(body), data)
        return await handle.wait(timeout=20)


async def test_method_path_query_headers_and_body(tmp_path: Path) -> None:
    async with HttpServer() as server:
        server.route("/orders/a%2Fb", echo)
        view = await call(
            tmp_path,
            f"""
            do:
              - s:
                  call: http
                  with:
                    method: post
                    endpoint: {server.url("/orders/")}{{id}}
                    query: {{page: '${{ .page }}', tag: x}}
                    headers: {{X-Order: 'no ${{ .page }}'}}
                    body: {{sum: '${{ .sum }}', big: '${{ .big }}'}}
            """,
            {"id": "a/b", "page": 3, "sum": 1.5, "big": 2**70},
        )
    output = view["output"]
    assert view["status"] == "completed", view["error"]
    assert (output["method"], output["header"]) == ("POST", "no 3")
    assert output["query"] == [["page", "3"], ["tag", "x"]]
    assert output["body"] == {"sum": 1.5, "big": 2**70}


@pytest.mark.parametrize(
    ("authentication", "expected"),
    [
        ("{bearer: {token: '${ $secrets.tok }'}}", "Bearer S3CR3T"),
        ("{bearer: {use: tok}}", "Bearer S3CR3T"),
        (
            "{basic: {username: ada, password: '${ $secrets.tok }'}}",
            "Basic " + b64encode(b"ada:S3CR3T").decode(),
        ),
        ("{basic: {use: pair}}", "Basic " + b64encode(b"ada:S3CR3T").decode()),
        ("{use: shared}", "Bearer S3CR3T"),
    ],
    ids=["bearer", "bearer by secret", "basic", "basic by secret", "by reference"],
)
async def test_authentication_reaches_the_server_and_not_the_file(
    tmp_path: Path, authentication: str, expected: str
) -> None:
    async with HttpServer() as server:
        server.route(
            "/private",
            lambda request: Reply.json({}, 200 if request.headers.get("authorization") == expected else 401),
        )
        view = await call(
            tmp_path,
            f"""
            use:
              secrets: [tok, pair]
              authentications: {{shared: {{bearer: {{token: '${{ $secrets.tok }}'}}}}}}
            do:
              - s:
                  call: http
                  with:
                    method: get
                    endpoint: {{uri: {server.url("/private")}, authentication: {authentication}}}
            """,
            secrets={"tok": "S3CR3T", "pair": {"username": "ada", "password": "S3CR3T"}},
        )
    assert view["status"] == "completed", view["error"]
    for file in tmp_path.iterdir():
        assert b"S3CR3T" not in file.read_bytes()


@pytest.mark.parametrize(("redirect", "status"), [("false", "failed"), ("true", "completed")])
async def test_redirects_are_errors_unless_asked_for(tmp_path: Path, redirect: str, status: str) -> None:
    async with HttpServer() as server:
        server.route("/old", Reply.redirect("/new"))
        server.route("/new", Reply.json({"here": True}))
        view = await call(
            tmp_path,
            f"do: [{{s: {{call: http, with: {{method: get, endpoint: '{server.url('/old')}', redirect: {redirect}}}}}}}]",
        )
    assert view["status"] == status
    if status == "failed":
        assert (view["error"]["status"], view["error"]["title"]) == (302, "Communication Error")


async def test_nobody_listens(tmp_path: Path) -> None:
    async with HttpServer() as server:
        url = server.url("/")
    view = await call(tmp_path, f"do: [{{s: {{call: http, with: {{method: get, endpoint: '{url}'}}}}}}]")
    assert (view["status"], view["error"]["status"], view["error"]["instance"]) == ("failed", 500, "/do/0/s")
    assert view["error"]["type"].endswith("/communication")


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ("stdout", "out x"),
        ("stderr", "err"),
        ("code", 3),
        ("all", {"code": 3, "stdout": "out x", "stderr": "err"}),
        ("none", None),
    ],
)
async def test_a_shell_command_returns_what_is_asked_for(tmp_path: Path, returns: str, expected: Any) -> None:
    view = await call(
        tmp_path,
        f"""
        do:
          - s:
              run:
                shell:
                  command: 'echo out $1; echo err >&2; exit $CODE'
                  arguments: ['${{ .a }}']
                  environment: {{CODE: '3'}}
                return: {returns}
        """,
        {"a": "x"},
    )
    assert (view["status"], view["output"]) == ("completed", expected)
