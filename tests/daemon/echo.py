"""A supervisor with an echo child, and what the tests of both ends of its life ask of it."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from daemon.processes.process import module
from daemon.processes.supervisor import Backoff, Supervisor

FAST = Backoff(first_s=0.05, longest_s=0.2)


@asynccontextmanager
async def echo_child(
    *, idle_s: float = math.inf, start_timeout_s: float = 30.0, backoff: Backoff = FAST, **hello: Any
) -> AsyncGenerator[Supervisor]:
    """The supervisor of an echo child, which is stopped afterwards."""
    child = Supervisor(
        "echo",
        module("tests.daemon.echo_child"),
        hello=hello,
        idle_s=idle_s,
        start_timeout_s=start_timeout_s,
        backoff=backoff,
    )
    try:
        yield child
    finally:
        await child.stop()


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
