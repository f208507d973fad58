"""`tsubasa backup` and `tsubasa restore`, on a home without a daemon."""

from contextlib import closing
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from daemon.cli.main import cli
from daemon.home import Home, HomeLock
from store import chats
from store.chats import NewMessage
from store.database import open_store, rows
from store.keys import load_or_create_key

WORDS = "correct horse battery staple"


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch):
    monkeypatch.setenv("TSUBASA_KEYRING", "file")


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    said(made, "We saw the heron.")
    return made


def said(home, text=None):
    """Say something in that home; all that was said in it."""
    with closing(open_store(home.store, load_or_create_key(home.path, keyring="file"))) as db:
        if text:
            chats.record(db, [NewMessage(role="user", text=text)], at=datetime.now(UTC))
        return [text for (text,) in rows(db, "select text from messages order by id")]


def run(*words, home, typed=None):
    return CliRunner().invoke(cli, [*map(str, words), "--home", str(home.path)], input=typed)


def test_a_damaged_store_is_put_back_by_one_command_and_the_damaged_file_is_kept(home):
    assert 0 == run("backup", home=home).exit_code
    damaged = bytearray(home.store.read_bytes())
    damaged[5000] ^= 255
    home.store.write_bytes(damaged)
    done = run("restore", "--replace", home=home)

    assert 0 == done.exit_code, done.output
    assert ["We saw the heron."] == said(home)
    assert bytes(damaged) in [one.read_bytes() for one in home.path.glob("store.db.before-*")]


def test_a_backup_under_a_passphrase_makes_a_fresh_home_elsewhere(home, tmp_path):
    file, fresh = tmp_path / "stick.backup", Home(tmp_path / "elsewhere")
    made = run("backup", file, "--passphrase", home=home, typed=f"{WORDS}\n{WORDS}\n")
    done = run("restore", file, "--passphrase", home=fresh, typed=f"{WORDS}\n")

    assert (0, 0) == (made.exit_code, done.exit_code), done.output
    assert ["We saw the heron."] == said(fresh)
    assert (home.path / "key").read_bytes() != (fresh.path / "key").read_bytes()


def test_a_backup_with_the_key_of_its_home_makes_a_fresh_home_with_that_key(home, tmp_path):
    file, fresh = tmp_path / "stick.backup", Home(tmp_path / "elsewhere")
    run("backup", file, home=home)

    assert 0 == run("restore", file, "--key", home.path / "key", home=fresh).exit_code
    assert ["We saw the heron."] == said(fresh)


def test_a_store_is_never_replaced_unasked_nor_under_a_running_daemon(home):
    run("backup", home=home)
    said(home, "It rained.")
    unasked = run("restore", home=home)
    lock = HomeLock(home)
    lock.take()
    running = run("restore", "--replace", home=home)
    lock.release()

    assert (1, 1) == (unasked.exit_code, running.exit_code)
    assert ["We saw the heron.", "It rained."] == said(home)


@pytest.mark.parametrize("typed", ["wrong wrong wrong\n"])
def test_a_wrong_passphrase_changes_nothing(home, tmp_path, typed):
    file = tmp_path / "stick.backup"
    run("backup", file, "--passphrase", home=home, typed=f"{WORDS}\n{WORDS}\n")
    before = home.store.read_bytes()
    done = run("restore", file, "--passphrase", "--replace", home=home, typed=typed)

    assert 1 == done.exit_code
    assert "StoreUnusable" == type(done.exception).__name__
    assert before == home.store.read_bytes()
    assert not list(home.path.glob("store.db.before-*"))


def test_a_drill_restores_into_a_scratch_home_and_leaves_nothing(home):
    run("backup", home=home)
    before = sorted(home.path.rglob("*"))
    done = run("backup", "--drill", home=home)

    assert 0 == done.exit_code, done.output
    assert "1 chats" in done.output
    assert before == sorted(home.path.rglob("*"))


@pytest.mark.parametrize(
    "words",
    [
        ["backup", "--passphrase"],
        ["backup", "--drill"],
        ["restore"],
        ["restore", "nowhere.backup", "--replace"],
    ],
)
def test_bad_input_is_one_line(home, words):
    done = run(*words, home=home)

    assert done.exit_code in (1, 2)
    assert done.exit_code == 2 or "\n" not in str(done.exception)
    assert ["We saw the heron."] == said(home)


def test_a_backup_of_nothing_is_refused(tmp_path):
    assert 1 == run("backup", home=Home(tmp_path / "nothing")).exit_code
    assert not (tmp_path / "nothing").exists()
