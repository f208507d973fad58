"""`tsubasa import`, against a served daemon and without one."""

import json

import pytest
from typer.testing import CliRunner

from daemon.cli.main import cli
from tests.daemon.api.world import nothing
from tests.daemon.cli.commands import typed
from tests.daemon.inbox.samples import chatgpt, zipped


def run(*words, home):
    return CliRunner().invoke(cli, ["import", *map(str, words), "--home", str(home)])


@pytest.fixture
def export(tmp_path):
    file = tmp_path / "export.zip"
    file.write_bytes(zipped({"conversations.json": chatgpt(), "user.json": {}}))
    return file


def test_a_dry_run_needs_no_daemon_stores_nothing_and_goes_on_after_a_broken_file(tmp_path, export):
    home, broken = tmp_path / "home", tmp_path / "broken.json"
    broken.write_text('[{"mapping": {"a": 3}}]')
    shown, both = run("--dry-run", export, home=home), run("--dry-run", broken, export, home=home)

    assert (0, 1) == (shown.exit_code, both.exit_code)
    assert "export.zip (ChatGPT export): 1 session, 4 turns\n  2026-03-05 to 2026-03-05\n" in shown.stdout
    assert "left out: 2 messages on other branches, 2 tool calls and results" in shown.stdout
    assert "'broken.json': conversation 1, 'a': " in both.output and "4 turns" in both.stdout
    assert not home.exists()


@pytest.mark.parametrize(("word", "why"), [("nix.zip", "no such file"), (".", "no ordinary file")])
def test_what_is_no_file_is_said_to_be_none(tmp_path, monkeypatch, word, why):
    monkeypatch.chdir(tmp_path)
    shown = run("--dry-run", word, home=tmp_path / "home")

    assert 1 == shown.exit_code
    assert f"'{word}'" in shown.output and why in shown.output and "permissions" not in shown.output


def test_a_dry_run_heeds_the_limit_of_the_settings(tmp_path, monkeypatch):
    (tmp_path / "large.json").write_text(json.dumps([{"mapping": {}}, " " * 2**21]))
    monkeypatch.setenv("TSUBASA_MAX_IMPORT_MB", "1")

    assert "1,048,576" in run("--dry-run", tmp_path / "large.json", home=tmp_path / "home").output


@pytest.mark.parametrize("words", [[], ["--list", "--undo", "1"], ["--dry-run"], ["x", "--undo", "1"]])
def test_what_to_do_must_be_said_once(tmp_path, words):
    assert 2 == run(*words, home=tmp_path / "home").exit_code


async def test_an_import_says_its_number_and_is_taken_back_by_it(tmp_path, export):
    commands = ([export], ["--list"], ["--undo", "1", "--yes"], ["--list"])
    taken, listed, undone, left = await typed(
        tmp_path / "home", nothing, *(["import", *one] for one in commands)
    )

    assert "export.zip (ChatGPT export): 1 session, 4 new turns, 0 known" in taken
    assert "tsubasa import --undo 1" in taken
    assert "export.zip: 1 session, 4 turns" in listed
    assert "4 messages, 0 memories" in undone
    assert "export.zip" not in left


async def test_an_undo_says_what_goes_before_it_asks(tmp_path, export):
    async def remember(world):
        await world.http.post("/tsubasa/import", json={"file": str(export)})
        await world.remember("The user has a cat.", 1)

    (asked,) = await typed(tmp_path / "home", remember, ["import", "--undo", "1"])
    goes = asked.partition("Take this import back")[0]

    assert "The user has a cat." in goes
    assert "This takes 1 memory, 4 messages, 0 lessons, 0 generations." in goes
