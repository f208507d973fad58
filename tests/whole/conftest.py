"""
What the tests of whole daemons share: one running daemon, one browser, a home after a chat and a home after a night.

The homes are made once, by the first worker that needs one, and tests work on copies. The daemon is shared by the
tests that leave it as they found it.
"""

import fcntl
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import WORKER
from tests.whole.house import NANO, Daemon
from tests.whole.nights import QUIET, SHORT, night, tell


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A running daemon with nano that does no work by itself; one for all tests of a worker."""
    made = Daemon(tmp_path_factory.mktemp("shared") / "home", NANO, **QUIET).start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds what `tell` says, with its memories and lessons."""

    def live(home: Path) -> None:
        with _running(home, signal.SIGTERM) as daemon, daemon.own() as client:
            tell(client)

    return _once(tmp_path_factory, "told", live)


@pytest.fixture(scope="session")
def taught(told: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That home after a night."""

    def live(home: Path) -> None:
        shutil.copytree(told, home)
        with _running(home, signal.SIGTERM) as daemon, daemon.own() as client:
            report = night(client, recipe=SHORT)
            assert report["adopted"], report["reason"]

    return _once(tmp_path_factory, "taught", live)


@pytest.fixture(scope="module")
def learned(taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon on a copy of the home after a night; one for a file, whose tests run in their order."""
    with _running(Path(shutil.copytree(taught, tmp_path_factory.mktemp("learned") / "home"))) as made:
        yield made


@contextmanager
def _running(home: Path, end: int = signal.SIGKILL) -> Iterator[Daemon]:
    daemon = Daemon(home, NANO, **QUIET).start()
    try:
        yield daemon
    finally:
        daemon.stop(end)


def _once(factory: pytest.TempPathFactory, name: str, live: Callable[[Path], None]) -> Path:
    base = factory.getbasetemp()
    place = (base.parent if WORKER in os.environ else base) / name
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            unfinished = factory.mktemp(name) / "home"
            live(unfinished)
            unfinished.rename(place)
    return place
