"""The home: who may enter, who works on it, and what is never touched."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from daemon import home
from daemon.errors import HomeInUse, HomeNotUsable
from daemon.home import Home, HomeLock, Running

OF_A_DAEMON = Running(pid=os.getpid(), port=4141, url="http://127.0.0.1:4141")


@pytest.fixture
def place(tmp_path):
    made = Home(tmp_path / "home with a space")
    home.prepare(made)
    return made


@pytest.fixture
def lock(place):
    held = HomeLock(place)
    held.take()
    yield held
    held.release()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_flag_wins_over_the_variable(tmp_path):
    assert tmp_path == home.where({"TSUBASA_HOME": "/else"}, tmp_path).path
    assert "/else" == str(home.where({"TSUBASA_HOME": "/else"}).path)
    assert ".tsubasa" == home.where({}).path.name
    with pytest.raises(HomeNotUsable, match="~nobody-of-us/home"):
        home.where({"TSUBASA_HOME": "~nobody-of-us/home"})


def test_a_home_is_for_its_owner_only_and_is_closed_again_when_it_was_opened(place):
    assert 0o700 == mode(place.path)

    home.load_or_create_api_key(place)
    place.path.chmod(0o755)
    home.prepare(place)

    assert 0o700 == mode(place.path)


def test_what_lies_in_a_home_is_closed_to_others_and_it_is_said(place, tmp_path, caplog):
    caplog.set_level("INFO")
    home.load_or_create_api_key(place)
    (tmp_path / "elsewhere").touch(mode=0o644)
    (place.path / "link").symlink_to(tmp_path / "elsewhere")
    place.inbox.mkdir()
    for file in (place.store, place.path / "store.db-wal", place.log, place.path / "key"):
        file.touch()
    loose = [place.api_key, place.store, place.path / "store.db-wal", place.log, place.inbox]
    for path in (*loose, place.path / "key", tmp_path / "elsewhere"):
        path.chmod(0o755)
    home.prepare(place)

    assert {0o600, 0o700} == {mode(path) for path in loose}
    assert {0o755} == {
        mode(tmp_path / "elsewhere"),
        mode(place.path / "key"),
    }  # that one is refused by the store
    assert all(path.name in caplog.text for path in loose)
    assert "remove it" in caplog.text
    caplog.clear()
    home.prepare(place)
    assert "" == caplog.text


def test_a_folder_of_something_else_is_refused_and_not_changed_but_one_with_an_inbox_is_welcome(tmp_path):
    (tmp_path / "new" / "inbox").mkdir(parents=True)
    home.prepare(Home(tmp_path / "new"))
    (tmp_path / "thesis.txt").touch()
    tmp_path.chmod(0o755)

    for path in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(HomeNotUsable):
            home.prepare(Home(path))
    assert 0o755 == mode(tmp_path)


def test_the_key_is_made_once_and_private(place):
    made = home.load_or_create_api_key(place)

    assert made == home.load_or_create_api_key(place)
    assert (True, 0o600) == (len(made) > 40, mode(place.api_key))


@pytest.mark.parametrize("content", [b"\xff\xff", "schlüssel".encode(), b"hunter2\n"])
def test_a_broken_key_is_an_error(place, content):
    place.api_key.write_bytes(content)

    with pytest.raises(HomeNotUsable, match="api_key"):
        home.load_or_create_api_key(place)


def test_a_second_daemon_is_told_who_has_the_home_until_it_is_released(place, lock):
    with pytest.raises(HomeInUse) as before_it_serves:
        HomeLock(place).take()
    home.announce(place, OF_A_DAEMON)
    with pytest.raises(HomeInUse) as caught:
        HomeLock(place).take()
    lock.release()
    second = HomeLock(place)
    second.take()
    second.release()

    assert f"process {os.getpid()}" in str(before_it_serves.value)
    assert f"process {os.getpid()}" in str(caught.value) and OF_A_DAEMON.url in str(caught.value)
    assert 0o600 == mode(place.lock)


KILLED = """
import os, sys
from pathlib import Path
from daemon.home import Home, HomeLock
lock = HomeLock(Home(Path(sys.argv[1])))
lock.take()
os.kill(os.getpid(), 9)
"""


def test_a_killed_daemon_leaves_no_lock(place):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(place.path)], check=False)

    lock = HomeLock(place)
    lock.take()
    lock.release()

    assert -signal.SIGKILL == killed.returncode


@pytest.mark.parametrize("url", ["http://127.0.0.1:2", "http://[::1]:2", "http://localhost:2"])
def test_what_is_announced_is_found_until_withdrawn(place, url):
    daemon = Running(pid=1, port=2, url=url)
    home.announce(place, daemon)
    assert daemon == home.running(place)

    home.withdraw(place)

    assert home.running(place) is None


def test_an_announcement_that_can_not_be_removed_is_an_error(place):
    place.ready.mkdir()

    with pytest.raises(HomeNotUsable, match=r"daemon\.json"):
        home.withdraw(place)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "[" * 100_000, '{"pid": 1}', '{"pid": 1, "port": 2, "url": 5}'),
        '{"pid": "x", "port": [], "url": "http://127.0.0.1:1"}',
        '{"pid": 1, "port": 2, "url": "http://a\\u0000b"}',
        '{"pid": 1, "port": 2, "url": "http://1.2.3.4:5"}',
        '{"pid": 1, "port": 2, "url": "http://[x"}',
    ],
    ids=lambda content: content[:50],
)
def test_a_broken_announcement_is_none(place, content):
    place.ready.write_text(content)

    assert home.running(place) is None
