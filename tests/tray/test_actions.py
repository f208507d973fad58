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


def test_nothing_is_under_way_before_it_begins():
    assert not start("").is_under_way()


def test_an_end_with_an_error_is_told_once_with_the_last_line():
    started = start("import sys; sys.stderr.write('first\\nPort 4141 is in use.\\n'); sys.exit(1)")
    started.begin()

    assert "Tsubasa did not start (exit code 1): Port 4141 is in use." == failure(started)
    assert not started.is_under_way()


@pytest.mark.parametrize(("code", "told"), [("", None), ("import sys; sys.exit(3)", "it said nothing")])
def test_an_end_in_peace_is_no_failure_and_silence_is_named(code, told):
    started = start(code)
    started.begin()
    found = failure(started)

    assert (found is None) if told is None else told in found


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


def test_it_is_told_which_home():
    started = start("import sys; sys.stderr.write(' '.join(sys.argv[1:])); sys.exit(1)")
    started.begin()

    assert "--home /home" in failure(started)
