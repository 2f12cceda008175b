"""Start a flaky server on loopback, run the workflow against it, and show what came of it.

python examples/flaky/run.py
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import stepwell

HERE = Path(__file__).parent


class Flaky(BaseHTTPRequestHandler):
    """Answers 503 three times, then with a quote."""

    calls = 0

    def do_GET(self) -> None:
        Flaky.calls += 1
        busy = Flaky.calls <= 3
        body = json.dumps({"error": "busy"} if busy else {"symbol": "WELL", "price": 42.5}).encode()
        self.send_response(503 if busy else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        print("server:", format % args, file=sys.stderr)


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Flaky)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with stepwell.connect(sys.argv[1] if len(sys.argv) > 1 else "stepwell.db") as engine:
        run_id = engine.start(
            HERE / "call.yaml", {"server": f"http://127.0.0.1:{server.server_port}", "symbol": "WELL"}
        )
        view = engine.wait(run_id)
    print(json.dumps({"run_id": run_id, "status": view["status"], "output": view["output"]}))


if __name__ == "__main__":
    main()
