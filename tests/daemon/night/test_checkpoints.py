"""The folder of checkpoints: in memory, its owner's only."""

import os
import stat

import pytest

from daemon.night import checkpoints
from daemon.night.errors import CheckpointsLeft, CheckpointsUnsafe


def test_each_home_has_its_own_in_the_users_runtime_directory(tmp_path):
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    one, other = (checkpoints.place(tmp_path / name, environment) for name in ("one", "other"))

    assert (tmp_path, True) == (one.parent, one != other)
    assert one == checkpoints.place(tmp_path / "x" / ".." / "one", environment)
    assert not one.exists()


def test_it_is_for_its_owner_only_also_when_it_was_there(tmp_path):
    folder = tmp_path / "kept"
    modes = []
    for _ in range(2):
        checkpoints.prepare(folder)
        modes.append(stat.S_IMODE(folder.stat().st_mode))
        folder.chmod(0o755)

    assert [0o700, 0o700] == modes


def test_a_link_and_a_file_are_refused(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(theirs)
    file.touch()

    for place in (link, file, tmp_path / "missing" / "folder"):
        with pytest.raises(CheckpointsUnsafe, match="an't keep checkpoints in"):
            checkpoints.prepare(place)
    checkpoints.sweep(link)
    assert theirs.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_folder_is_refused_and_left_alone(tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    os.chown(folder, 12345, 12345)

    with pytest.raises(CheckpointsUnsafe, match="belongs to user 12345"):
        checkpoints.prepare(folder)
    checkpoints.sweep(folder)
    assert folder.exists()


def test_what_is_swept_is_gone(tmp_path):
    folder = tmp_path / "kept"
    checkpoints.prepare(folder)
    (folder / "half").write_text("a secret")

    checkpoints.sweep(folder)
    checkpoints.sweep(folder)

    assert not folder.exists()


def test_what_can_not_be_deleted_is_told(tmp_path):
    (tmp_path / "kept").touch()

    with pytest.raises(CheckpointsLeft, match="Delete it by hand"):
        checkpoints.sweep(tmp_path / "kept")
