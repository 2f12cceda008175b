"""Functions for steps, as an application would define them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from os import system

from stepwell.workers.context import StepFault, current

alias = os.getcwd
LIMIT = 3
_private = len


def add(a: int, b: int = 1) -> int:
    return a + b


async def add_async(a: int, b: int = 1) -> int:
    await asyncio.sleep(0)
    return a + b


def whoami() -> dict:
    me = current()
    return {
        "run": me.run_id,
        "step": me.step_id,
        "attempt": me.attempt,
        "key": me.key,
        "pid": os.getpid(),
        "thread": threading.current_thread().name,
    }


def talk(color: str) -> list:
    me = current()
    me.report({"half": True})
    me.set_variables(color=color, big=2**80)
    return [me.variable("color"), me.variable("big"), me.variable("absent", "default"), me.cancelled]


async def talk_async(color: str) -> list:
    me = current()
    await me.areport({"half": True})
    await me.aset_variables(color=color, big=2**80)
    return [me.variable("color"), me.variable("big"), me.variable("absent", "default"), me.cancelled]


def noisy() -> str:
    print("printed")
    os.write(1, b'{"ok": "not the answer"}\n')
    subprocess.run(["echo", '{"ok": "nor this"}'], check=True)
    return sys.stdin.read() + "quiet"


def fail(kind: str = "value") -> None:
    if kind == "fault":
        raise StepFault(
            "no stock", type="https://shop.example/errors/stock", status=409, title="Out of stock"
        )
    if kind == "exit":
        sys.exit(3)
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "stop":
        raise StopIteration
    if kind == "type":
        raise TypeError("of my own")
    raise ValueError("not so")


async def fail_async(kind: str = "value") -> None:
    fail(kind)


def die(code: int = 7) -> None:
    os._exit(code)


def start_and_die(path: str) -> None:
    child = subprocess.Popen(["sleep", "60"])
    with open(path, "w") as file:
        file.write(f"{child.pid}\n")
    os._exit(1)


def environment(name: str) -> str | None:
    return os.environ.get(name)


def hang(path: str) -> None:
    """Write its process id and that of a process that it starts; then never end."""
    child = subprocess.Popen(["sleep", "60"])
    with open(path, "w") as file:
        file.write(f"{os.getpid()}\n{child.pid}\n")
    time.sleep(60)


def obedient(path: str) -> None:
    """Work until told to stop."""
    with open(path, "w") as file:
        file.write("began\n")
    while True:
        current().check_cancelled()
        time.sleep(0.002)


def give(name: str) -> object:
    return {"set": {1}, "bytes": b"x", "object": object(), "surrogate": "\ud800", "long": 10**5000}.get(name)


def give_back(value: object) -> object:
    return value


class Shop:
    def sell(self) -> str:
        return "sold"

    @staticmethod
    def open() -> str:
        return "open"


sell = Shop().sell


class Caller:
    async def __call__(self) -> str:
        return "called"


__all__ = ["system"]
