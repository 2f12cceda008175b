"""Bad input: a clear error, nothing lost, and the engine goes on (issue list; SPEC S7, Q14)."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from stepwell import InvalidDefinition, InvalidInput, RunFailed, Stepwell, parse
from tests.engine.helpers import flow, open_at
from tests.support.http_server import STALL, HttpServer


async def still_alive(engine: Stepwell) -> None:
    assert await engine.run(flow("do: [{s: {set: {ok: true}}}]")) == {"ok": True}


@pytest.mark.parametrize(
    "expression",
    [
        "[repeat(1)]",
        "def f: f; f",
        "[range(1e12)]",
        "last(range(1e15))",
        '"a" * 2000000000',
        '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" | test("^(a+)+$")',
    ],
    ids=["repeat", "recursion", "range", "last", "string bomb", "regex bomb"],
)
async def test_an_expression_that_never_ends_fails_its_own_run_only(tmp_path: Path, expression: str) -> None:
    from stepwell.engine import engine as module

    limit, module.EXPRESSION_LIMIT = module.EXPRESSION_LIMIT, 300_000
    try:
        async with open_at(tmp_path / "a.db") as engine:
            body = flow("do: [{s: {set: {x: '${ %s }'}}}]" % expression.replace("'", "''"))
            handle = await engine.start(body)
            view = await handle.wait(timeout=30)
            if "test(" not in expression:  # a linear regex engine may well answer
                assert view["status"] == "failed"
                assert view["error"]["type"].endswith("/expression")
                assert view["error"]["instance"] == "/do/0/s"
            await still_alive(engine)
    finally:
        module.EXPRESSION_LIMIT = limit


@pytest.mark.parametrize(
    "expression", ["env", "$ENV.HOME", "input", "inputs", "debug", "halt", "input_filename"]
)
async def test_jq_cannot_look_outside(tmp_path: Path, expression: str) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        with pytest.raises(InvalidDefinition, match=expression.partition(".")[0].replace("$", r"\$")):
            await engine.start(flow("do: [{s: {set: {x: '${ %s }'}}}]" % expression))
        await still_alive(engine)


async def test_nan_infinity_and_big_integers_come_back_unchanged(tmp_path: Path) -> None:
    async def echo(value: object) -> object:
        return value

    data = {"big": 2**70, "negative": -(2**64) - 1, "exact": 2**53 + 1, "nan": math.nan, "inf": -math.inf}
    body = flow("""
    do:
      - through: {call: python, with: {function: echo, arguments: {value: '${ . }'}}}
      - picked: {set: {big: '${ .big }', all: '${ . }', list: ['${ .exact }']}}
    """)
    async with open_at(tmp_path / "a.db", functions=[echo]) as engine:
        handle = await engine.start(body, data)
        output = (await handle.wait())["output"]
    async with open_at(tmp_path / "a.db") as engine:
        stored = await engine.show(handle.run_id)
    for value in (output, stored["output"]):
        assert value["big"] == 2**70 and value["list"] == [2**53 + 1]
        assert value["all"]["negative"] == -(2**64) - 1
        assert math.isnan(value["all"]["nan"]) and value["all"]["inf"] == -math.inf
    assert math.isnan(stored["input"]["nan"])


async def test_jq_arithmetic_on_a_big_integer_is_refused_by_name(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        with pytest.raises(RunFailed, match="keep it as a string"):
            await engine.run(flow("do: [{s: {set: {x: '${ .n + 1 }'}}}]"), {"n": 2**70})
        await still_alive(engine)


async def test_nul_and_odd_text_survive(tmp_path: Path) -> None:
    text = "a\x00b\u2028\U0001f600"
    async with open_at(tmp_path / "a.db") as engine:
        assert await engine.run(flow("do: [{s: {set: {t: '${ .t }', u: 'x${ .t }'}}}]"), {"t": text}) == {
            "t": text,
            "u": "x" + text,
        }


@pytest.mark.parametrize(
    "value", ["\ud800", b"bytes", object(), {1, 2}], ids=["surrogate", "bytes", "object", "set"]
)
async def test_what_is_not_json_is_refused(tmp_path: Path, value: object) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        with pytest.raises(InvalidInput):
            await engine.start(flow("do: []"), {"x": value})
        assert (await engine.list())["runs"] == []
        await still_alive(engine)


async def test_a_result_that_is_not_json_fails_the_step(tmp_path: Path) -> None:
    async def odd() -> object:
        return {"x": object()}

    async def surrogate() -> object:
        return "\ud800"

    async with open_at(tmp_path / "a.db", functions=[odd, surrogate]) as engine:
        for name in ("odd", "surrogate"):
            with pytest.raises(RunFailed):
                await engine.run(flow(f"do: [{{s: {{call: python, with: {{function: {name}}}}}}}]"))
        await still_alive(engine)


async def test_cyclic_sub_workflows_are_refused(tmp_path: Path) -> None:
    def calls(name: str, other: str) -> str:
        return flow(
            f"do: [{{c: {{run: {{workflow: {{namespace: test, name: {other}, version: '1.0.0'}}}}}}}}]", name
        )

    async with open_at(tmp_path / "a.db") as engine:
        await engine.add_definition(calls("one", "two"))
        with pytest.raises(
            InvalidDefinition, match="circle: test/two:1.0.0 → test/one:1.0.0 → test/two:1.0.0"
        ):
            await engine.add_definition(calls("two", "one"))
        await engine.engine.library.add(parse(calls("two", "one")))
        with pytest.raises(InvalidDefinition, match="circle"):
            await engine.start("test/one:1.0.0")
        with pytest.raises(InvalidDefinition, match="not known"):
            await engine.start(calls("three", "absent"))
        await still_alive(engine)


async def test_a_shell_command_that_hangs_is_stopped_by_its_timeout(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        body = flow(
            "do: [{s: {run: {shell: {command: 'sleep 600'}}, timeout: {after: {milliseconds: 200}}}}]"
        )
        view = await (await engine.start(body)).wait(timeout=20)
        assert (view["status"], view["error"]["status"]) == ("failed", 408)
        assert view["steps"][0]["status"] == "timed_out"
        await still_alive(engine)


async def test_a_server_that_stalls_is_given_up_on(tmp_path: Path) -> None:
    async with HttpServer() as server, open_at(tmp_path / "a.db") as engine:
        server.route("/slow", STALL)
        body = flow(f"""
        do:
          - s:
              call: http
              with: {{method: get, endpoint: '{server.url("/slow")}'}}
              metadata: {{http: {{readTimeout: {{milliseconds: 100}}}}}}
        """)
        view = await (await engine.start(body)).wait(timeout=20)
        assert (view["status"], view["error"]["status"]) == ("failed", 408)
        await still_alive(engine)


async def test_a_function_that_is_not_there_or_not_allowed_fails_its_run(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        for name in ("no.such.module:f", "os:system", "subprocess:run", "builtins:eval", "unregistered"):
            with pytest.raises(RunFailed):
                await engine.run(flow(f"do: [{{s: {{call: python, with: {{function: '{name}'}}}}}}]"))
        await still_alive(engine)


@pytest.mark.spec("X10")
async def test_secrets_stay_out_of_the_file(tmp_path: Path) -> None:
    got = []

    async def use(token: str) -> dict[str, str]:
        got.append(token)
        return {"echo": f"it was {token}"}

    body = flow("""
    use: {secrets: [token]}
    do:
      - s: {call: python, with: {function: use, arguments: {token: '${ $secrets.token }'}}}
      - t: {set: {x: '${ $secrets.token }', y: '${ . }'}}
    """)
    async with open_at(tmp_path / "a.db", functions=[use], secrets={"token": "S3CR3T-canary"}) as engine:
        output = await engine.run(body)
    assert got == ["S3CR3T-canary"]
    assert output == {"x": "***", "y": {"echo": "it was ***"}}
    for file in tmp_path.iterdir():
        assert b"S3CR3T-canary" not in file.read_bytes()
