"""Prompt files: what is given back is what was saved, or nothing; and they take no more room than they may."""

import logging
import os
import sqlite3

import pytest

from store import prompt_files
from store.prompt_files import PromptFiles

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
WHAT, OTHER = b"model, settings and tokens", b"of another prompt"
STATE = b"a state that has many bytes " * 40_000
ROOM = 2**30


@pytest.fixture
def files(tmp_path):
    return PromptFiles(tmp_path / "prompts", KEY, ROOM)


def only(files):
    (file,) = files.folder.iterdir()
    return file


def test_what_was_saved_is_given_back_and_nothing_else(files):
    assert files.load(WHAT) is None
    assert files.save(WHAT, STATE)
    assert (True, False) == (files.has(WHAT), files.has(OTHER))
    assert STATE == files.load(WHAT)
    assert files.load(OTHER) is None


def test_neither_the_file_nor_its_name_tells_what_it_is_about(files, tmp_path):
    files.save(WHAT, STATE)
    other = PromptFiles(tmp_path / "others", OTHER_KEY, ROOM)
    other.save(WHAT, STATE)
    held = only(files).read_bytes()

    assert WHAT not in held and STATE[:28] not in held and b"SQLite" not in held
    assert only(files).name != only(other).name
    assert (0o600, 0o700) == tuple(path.stat().st_mode & 0o777 for path in (only(files), files.folder))


def flip(file):
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 1
    file.write_bytes(held)


def cut(file):
    os.truncate(file, file.stat().st_size // 2)


def empty(file):
    os.truncate(file, 0)


def plain(file):
    file.unlink()
    with sqlite3.connect(file) as db:
        db.execute("create table saved (what, digest, state)")
        db.execute("insert into saved values (?, ?, ?)", (WHAT, b"", STATE))
    db.close()


def noise(file):
    file.write_bytes(os.urandom(200_000))


@pytest.mark.parametrize("harm", [flip, cut, empty, plain, noise])
def test_a_file_that_is_not_whole_is_deleted_and_told(files, harm, caplog):
    files.save(WHAT, STATE)
    harm(only(files))

    assert files.load(WHAT) is None
    assert [] == list(files.folder.iterdir())
    assert ["A saved system prompt is deleted"] == [one.getMessage()[:32] for one in caplog.records]


def test_an_older_page_in_a_newer_file_is_seen(files):
    """Each page would pass by itself."""
    files.save(WHAT, STATE)
    older = only(files).read_bytes()
    size = prompt_files.PAGE
    files.save(WHAT, STATE[::-1])
    newer = bytearray(only(files).read_bytes())
    assert len(newer) == len(older) > 5 * size
    newer[3 * size : 4 * size] = older[3 * size : 4 * size]
    only(files).write_bytes(newer)

    assert files.load(WHAT) is None


def test_a_file_of_another_key_or_another_prompt_gives_nothing(files, tmp_path):
    other = PromptFiles(tmp_path / "others", OTHER_KEY, ROOM)
    other.save(WHAT, STATE)
    files.save(WHAT, STATE)
    only(files).write_bytes(only(other).read_bytes())
    assert files.load(WHAT) is None

    files.save(OTHER, STATE)
    theirs = only(files)
    files.save(WHAT, STATE[:100])
    mine = next(file for file in files.folder.iterdir() if file != theirs)
    theirs.replace(mine)
    assert files.load(WHAT) is None


def test_the_least_recently_used_goes_first_and_too_large_a_one_never_comes(tmp_path):
    files = PromptFiles(tmp_path / "prompts", KEY, 3 * 1_400_000)
    names = [b"1", b"2", b"3"]
    for place, name in enumerate(names):
        files.save(name, STATE)
        for file in files.folder.iterdir():  # clocks may be coarse
            seconds = file.stat().st_mtime - 100 * (len(names) - place)
            os.utime(file, (seconds, seconds))
    files.load(b"1")
    files.save(b"4", STATE)

    assert [True, False, True, True] == [files.has(name) for name in (b"1", b"2", b"3", b"4")]
    assert not files.save(b"5", b"x" * 5_000_000)
    assert 3 * 1_400_000 >= sum(file.stat().st_size for file in files.folder.iterdir())


def test_a_disk_that_refuses_is_told_and_nothing_half_is_left(files, caplog):
    files.folder.write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert not files.save(WHAT, STATE)

    assert "could not be saved" in caplog.text


def test_a_disk_without_room_to_spare_gets_none(tmp_path):
    files = PromptFiles(tmp_path / "prompts", KEY, ROOM, spare_bytes=2**62)

    assert not files.save(WHAT, STATE)
    assert [] == list(files.folder.iterdir())


def test_all_of_them_are_deleted_at_once_and_other_files_stay(files):
    prompt_files.clear(files.folder)
    files.save(WHAT, STATE)
    (files.folder / "half.part").write_bytes(b"x")
    (files.folder / "mine.txt").write_text("x")
    prompt_files.clear(files.folder)

    assert ["mine.txt"] == [file.name for file in files.folder.iterdir()]


def test_what_a_killed_process_left_half_is_deleted_with_the_next_one(files):
    files.folder.mkdir()
    (files.folder / "half.part").write_bytes(b"x")
    files.save(WHAT, STATE)

    assert [".prompt"] == [file.suffix for file in files.folder.iterdir()]
