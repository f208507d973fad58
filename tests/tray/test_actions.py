"""The daemon, started from the menu."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from daemon.errors import DaemonError
from tests.tray.desktop import until
from tray.actions import DaemonStart


def start(code):
    return DaemonStart(Path("/home"), command=(sys.executable, "-c", code))


def failure(started):
    """What is told when it has ended."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if not started.is_under_way():
                return None
        except DaemonError as error:
            return str(error)
        time.sleep(0.05)
    return "it never ended"


def test_a_start_under_way_is_not_begun_twice(tmp_path):
    code = f"import os, time; open('{tmp_path}/' + str(os.getpid()), 'w'); time.sleep(60)"
    started = start(code)
    try:
        started.begin()
        started.begin()
        until(lambda: any(tmp_path.iterdir()))

        assert 1 == len(list(tmp_path.iterdir()))
        assert started.is_under_way()
    finally:
        for file in tmp_path.iterdir():
            os.kill(int(file.name), signal.SIGKILL)
        assert "exit code -9" in failure(started)


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        pytest.param("", None, id="an end in peace"),
        pytest.param("import sys; sys.exit(3)", ["exit code 3", "it said nothing"], id="silence"),
        pytest.param(
            "import sys; sys.exit('first\\nPort 4141 is taken.')", ["Port 4141"], id="the last line"
        ),
        pytest.param("import sys; sys.exit(' '.join(sys.argv[1:]))", ["--home /home"], id="the home"),
    ],
)
def test_an_end_with_an_error_is_told_once_with_its_last_words(code, parts):
    started = start(code)
    before = started.is_under_way()
    started.begin()
    found = failure(started)

    assert (found is None) if parts is None else all(part in found for part in parts)
    assert "first" not in (found or "")
    assert (False, False) == (before, started.is_under_way())
