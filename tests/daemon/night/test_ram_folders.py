"""What a killed daemon leaves behind is ended and removed by the next one."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from daemon.night.ram_folders import PREFIX, TRAINER, note_process, private_folder, sweep


@pytest.fixture
def orphan():
    """A process group that is stopped, as a paused trainer is."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0)
    os.kill(child.pid, signal.SIGSTOP)
    yield child
    child.kill()
    child.wait()


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def left_by(pid, folder):
    left = folder / f"{PREFIX}{pid}-x"
    left.mkdir()
    (left / "adapter.gguf").write_text("a life")
    return left


def test_a_stopped_trainer_of_a_dead_daemon_is_ended_and_its_folder_removed(tmp_path, orphan, dead):
    left = left_by(dead, tmp_path)
    note_process(left, orphan.pid)

    with private_folder(tmp_path):
        pass

    assert (-signal.SIGKILL, False) == (orphan.wait(10), left.exists())


def test_a_process_that_only_has_the_number_of_a_trainer_is_left_alone(tmp_path, orphan, dead):
    left = left_by(dead, tmp_path)
    began = psutil.Process(orphan.pid).create_time()
    (left / TRAINER).write_text(f"{orphan.pid} {began - 100}")

    sweep(tmp_path)

    assert (None, False) == (orphan.poll(), left.exists())


@pytest.mark.parametrize("told", ["", "x y", "1", "99999999 1.0"])
def test_a_folder_that_tells_of_no_process_is_removed_all_the_same(tmp_path, dead, told):
    left = left_by(dead, tmp_path)
    (left / TRAINER).write_text(told)

    sweep(tmp_path)

    assert not left.exists()


def test_the_folder_of_a_daemon_that_lives_stays(tmp_path, orphan):
    left = left_by(os.getpid(), tmp_path)
    note_process(left, orphan.pid)

    sweep(tmp_path)

    assert (None, True) == (orphan.poll(), left.exists())
