"""A checkpoint is whole, of this job and for its owner only; or there is none, and a line in the log."""

import logging
import os
import resource
import stat
import sys

import numpy as np
import pytest

from trainer.checkpoint import Checkpoints, fingerprint

MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4).T
ARRAYS = {"a": MATRIX, "b": np.array([-1, 2**40]), "c": np.array(0.1)}
NUMBERS = {"step": 3, "losses": [0.1, 1 / 3, 1e-30]}


@pytest.fixture
def folder(tmp_path):
    private = tmp_path / "checkpoints"
    private.mkdir(mode=0o700)
    return private


def test_what_was_kept_comes_back_to_the_last_bit(folder):
    Checkpoints(folder, "job").keep(ARRAYS, {})
    Checkpoints(folder, "job").keep(ARRAYS, NUMBERS)
    arrays, numbers = Checkpoints(folder, "job").load()

    assert NUMBERS == numbers
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(values, arrays[name], strict=True)
    (file,) = folder.iterdir()
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)


def test_when_the_job_is_done_nothing_is_left(folder):
    kept = Checkpoints(folder, "job")
    kept.keep(ARRAYS, NUMBERS)
    kept.clear()
    kept.clear()

    assert [] == list(folder.iterdir())
    assert kept.load() is None


def test_it_is_due_no_oftener_than_asked_for(folder):
    assert not Checkpoints(folder, "job").due()
    assert Checkpoints(folder, "job", every_s=0).due()
    assert not Checkpoints(None, "job", every_s=0).due()


@pytest.mark.parametrize("damage", ["cut", "one bit", "empty", "not ours"])
def test_a_damaged_one_is_not_used_and_removed(folder, caplog, damage):
    Checkpoints(folder, "job").keep(ARRAYS, NUMBERS)
    (file,) = folder.iterdir()
    whole = bytearray(file.read_bytes())
    if damage == "one bit":
        whole[-7] ^= 4
    file.write_bytes({"cut": whole[:-20], "one bit": whole, "empty": b"", "not ours": b"hello" * 50}[damage])

    assert Checkpoints(folder, "job").load() is None
    assert "the checkpoint can't be used" in caplog.text
    assert [] == list(folder.iterdir())


def test_that_of_another_job_is_removed_and_other_files_are_left(folder):
    Checkpoints(folder, "yesterday").keep(ARRAYS, NUMBERS)
    (folder / "job.checkpoint.new").write_text("half")
    (folder / "note.txt").write_text("of somebody else")

    assert Checkpoints(folder, "job").load() is None
    assert [folder / "note.txt"] == list(folder.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="has other rights")
@pytest.mark.parametrize("how", ["open", "link", "gone"])
def test_a_folder_that_others_can_open_is_not_used(folder, tmp_path, caplog, how):
    """A link too: where it leads to may change."""
    if how == "open":
        folder.chmod(0o750)
    if how == "gone":
        folder.rmdir()
    if how == "link":
        folder, target = tmp_path / "link", folder
        folder.symlink_to(target)
    kept = Checkpoints(folder, "job", every_s=0)
    kept.keep(ARRAYS, NUMBERS)
    kept.clear()

    assert (False, None) == (kept.due(), kept.load())
    assert 1 == caplog.text.count("no checkpoints")
    assert not folder.exists() or [] == list(folder.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_full_disk_keeps_the_last_one_and_says_so(folder, caplog):
    caplog.set_level(logging.WARNING)
    kept = Checkpoints(folder, "job")
    kept.keep(ARRAYS, NUMBERS)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        kept.keep({"large": np.zeros(10_000)}, {"step": 4})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "no checkpoint could be kept" in caplog.text
    assert ["job.checkpoint"] == os.listdir(folder)
    assert NUMBERS == Checkpoints(folder, "job").load()[1]


def test_a_fingerprint_is_of_all_that_decides():
    values = [1, {"lessons": [["a", None]]}, "seed"]

    assert fingerprint(*values) == fingerprint(*values)
    assert fingerprint(*values) != fingerprint(*values[:2])
    assert fingerprint(*values) != fingerprint(1, {"lessons": [["b", None]]}, "seed")
