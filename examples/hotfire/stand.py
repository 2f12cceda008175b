"""The test stand: what the procedure calls (`call: python`), and its services, simulated on loopback."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

SECRET = "the-range-and-we-know-it"
PRESSURANT = "PR-1"

# --- functions of the procedure ---------------------------------------------------------------------------------------


def limits(chamber_pressure: float, burn: str) -> dict[str, float]:
    """The redline, and the total impulse to expect."""
    seconds = float(burn.removeprefix("PT").removesuffix("S"))
    return {
        "redline": round(chamber_pressure * 1.2, 2),
        "impulse": round(chamber_pressure * 100 * seconds, 1),
    }


def archive(recording: dict[str, Any], engine: str) -> dict[str, Any]:
    """Where the recording is kept from now on: called again it says the same."""
    return {"place": f"archive/{engine}/{recording['file'][:12]}", "bytes": recording["size"]}


def evaluate(last: float, wanted: float, limits: dict[str, float]) -> dict[str, Any]:
    error = abs(last - wanted) / wanted
    return {
        "grade": "pass" if error < 0.05 and last < limits["redline"] else "repeat",
        "error": round(error, 4),
    }


def write_report(engine: str, summary: str, grade: str) -> dict[str, str]:
    return {"report": f"{engine}: {grade}. {summary}"}


FUNCTIONS = (limits, archive, evaluate, write_report)


# --- services of the stand --------------------------------------------------------------------------------------------


class Stand:
    """Valves, sensors, weather and range behind one address; samples are written below `folder`.

    with Stand(folder) as stand:
        stand.url                 # http://127.0.0.1:PORT
        stand.fired, stand.told   # what really happened
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder, self.now = folder, now
        self.done: dict[str, Any] = {}
        """by idempotency key: a request that comes again does nothing again"""
        self.fired = 0
        self.told: list[dict[str, Any]] = []
        self.closed: list[dict[str, Any]] = []
        """what the range was asked, with a signature that holds"""
        self._asked: dict[str, int] = {}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._write("tanks.csv", "tank_pressure", [0.02] * 4, ago=60)
        self._write("chamber.csv", "chamber_pressure", [0.0] * 4, ago=60)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Stand:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        """Status and JSON of one request."""
        with self._lock:
            key = headers.get("idempotency-key", "")
            if key and key in self.done:
                return 200, self.done[key]
            said = json.loads(body) if body else None
            status, told = self._do(path, said, body, headers)
            if key and status == 200:
                self.done[key] = told
            return status, told

    def _do(self, path: str, said: Any, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        match path:
            case "/chill":
                return 200, {"state": self._turns("chill", "warm", "cold")}
            case "/ingest":
                return 200, {"state": self._turns("ingest", "running", "done")}
            case "/weather":
                return 200, {"wind": 4.5, "from": "south-west"}
            case "/valves":
                if said["valve"] == PRESSURANT and self._turns("pressurant", "closed", "open") == "closed":
                    self._write("tanks.csv", "tank_pressure", [8, 15, 21, *[22.4] * 9])
                return 200, {"valve": said["valve"], "state": said["state"]}
            case "/fire":
                self.fired += 1
                level = said["chamber_pressure"]
                self._write(
                    "chamber.csv", "chamber_pressure", [level * 0.4, level * 0.8, *[level * 1.01] * 14]
                )
                return 200, {"shutdown": "commanded", "burn": said["burn"]}
            case "/range":
                if not _signed(body, headers):
                    return 401, {"error": "whoever this was, it was not the stand"}
                self.closed.append(said)
                return 200, {}
            case "/loop":
                self.told.append(said)
                return 200, {}
        return 404, {"error": f"there is no {path}"}

    def _turns(self, what: str, first: str, then: str) -> str:
        """It takes a moment: the first one who asks is told so."""
        self._asked[what] = self._asked.get(what, 0) + 1
        return first if self._asked[what] == 1 else then

    def _write(self, name: str, channel: str, values: list[float], ago: float = 0) -> None:
        """Samples, half a second apart, the last one just now (or so many seconds ago)."""
        path, now = self.folder / name, self.now() - timedelta(seconds=ago)
        lines = [] if path.exists() else ["time,channel,value\n"]
        for number, value in enumerate(values, 1 - len(values)):
            at = (now + timedelta(seconds=number / 2)).isoformat(timespec="microseconds")
            lines.append(f"{at},{channel},{value:g}\n")
        with path.open("a") as file:
            file.write("".join(lines))


def _signed(body: bytes, headers: dict[str, str]) -> bool:
    signed = headers.get("stepwell-timestamp", "").encode() + b"." + body
    wanted = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, headers.get("stepwell-signature", ""))


def _handler(stand: Stand) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, told = stand.answer(self.path.partition("?")[0], body, headers)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: Any) -> None:
            """The journal says it better."""

    return Handler
