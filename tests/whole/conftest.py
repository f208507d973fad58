"""What several tests of whole daemons start from: a home in which a night has taught nano what was told."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.house import NANO, Daemon
from tests.whole.nights import QUIET, night, tell


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home after that night, to be copied; nobody works in it."""
    daemon = Daemon(tmp_path_factory.mktemp("taught") / "home", NANO, **QUIET).start()
    try:
        with daemon.own() as client:
            tell(client)
            report = night(client)
            assert report["adopted"], report["reason"]
    finally:
        daemon.stop()
    return daemon.home


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that does nothing by itself, on an empty home."""
    made = Daemon(tmp_path / "home", NANO, **QUIET).start()
    yield made
    made.stop(signal.SIGKILL)


@pytest.fixture
def learned(taught: Path, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon on its own copy of that home."""
    home = tmp_path / "home"
    shutil.copytree(taught, home)
    daemon = Daemon(home, NANO, **QUIET).start()
    yield daemon
    daemon.stop(signal.SIGKILL)
