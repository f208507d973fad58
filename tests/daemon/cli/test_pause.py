"""`tsubasa pause`, `tsubasa resume`, and what the status says of it."""

import json

import pytest
from typer.testing import CliRunner

from daemon.cli.main import cli
from daemon.errors import NotRunning
from tests.tray.house import house


@pytest.fixture
def home(tmp_path):
    with house(tmp_path / "home") as made:
        yield made


def run(home, *arguments):
    return CliRunner().invoke(cli, [*arguments, "--home", str(home.home.path)])


def test_logging_is_paused_and_resumed(home):
    paused = run(home, "pause")
    between = run(home, "status")
    resumed = run(home, "resume")

    assert "no chat is kept. Keep chats again with: tsubasa resume" in paused.output
    assert "Logging: paused; no chat is kept" in between.output
    assert "Chats that you begin now are kept again." in resumed.output
    assert "Logging: paused" not in run(home, "status").output


def test_a_pause_for_minutes_says_until_when(home):
    assert "Logging: paused until 20" in run(home, "pause", "--for", "30").output


def test_both_tell_scripts_what_they_did(home):
    told = [json.loads(run(home, *words, "--json").output) for words in (["pause"], ["resume"])]

    assert [{"on": False, "until": None}, {"on": True, "until": None}] == told


@pytest.mark.parametrize("minutes", ["0", "-5", "soon", "2.5"])
def test_no_minutes_are_a_mistake_that_pauses_nothing(home, minutes):
    assert 2 == run(home, "pause", "--for", minutes).exit_code
    assert home.logging()


def test_a_pause_longer_than_a_year_is_refused(home):
    assert "for_minutes" in str(run(home, "pause", "--for", "99999999").exception)
    assert home.logging()


def test_without_a_daemon_both_say_how_to_start_one(tmp_path):
    for command in ("pause", "resume"):
        found = CliRunner().invoke(cli, [command, "--home", str(tmp_path)])

        assert isinstance(found.exception, NotRunning)
