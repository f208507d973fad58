"""`tsubasa uninstall` says what lies where, and removes that and nothing else when it is asked to."""

import json

import pytest

from daemon.errors import HomeInUse
from daemon.home import Home, HomeLock
from daemon.profiles import registry
from tests.daemon.cli.commands import run


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    home = tmp_path / "home"
    for folder in ("inbox/done", "backups", "models", "prompts"):
        (home / folder).mkdir(parents=True)
    for name in (
        "store.db",
        "store.db-wal",
        "api_key",
        "key",
        "inbox/done/a.json",
        "notes.txt",
        "keys of my house.txt",
    ):
        (home / name).write_text("x")
    (home / "key").chmod(0o600)
    return home


def test_it_says_what_lies_where_and_removes_nothing(home):
    found = json.loads(run(home, "uninstall", "--json"))
    names = {one["where"].removeprefix(f"{home}/") for one in found["parts"]}

    assert {"store.db", "store.db-wal", "api_key", "key", "inbox", "backups", "models", "prompts"} == names
    assert (home / "store.db").exists()


def test_asked_to_it_removes_its_own_and_leaves_what_is_somebody_elses(home):
    said = run(home, "uninstall", "--remove", "--yes")

    assert ["keys of my house.txt", "notes.txt"] == sorted(one.name for one in home.iterdir())
    assert "notes.txt" in said


def test_profiles_go_with_the_home_they_are_in(home):
    registry.add(Home(home), "anna", ["a1"])
    theirs = Home(home).profile("anna")
    theirs.path.mkdir(parents=True)
    theirs.store.write_text("x")
    run(home, "uninstall", "--remove", "--yes")

    assert ["keys of my house.txt", "notes.txt"] == sorted(one.name for one in home.iterdir())


def test_while_a_daemon_works_on_the_home_nothing_is_removed(home):
    lock = HomeLock(Home(home))
    lock.take()
    with pytest.raises(HomeInUse):
        run(home, "uninstall", "--remove", "--yes")
    lock.release()

    assert (home / "store.db").exists()
