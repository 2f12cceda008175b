"""What the crew does, in order: the same through every door. A door (`drive_python.py`, `drive_cli.py`) knows how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
PROCEDURE, REPORT = HERE / "hotfire.yaml", HERE / "report.yaml"
TITLE = "K7-014, run 3"


class File(NamedTuple):
    """A file that is handed in."""

    path: Path


class Person(NamedTuple):
    name: str
    groups: tuple[str, ...] = ()


class Move(NamedTuple):
    """Somebody does something, and it leads to the steps standing so. `verb` is set_fields, begin, start, set, submit,
    skip, fail, repeat, assign, approve or signal; `refused` with `error`, the type of the answer."""

    by: Person
    verb: str
    step: str = ""
    values: dict[str, Any] | None = None
    reason: str | None = None
    downstream: bool = False
    error: str | None = None
    then: dict[str, str] = {}


ADA = Person("ada", ("test-crew", "safety"))
BOB = Person("bob", ("test-crew", "safety"))
CYD = Person("cyd", ("safety",))
DAN = Person("dan", ("video",))


def fields(services: str) -> dict[str, Any]:
    """The global fields with which the procedure is started."""
    return {"director": "Ada", "stand": "A2", "services": services}


MOVES: tuple[Move, ...] = (
    Move(ADA, "set_fields", values={"remarks": "Third run of this chamber."}),
    Move(ADA, "begin", then={"briefing": "pending"}),
    # Paper
    Move(ADA, "start", "briefing", then={"briefing": "running"}),
    Move(ADA, "submit", "briefing", {"present": 2, "understood": False}, error="InvalidForm"),
    Move(ADA, "skip", "briefing", reason="we all know it", error="TransitionRefused"),
    Move(ADA, "submit", "briefing", {"present": 4, "understood": True, "notes": "Way out: *north* gate."},
         then={"briefing": "completed", "test_card": "running"}),
    Move(BOB, "submit", "test_card", {
        "card": File(HERE / "files/test-card.txt"), "drawings": [File(HERE / "files/feed-system.txt")],
    }, then={"test_card": "completed", "configuration": "running"}),
    Move(BOB, "set", "configuration", {"engine": "K7-014", "injector": "pintle"}),
    Move(BOB, "submit", "configuration", {"serial": "CH-0042"},
         then={"configuration": "completed", "targets": "running"}),
    Move(ADA, "submit", "targets", {
        "chamber_pressure": 20, "burn": "PT8S", "window_opens": "2026-06-01T09:30:00+02:00",
        "sensors": ["chamber_pressure", "tank_pressure", "microphone"],
    }, then={"targets": "completed", "limits": "completed", "cameras": "running"}),
    # Instruments: a step is skipped, one fails and does not matter
    Move(DAN, "skip", "cameras", reason="The lens is at the shop.", then={"cameras": "skipped", "drone": "running"}),
    Move(ADA, "assign", "drone", values={"people": ["dan"]}),
    Move(DAN, "fail", "drone", reason="Wind at the fence.", then={"drone": "failed", "zero": "running"}),
    Move(BOB, "submit", "zero", {"vented": True},
         then={"zero": "completed", "leak_ox": "running", "leak_fuel": "running"}),
    # Leak checks: one branch fails, and is repeated
    Move(BOB, "submit", "leak_ox", {"rate": 0.4}, then={"leak_ox": "completed"}),
    Move(BOB, "fail", "leak_fuel", reason="V3 weeps at the stem.", then={"leak_fuel": "failed", "purge": "pending"}),
    Move(BOB, "repeat", "leak_fuel", then={"leak_fuel": "running"}),
    Move(BOB, "submit", "leak_fuel", {"rate": 1.2}, then={"leak_fuel": "completed", "chill": "completed"}),
    # Loading: the fuel side is done again, with all that came after it
    Move(ADA, "submit", "load_ox", {"mass": 9.6}, then={"load_ox": "completed", "load_fuel": "running"}),
    Move(BOB, "submit", "load_fuel", {"mass": 4.1}, then={"load_fuel": "completed", "pressurize": "running"}),
    Move(ADA, "set", "pressurize", {"pressure": 18}),
    Move(ADA, "repeat", "load_fuel", downstream=True, then={"load_fuel": "running", "pressurize": "pending"}),
    Move(BOB, "submit", "load_fuel", {"mass": 4.0}, then={"load_fuel": "completed", "pressurize": "running"}),
    Move(ADA, "submit", "pressurize", {"pressure": 22}, then={"pressurize": "completed", "poll": "running"}),
    # Release: two of the safety group, and not who asked
    Move(ADA, "submit", "poll", {"go": ["propulsion", "range", "data", "fire"]},
         then={"poll": "completed", "release": "waiting"}),
    Move(ADA, "approve", "release", error="Forbidden"),
    Move(DAN, "approve", "release", error="Forbidden"),
    Move(BOB, "approve", "release", reason="Tanks steady.", then={"release": "waiting"}),
    Move(BOB, "approve", "release", error="AlreadyDecided"),
    Move(CYD, "approve", "release", then={"release": "completed", "clear_range": "completed", "arm": "pending"}),
    # Firing
    Move(BOB, "start", "arm", then={"arm": "running"}),
    Move(BOB, "submit", "arm", {"igniter": "IG-7"}, then={"arm": "submitted"}),
    Move(BOB, "signal", "keys_turned", {"console": 2}, then={"arm": "completed", "steady": "completed"}),
    # Review
    Move(BOB, "set", "safe", {"fence_open": "2026-06-01T10:05:00+02:00"}),
    Move(BOB, "set", "safe", {"vented": True}, then={"safe": "completed", "data": "running"}),
    Move(ADA, "submit", "data", {"recording": File(HERE / "files/recording.csv")},
         then={"data": "completed", "photos": "running"}),
    Move(DAN, "submit", "photos", {"photos": [File(HERE / "files/chamber.txt")]},
         then={"photos": "completed", "inspection": "running"}),
    Move(ADA, "submit", "inspection", {"verdict": "as new", "findings": "Some soot at the throat."},
         then={"inspection": "completed", "evaluate": "completed", "report": "running"}),
    Move(ADA, "submit", "report", {"summary": "Steady at the set point."},
         then={"report": "completed", "close": "completed"}),
)  # fmt: skip


def settled(view: dict[str, Any], status: str) -> bool:
    """Whether a step (as `show_step` and `step show --json` tell it) stands so, and nothing of it is under way that
    would go on by itself: what is measured is measured, and a condition waits for people only."""
    under_way = [one for one in (view.get("captures") or {}).values() if one["status"] == "in_progress"]
    waits = status == "submitted" and any(_under_way(view["condition"]))
    return view["status"] == status and not under_way and not waits


def _under_way(part: Any) -> Iterator[bool]:
    inside = part.get("children") or []
    if not inside:
        yield part["kind"] != "event" and part["status"] in ("submitted", "in_progress")
    for each in inside:
        yield from _under_way(each)


OUTPUT = {"engine": "K7-014", "grade": "pass", "director": "Ada", "released_by": ["bob", "cyd"]}
"""What the run ends with."""
