"""`tsubasa doctor --trust`: ten lines, which tell what is not as it should be."""

import json
from contextlib import closing

import pytest
from typer.testing import CliRunner

from daemon.backups.nightly import listed
from daemon.cli.main import cli
from daemon.home import Home
from store.database import open_store
from store.keys import load_or_create_key


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TSUBASA_KEYRING", "file")
    made = Home(tmp_path / "home")
    with closing(open_store(made.store, load_or_create_key(made.path, keyring="file"))):
        return made


def looked(home):
    """The state of each thing, and the exit code."""
    done = CliRunner().invoke(cli, ["doctor", "--trust", "--json", "--home", str(home.path)])
    found = json.loads(done.stdout)["findings"]
    assert 10 == len(found)
    return {one["name"]: one["state"] for one in found}, done.exit_code


def test_a_new_home_lacks_a_backup_alone(home):
    states, code = looked(home)

    assert 0 == code
    assert {"backups"} == {name for name, state in states.items() if state != "ok"} - {"swap", "home"}
    CliRunner().invoke(cli, ["backup", "--home", str(home.path)])
    assert 1 == len(listed(home))
    assert "ok" == looked(home)[0]["backups"]


def test_before_the_first_start_all_is_well(tmp_path):
    assert 0 == looked(Home(tmp_path / "none"))[1]
    assert not (tmp_path / "none").exists()


def test_a_store_from_before_a_restore_is_told_until_it_is_deleted(home):
    for words in (["backup"], ["restore", "--replace"]):
        CliRunner().invoke(cli, [*words, "--home", str(home.path)])
    told = [looked(home)[0]["backups"]]
    for file in home.path.glob("store.db.before-*"):
        file.unlink()

    assert ["note", "ok"] == [*told, looked(home)[0]["backups"]]


def spoil(home, what):
    match what:
        case "pages":
            data = bytearray(home.store.read_bytes())
            data[len(data) // 2] ^= 1
            home.store.write_bytes(data)
        case "store":
            home.store.write_bytes(b"SQLite format 3\0" + bytes(9000))
        case "plain":
            (home.inbox / "done").mkdir(parents=True)
            (home.inbox / "done" / "export.json").write_text("[]")
        case "home":
            home.store.chmod(0o644)
        case "door":
            home.api_key.write_text("short")
        case "key":
            (home.path / "key").unlink()


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("pages", "wrong"),
        ("store", "wrong"),
        ("plain", "note"),
        ("home", "note"),
        ("door", "wrong"),
        ("key", "wrong"),
    ],
)
def test_what_is_not_as_it_should_be_is_told(home, what, state):
    spoil(home, what)
    states, code = looked(home)

    assert state == states[what]
    assert (state == "wrong") == (code == 1)
