"""
How the tests share one computer: two of them run at a time (`make test`), each on cores of its own.

A trainer's threads wait for each other at every step: on a core that another test holds it would be five times slower.
"""

import os
import signal
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("shared", deadline=None)  # an example may wait for a core
hypothesis.settings.load_profile("shared")

WHOLE = Path(__file__).parent / "whole"
LONGEST = (
    "night_interrupted",
    "demo",
    "night",
    "forgetting_weights",
    "import",
    "nano",
    "month",
)
WORKER, WORKERS = "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The daemon runs on asyncio alone."""
    return "asyncio"


def pytest_configure() -> None:
    """Let tests press Ctrl-C, and keep this worker and all that its tests start to its share of the cores."""
    if (
        signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    ):  # so it is behind a shell's `&`, and children inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if WORKER not in os.environ or not hasattr(os, "sched_setaffinity"):
        return
    number, count = int(os.environ[WORKER].removeprefix("gw")), int(os.environ[WORKERS])
    cores = sorted(os.sched_getaffinity(0))
    if count > 1 and len(cores) >= count:
        os.sched_setaffinity(0, cores[number::count])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no core idles at the end."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    if WHOLE not in item.path.parents:
        return len(LONGEST) + 1
    name = item.path.stem.removeprefix("test_")
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)
