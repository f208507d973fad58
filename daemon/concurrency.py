"""
Concurrency: several jobs at once, their results in order; when one fails, or all are given up, none goes on.

    together    all of them at once                         a list, when the last is done
    in_order    a few at a time, the next when one ends     each result as soon as those before it are there
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Collection, Coroutine, Iterable
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")


async def together(jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all jobs, which run at once; raises what the first that failed raised."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def in_order(jobs: Iterable[Coroutine[Any, Any, T]], *, at_once: int) -> AsyncGenerator[T, None]:
    """
    The results of jobs, in their order; at most `at_once` are under way.

    `jobs` is asked for the next one only when it may begin. Close it (`contextlib.aclosing`), lest jobs go on behind
    a reader that has stopped.
    """
    waiting = iter(jobs)
    tasks: deque[asyncio.Task[T]] = deque()
    try:
        while True:
            tasks += [asyncio.create_task(job) for job in islice(waiting, at_once - len(tasks))]
            if not tasks:
                return
            yield await tasks[0]
            tasks.popleft()
    finally:
        await _end(tasks)


async def _end(tasks: Collection[asyncio.Task[T]]) -> None:
    """Cancel those that are not done, and wait until all are; what they raise is nobody's any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
