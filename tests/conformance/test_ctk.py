"""The scenarios of the standard's conformance kit, its network hosts replaced by a server on loopback."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from stepwell import NotSupported, Stepwell
from stepwell.definition.source import read as read_yaml
from tests.conformance.gherkin import FEATURES, Scenario, scenarios
from tests.support.http_server import HttpServer, Reply, Request

HOSTS = ("https://petstore.swagger.io", "https://httpbin.org")

NOT_YET = {"emit": "emit", "openapi": "openapi"}
"""Features of the standard that are refused by name so far."""

SCENARIOS = scenarios()

pytestmark = pytest.mark.skipif(
    not FEATURES.exists(), reason="the standard's data is not beside this checkout"
)


def yaml(text: str) -> Any:
    return read_yaml(text, "<scenario>").value


def pet(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"pet {number}", "status": "available"}


def basic_auth(request: Request) -> Reply:
    wanted = "Basic " + b64encode(b"serverless-workflow:conformance-test").decode()
    return Reply.json({"authenticated": True}, 200 if request.headers.get("authorization") == wanted else 401)


async def stub(server: HttpServer) -> None:
    server.route("/v2/pet/1", Reply.json(pet(1)))
    server.route("/v2/pet/2", Reply.json(pet(2)))
    server.route(
        "/v2/pet/findByStatus",
        lambda request: Reply.json([{**pet(9), "status": dict(request.query)["status"]}]),
    )
    server.route("/basic-auth/serverless-workflow/conformance-test", basic_auth)


def at(value: Any, path: str) -> Any:
    for name in path.split("."):
        assert isinstance(value, dict) and name in value, f"{path} is not in {value!r}"
        value = value[name]
    return value


class Play:
    """One scenario being played: what the workflow gave, and the checks of its `Then`s."""

    def __init__(self, view: dict[str, Any]) -> None:
        self.view = view
        self.output = view["output"]
        self.steps = [step["name"] for step in view["steps"] if step["status"] != "skipped"]

    def check(self, words: str, text: str) -> None:
        for pattern, check in CHECKS:
            match = re.fullmatch(pattern, words)
            if match:
                check(self, *match.groups(), *([yaml(text)] if text else []))
                return
        raise AssertionError(f"no such check: {words}")

    def completes(self, output: Any = None) -> None:
        assert self.view["status"] == "completed", self.view["error"]
        if output is not None:
            assert self.output == output

    def faults(self, error: Any = None) -> None:
        assert self.view["status"] == "failed"
        if error is not None:
            assert {name: self.view["error"][name] for name in error} == error

    def has_properties(self, names: str) -> None:
        for name in re.findall(r"'([^']+)'", names):
            at(self.output, name)

    def has_value(self, name: str, value: Any) -> None:
        assert at(self.output, name) == value

    def has_items(self, name: str, count: str) -> None:
        assert len(at(self.output, name)) == int(count)

    def runs_first(self, name: str) -> None:
        assert self.steps[0] == name

    def runs_last(self, name: str) -> None:
        assert self.steps[-1] == name

    def runs_after(self, name: str, before: str) -> None:
        assert self.steps.index(name) == self.steps.index(before) + 1


CHECKS: list[tuple[str, Any]] = [
    (r"the workflow should complete(?: with output:)?", Play.completes),
    (r"the workflow should fault(?: with error:)?", Play.faults),
    (r"the workflow output should have properties (.*)", Play.has_properties),
    (r"the workflow output should have a '(.+)' property with value:", Play.has_value),
    (r"the workflow output should have a '(.+)' property containing (\d+) items", Play.has_items),
    (r"(\w+) should run first", Play.runs_first),
    (r"(\w+) should run last", Play.runs_last),
    (r"(\w+) should run after (\w+)", Play.runs_after),
]


@pytest.mark.spec("B2")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
async def test_scenario(scenario: Scenario, tmp_path: Path) -> None:
    definition, data, checks = "", None, []
    async with HttpServer() as server:
        await stub(server)
        for line in scenario.lines:
            if line.words.startswith("a workflow with definition"):
                definition = line.text
                for host in HOSTS:
                    definition = definition.replace(host, server.url("").rstrip("/"))
            elif line.words.startswith("the workflow input is"):
                data = yaml(line.text)
            elif line.words != "the workflow is executed":
                checks.append(line)
        async with Stepwell.open(tmp_path / "ctk.db") as engine:
            unsupported = [feature for word, feature in NOT_YET.items() if word in scenario.id.lower()]
            if unsupported:
                with pytest.raises(NotSupported, match=unsupported[0]):
                    await engine.start(definition, data)
                return
            handle = await engine.start(definition, data)
            play = Play(await handle.wait(timeout=20))
            for check in checks:
                play.check(check.words, check.text)


def test_nothing_of_the_kit_is_left_out() -> None:
    assert len(SCENARIOS) >= 20
    assert all(scenario.lines for scenario in SCENARIOS)
