"""`tsubasa keys`: a key for each program, shown once, listed with what it may and when it was used, taken back."""

import json

import pytest
from typer.testing import CliRunner

from daemon.cli.main import cli
from daemon.config.api_keys import ProgramKeys
from daemon.home import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def run(home, *words):
    return CliRunner().invoke(cli, ["keys", *words, "--home", str(home.path)])


def test_a_key_is_made_listed_used_and_taken_back(home):
    made = json.loads(run(home, "make", "editor", "--may", "chat,read", "--json").stdout)
    before = json.loads(run(home, "--json").stdout)["keys"]
    found = ProgramKeys(home).find([made["key"]])
    after = json.loads(run(home, "--json").stdout)["keys"]
    shown = run(home).output
    gone = run(home, "revoke", "editor")

    assert (["chat", "read"], "editor") == (made["may"], found.name)
    assert [None, True] == [before[0]["used_at"], bool(after[0]["used_at"])]
    assert made["key"] not in shown and "editor" in shown
    assert (0, []) == (gone.exit_code, json.loads(run(home, "--json").stdout)["keys"])
    assert ProgramKeys(home).find([made["key"]]) is None


@pytest.mark.parametrize(
    "words",
    [
        ["make", "editor"],
        ["make", "editor", "--may", "everything"],
        ["make", "", "--may", "chat"],
        ["revoke", "nobody"],
    ],
)
def test_bad_input_is_one_line_and_makes_no_key(home, words):
    done = run(home, *words)

    assert done.exit_code in (1, 2)
    assert done.exit_code == 2 or "\n" not in str(done.exception)
    assert not home.api_keys.exists()
