"""A supervisor with an echo child, and what the tests of both ends of its life ask of it."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from daemon.processes.process import module
from daemon.processes.supervisor import Backoff, Supervisor

FAST = Backoff(first_s=0.05, longest_s=0.2)


def with_child(
    test: Callable[[Supervisor], Awaitable[Any]], *, idle_s: float = math.inf, **options: Any
) -> Any:
    """Run `test` with an echo child and stop it afterwards."""

    async def run() -> Any:
        start_timeout_s = options.pop("start_timeout_s", 30.0)
        backoff = options.pop("backoff", FAST)
        argv = module("tests.daemon.echo_child")
        child = Supervisor(
            "echo", argv, hello=options, idle_s=idle_s, start_timeout_s=start_timeout_s, backoff=backoff
        )
        try:
            return await test(child)
        finally:
            await child.stop()

    return asyncio.run(run())


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


async def next_of(child: Supervisor, op: str, **fields: Any) -> None:
    async with aclosing(child.stream(op, **fields)) as pieces:
        async for _ in pieces:
            pass
