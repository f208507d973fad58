"""A night's folders: in memory, for their owner only; what a killed daemon leaves behind is removed by the next one."""

import os
import signal
import stat
import subprocess
import sys

import psutil
import pytest

from daemon.night.errors import CheckpointsUnsafe, NightError
from daemon.night.ram_folders import (
    PREFIX,
    TRAINER,
    checkpoint_folder,
    delete_checkpoints,
    memory_folder,
    note_process,
    prepare_checkpoints,
    private_folder,
    sweep,
)


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


@pytest.mark.parametrize("of_a_daemon_that_lives", [False, True])
def test_a_living_daemons_folder_stays_and_another_process_with_a_trainers_number_is_left_alone(
    tmp_path, orphan, dead, of_a_daemon_that_lives
):
    left = left_by(os.getpid() if of_a_daemon_that_lives else dead, tmp_path)
    began = psutil.Process(orphan.pid).create_time()
    (left / TRAINER).write_text(f"{orphan.pid} {began if of_a_daemon_that_lives else began - 100}")

    sweep(tmp_path)

    assert (None, of_a_daemon_that_lives) == (orphan.poll(), left.exists())


@pytest.mark.parametrize("told", ["", "x y", "1", "99999999 1.0"])
def test_a_folder_that_tells_of_no_process_is_removed_all_the_same(tmp_path, dead, told):
    left = left_by(dead, tmp_path)
    (left / TRAINER).write_text(told)

    sweep(tmp_path)

    assert not left.exists()


def test_the_private_folder_is_for_its_owner_only_and_in_the_users_own_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with private_folder(memory_folder()) as folder:
        mode = stat.S_IMODE(folder.stat().st_mode)

    assert (tmp_path, 0o700, False) == (folder.parent, mode, folder.exists())


def test_each_home_has_its_own_in_the_users_runtime_directory(tmp_path):
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    one, other = (checkpoint_folder(tmp_path / name, environment) for name in ("one", "other"))

    assert (tmp_path, True) == (one.parent, one != other)
    assert one == checkpoint_folder(tmp_path / "x" / ".." / "one", environment)
    assert not one.exists()


def test_checkpoints_are_for_their_owner_only_also_in_a_folder_that_was_there_and_are_deleted(tmp_path):
    folder = tmp_path / "kept"
    for _ in range(2):
        prepare_checkpoints(folder)
        assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
        folder.chmod(0o755)
    (folder / "half").write_text("a secret")

    delete_checkpoints(folder)
    delete_checkpoints(folder)

    assert not folder.exists()


def test_a_link_and_a_file_are_refused(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(theirs)
    file.touch()

    for place in (link, file, tmp_path / "missing" / "folder"):
        with pytest.raises(CheckpointsUnsafe):
            prepare_checkpoints(place)
    delete_checkpoints(link)
    assert theirs.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_folder_is_refused_and_left_alone(tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    os.chown(folder, 12345, 12345)

    with pytest.raises(CheckpointsUnsafe):
        prepare_checkpoints(folder)
    delete_checkpoints(folder)
    assert folder.exists()


def test_what_can_not_be_deleted_is_told(tmp_path):
    (tmp_path / "kept").touch()

    with pytest.raises(NightError):
        delete_checkpoints(tmp_path / "kept")
