"""Many pages at once, four at a time: each is fetched in a step, so none is fetched twice, whatever happens."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.request import urlopen

from stepwell import Retry, Stepwell, flow, step, workflow


@step(retry=Retry(attempts=5, delay=0.1), timeout=10)
def fetch(url: str) -> int:
    with urlopen(url, timeout=5) as answer:
        return len(answer.read())


@workflow
async def fetch_all(urls: list[str]) -> dict[str, int]:
    sizes = await flow.map(fetch, urls, concurrency=4)
    return {"pages": len(sizes), "bytes": sum(sizes)}


class Pages(BaseHTTPRequestHandler):
    """Busy at the first request for page 3."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        busy = self.path == "/3" and self.asked.count("/3") == 1
        self.send_response(503 if busy else 200)
        self.end_headers()
        self.wfile.write(b"." * int(self.path[1:]))

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as pages:
        Thread(target=pages.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{pages.server_port}"
        pages.shutdown()


async def main(database: str) -> None:
    with server() as place:
        async with Stepwell.open(database) as engine:
            print(await engine.run(fetch_all, [f"{place}/{number}" for number in range(12)]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "fetch.db"))
