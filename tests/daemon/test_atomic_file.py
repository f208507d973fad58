"""Files that are written whole or not at all: what happens where none can be."""

import os

import pytest

from daemon.atomic_file import whole
from daemon.cli.generations import export as take_out
from daemon.cli.imports import export
from daemon.errors import FileUnwritable, NotRunning


@pytest.mark.parametrize("name", ["x" * 300, "x" * 100_000])
def test_a_name_that_no_file_can_have_is_an_error_before_anything_is_asked(tmp_path, name):
    for command in (
        lambda: export(tmp_path / name, home_flag=tmp_path),
        lambda: take_out(1, tmp_path / name, home_flag=tmp_path),
    ):
        with pytest.raises(FileUnwritable):
            command()


def test_links_in_a_circle_are_no_crash(tmp_path):
    circle = tmp_path / "a.gguf"
    os.symlink(tmp_path / "b.gguf", circle)
    os.symlink(circle, tmp_path / "b.gguf")

    with pytest.raises(NotRunning):
        take_out(1, circle, merged=tmp_path / "b.gguf", home_flag=tmp_path)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_written_over_even_by_force(tmp_path, kind):
    place = tmp_path / "place"
    place.mkdir() if kind == "folder" else os.mkfifo(place)
    before = place.stat()

    with pytest.raises(FileUnwritable), whole(place, force=True) as written:
        written.write(b"x")
    with pytest.raises(FileUnwritable):
        export(place, force=True, home_flag=tmp_path)

    assert before.st_ino == place.stat().st_ino
    assert [place] == list(tmp_path.iterdir())


def test_a_file_that_could_not_be_written_leaves_the_old_one_and_nothing_else(tmp_path):
    place = tmp_path / "place"
    place.write_bytes(b"old")

    with pytest.raises(FileUnwritable), whole(place, force=True) as written:
        written.write(b"new")
        raise OSError(28, "No space left on device")

    assert b"old" == place.read_bytes()
    assert [place] == list(tmp_path.iterdir())
