"""The home: who may enter, who works on it, and what is never touched."""

import os
import stat
import subprocess
import sys
from contextlib import ExitStack

import pytest

from daemon import home
from daemon.errors import HomeInUse, HomeNotUsable
from daemon.home import Home, HomeLock, Running


@pytest.fixture
def place(tmp_path):
    made = Home(tmp_path / "home with a space")
    home.prepare(made)
    return made


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_flag_wins_over_the_variable(tmp_path):
    assert tmp_path == home.where({"TSUBASA_HOME": "/else"}, tmp_path).path
    assert "/else" == str(home.where({"TSUBASA_HOME": "/else"}).path)
    assert ".tsubasa" == home.where({}).path.name


def test_a_home_of_a_user_who_does_not_exist_is_refused():
    with pytest.raises(HomeNotUsable, match="~nobody-of-us/home as home: there is no such user"):
        home.where({"TSUBASA_HOME": "~nobody-of-us/home"})


def test_a_home_is_for_its_owner_only(place):
    assert 0o700 == mode(place.path)


def test_a_home_that_was_opened_to_others_is_closed_again(place):
    home.load_or_create_api_key(place)
    place.path.chmod(0o755)

    home.prepare(place)

    assert 0o700 == mode(place.path)


def test_a_folder_of_something_else_is_refused_and_not_changed(tmp_path):
    (tmp_path / "thesis.txt").touch()
    tmp_path.chmod(0o755)

    with pytest.raises(HomeNotUsable, match="files of something else"):
        home.prepare(Home(tmp_path))

    assert 0o755 == mode(tmp_path)


def test_a_file_is_no_home(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(HomeNotUsable, match="Set TSUBASA_HOME"):
        home.prepare(Home(tmp_path / "file"))


def test_a_home_with_only_an_inbox_is_welcome(tmp_path):
    (tmp_path / "inbox").mkdir()

    home.prepare(Home(tmp_path))


def test_the_key_is_made_once_and_private(place):
    made = home.load_or_create_api_key(place)

    assert made == home.load_or_create_api_key(place)
    assert 0o600 == mode(place.api_key)
    assert len(made) > 40


@pytest.mark.parametrize("content", [b"\xff\xff", "schlüssel".encode()])
def test_a_broken_key_is_an_error(place, content):
    place.api_key.write_bytes(content)

    with pytest.raises(HomeNotUsable, match="api_key"):
        home.load_or_create_api_key(place)


def test_a_second_daemon_is_told_who_has_the_home(place, stack):
    first = HomeLock(place)
    first.take()
    stack.callback(first.release)
    home.announce(place, Running(pid=os.getpid(), port=4141, url="http://127.0.0.1:4141"))

    with pytest.raises(HomeInUse) as caught:
        HomeLock(place).take()

    assert f"process {os.getpid()}" in str(caught.value)
    assert "http://127.0.0.1:4141" in str(caught.value)


def test_a_released_home_can_be_taken(place):
    first = HomeLock(place)
    first.take()
    first.release()

    second = HomeLock(place)
    second.take()
    second.release()


def test_a_killed_daemon_leaves_no_lock(place):
    script = f"""
import os
from pathlib import Path
from daemon.home import Home, HomeLock
lock = HomeLock(Home(Path({str(place.path)!r})))
lock.take()
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)

    lock = HomeLock(place)
    lock.take()
    lock.release()

    assert -9 == killed.returncode


def test_what_is_announced_is_found_until_withdrawn(place):
    daemon = Running(pid=1, port=2, url="http://127.0.0.1:2")
    home.announce(place, daemon)

    assert daemon == home.running(place)

    home.withdraw(place)

    assert home.running(place) is None


def test_an_announcement_that_can_not_be_removed_is_told(place):
    place.ready.mkdir()

    with pytest.raises(HomeNotUsable, match=r"daemon\.json can't be removed"):
        home.withdraw(place)


@pytest.mark.parametrize("url", ["http://127.0.0.1:2", "http://[::1]:2", "http://localhost:2"])
def test_each_address_of_this_machine_is_one(place, url):
    daemon = Running(pid=1, port=2, url=url)
    home.announce(place, daemon)

    assert daemon == home.running(place)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "[" * 100_000, '{"pid": 1}', '{"pid": 1, "port": 2, "url": 5}'),
        *(
            '{"pid": "x", "port": [], "url": "http://127.0.0.1:1"}',
            '{"pid": 1, "port": 2, "url": "http://a\\u0000b"}',
        ),
        *('{"pid": 1, "port": 2, "url": "http://1.2.3.4:5"}', '{"pid": 1, "port": 2, "url": "http://[x"}'),
    ],
)
def test_a_broken_announcement_is_none(place, content):
    place.ready.write_text(content)

    assert home.running(place) is None
