"""Forms on a real (pseudo) terminal: asked field by field, corrected at once, shown as a whole before anything changes."""

from __future__ import annotations

import signal

import pytest

from tests.cli.helpers import PATIENCE, Cli
from tests.cli.terminal import Terminal
from tests.cli.test_people import attended, begun, leak


class Asked(Terminal):
    """A terminal on which questions are answered."""

    def answer(self, question: str, text: str) -> None:
        """Wait for the question to be the last thing that stands there, and answer it."""
        self.until(lambda seen: seen.rstrip(" ").endswith(question))
        self.type(f"{text}\n")

    def interrupt(self) -> None:
        """Press Ctrl-C, again if nothing comes of it: it came just before the question began to listen, and Python sees
        it with the next. (Another one while it leaves would be one too many.)"""
        for _ in range(PATIENCE):
            self.process.send_signal(signal.SIGINT)
            while self.says_something(within=2):
                before = self.seen
                if "nothing was changed" in self.more() or self.seen == before:
                    return


@pytest.mark.spec("N2", "N5")
def test_a_form_is_filled_in_field_by_field(cli: Cli) -> None:
    run = begun(cli)
    cli.text("gauge.png", "a picture")
    asked = Asked(cli, "step", "submit", run, "check", "--as", "ada")
    asked.answer("pressure:", "")
    asked.answer("a value is needed\r\npressure:", "9")
    asked.answer("must be at most 6\r\npressure:", "many")
    asked.answer("must be a number, not text\r\npressure:", "?")
    asked.answer("number, more than 0, at most 6, needed\r\npressure:", "4.5")
    asked.answer("2  Shut tight (shut)\r\nvalve [shut]:", "1")
    asked.answer("photo:", "none.png")
    asked.answer("cannot read none.png: No such file or directory\r\nphoto:", "gauge.png")
    asked.answer("tools:", "2, saw")
    asked.answer("'saw' is not one of: wrench, gauge\r\ntools:", "2, wrench")
    text = asked.until(lambda seen: "Submit this?" in seen)
    assert "* Pressure (bar)  4.5" in text
    assert "gauge.png (9 bytes)" in text
    asked.answer("Submit this? [y/N]:", "y")
    assert asked.end() == 0
    shown = cli.json("step", "show", run, "check")
    assert shown["status"] == "completed"
    photo = shown["values"].pop("photo")
    assert shown["values"] == {"pressure": 4.5, "valve": "open", "tools": ["gauge", "wrench"]}
    assert (photo["name"], photo["size"], photo["type"]) == ("gauge.png", 9, "image/png")
    assert shown["stamps"]["submitted"]["by"] == "ada"


@pytest.mark.spec("N11")
def test_whoever_was_faster_is_told_and_nothing_is_overwritten(cli: Cli) -> None:
    run = begun(cli)
    asked = Asked(cli, "step", "set", run, "check", "--as", "ada")
    asked.answer("pressure:", "1")
    cli.json("step", "set", run, "check", "--value", "pressure=2", "--as", "bob")
    for question in ("valve [shut]:", "photo:", "tools:"):
        asked.answer(question, "")
    asked.answer("Keep this? [y/N]:", "y")
    assert "updated by bob meanwhile" in " ".join(asked.until().split())
    assert asked.end() == 1
    assert cli.json("step", "show", run, "check")["values"]["pressure"] == 2


@pytest.mark.parametrize("leave", ["no", "ctrl-c"])
def test_whoever_leaves_has_changed_nothing(cli: Cli, leave: str) -> None:
    run = begun(cli)
    before = cli.json("step", "show", run, "check")["version"]
    asked = Asked(cli, "step", "submit", run, "check")
    asked.answer("pressure:", "1")
    asked.answer("valve [shut]:", "-")
    if leave == "no":
        asked.answer("photo:", "")
        asked.answer("tools:", "")
        asked.answer("Submit this? [y/N]:", "n")
    else:
        asked.until(lambda seen: seen.rstrip(" ").endswith("photo:"))
        asked.interrupt()
    assert "nothing was changed" in asked.until()
    assert asked.end() == 130
    assert cli.json("step", "show", run, "check")["version"] == before


@pytest.mark.spec("N13", "N15")
def test_a_procedure_is_started_and_ended_on_a_terminal(cli: Cli) -> None:
    cli.json("procedures", "commit", leak(cli), "-m", "one")
    asked = Asked(cli, "procedures", "start", "stand/leak", "--held")
    asked.answer("stand:", "A3")
    asked.answer("'A3' is not one of: A1, A2\r\nstand:", "2")
    asked.answer("Start it with this? [y/N]:", "y")
    assert "it waits to be begun: stepwell procedures begin" in " ".join(asked.until().split())
    assert asked.end() == 0
    run = cli.only_run()
    assert cli.json("procedures", "status", run)["fields"] == {"stand": "A2"}
    for answer, code, status in (("n", 130, "pending"), ("y", 0, "cancelled")):
        asked = Asked(cli, "procedures", "abort", run, "--reason", "storm")
        asked.answer(f"Abort run {run}? [y/N]:", answer)
        assert asked.end() == code
        assert cli.json("procedures", "status", run)["status"] == status


@pytest.mark.spec("N5")
def test_lines_boxes_and_emptying(cli: Cli) -> None:
    body = """
  - a:
      call: form
      with:
        fields:
          - {id: note, kind: text, label: Note, multiline: true, description: What was seen}
          - {id: ok, kind: checkbox, required: true}
          - {id: old, kind: text, default: before}
          - {id: same, kind: integer, default: 7}
"""
    run = cli.json("run", attended(cli, "lines", body), code=5)["run_id"]
    asked = Asked(cli, "step", "submit", run, "a")
    asked.answer("What was seen\r\n  text, of many lines\r\nnote:", "one")
    asked.until(lambda seen: seen.count("\n  ") and "a single ." in seen)
    asked.type("two\n.\n")
    asked.answer("ok:", "n")
    asked.answer("must be ticked\r\nok:", "y")
    asked.answer("old [before]:", "-")
    asked.answer("same [7]:", "")
    asked.answer("Submit this? [y/N]:", "y")
    assert asked.end() == 0
    values = cli.json("step", "show", run, "a")["output"]
    assert (values["note"], values["ok"], values["same"]) == ("one\ntwo", True, 7)
