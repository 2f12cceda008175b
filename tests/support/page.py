"""Does what a page of the docs says, block by block, in the current folder; prints what each block printed, as JSON.

python -m tests.support.page FILE. A block `python file=NAME` is a file, `python` is evaluated (with `await` outside of
functions), `sh` is what a shell is given.
"""

from __future__ import annotations

import ast
import asyncio
import io
import json
import os
import re
import subprocess
import sys
import types
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    language: str
    file: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    return [
        Block(found[1], found[2] or "", found[3], page[: found.start()].count("\n") + 1)
        for found in BLOCK.finditer(page)
    ]


async def said(block: Block, module: types.ModuleType) -> str:
    if block.file:
        Path(block.file).write_text(block.text)
        return ""
    if block.language == "sh":
        return await asyncio.to_thread(_shell, block.text)
    code = compile(block.text, "page.py", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    with redirect_stdout(io.StringIO()) as printed:
        waiting = types.FunctionType(code, vars(module))()
        if asyncio.iscoroutine(waiting):
            await waiting
    return printed.getvalue()


def _shell(text: str) -> str:
    place = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": place}
    done = subprocess.run(
        ["sh", "-e", "-c", text], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def main(page: str) -> list[str]:
    module = sys.modules["page"] = types.ModuleType("page")
    sys.path.insert(0, str(Path.cwd()))
    return [await said(block, module) for block in blocks(page) if block.language != "text"]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1]).read_text()))))
