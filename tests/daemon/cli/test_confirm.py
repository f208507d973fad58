"""`tsubasa confirm`, as a user types it."""

import asyncio
import json
import re

import pytest
from typer.testing import CliRunner

from daemon import home as homes
from daemon.cli.main import cli
from daemon.client.client import Client
from daemon.errors import Refused
from daemon.home import Home, Running
from tests.daemon.api.test_own import moved_house
from tests.daemon.api.world import KEY, serving

OSLO = "The user lives in Oslo."


def typed(folder, command, *, said="", ask=True, text=None, also=()):
    """What the command prints, and the memories then; a program has asked to forget memory 2, or to edit it."""

    def act(url):
        with Client(url, KEY, home=folder) as client:
            if ask:
                for name in also:
                    client.ask_to("forget", [2], asked_by=name)
                made = client.ask_to("edit" if text else "forget", [2], asked_by="[b]Bot[/b]", text=text)
                id = made["confirmation"]["id"]
                words = [id if word == "ID" else word for word in command]
            else:
                words = command
            runner = CliRunner(env={"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"})
            done = runner.invoke(cli, [*words, "--home", str(folder)], input=said)
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            return done.output, [memory["text"] for memory in client.memories()["memories"]]

    async def run():
        async with serving(folder) as world:
            await moved_house(world)
            homes.announce(Home(folder), Running(pid=1, port=1, url=world.url))
            Home(folder).api_key.write_text(KEY)
            return await asyncio.to_thread(act, world.url)

    return asyncio.run(run())


def test_each_one_is_shown_with_what_it_takes_and_decided_by_a_letter(tmp_path):
    shown, held = typed(tmp_path, ["confirm"], said="y\n")

    assert "[b]Bot[/b] wants to forget memory 2 for good." in shown
    assert f"2  2026-10-03: {OSLO}" in shown
    assert "takes 0 lessons, and memory 1, which they replaced" in shown
    assert "Allowed, and done." in shown
    assert [] == held


@pytest.mark.parametrize(
    ("said", "told"),
    [("n\n", "Refused; nothing was done."), ("\n", "It waits until"), ("maybe\n", "It waits until")],
)
def test_whatever_is_not_a_yes_changes_nothing(tmp_path, said, told):
    shown, held = typed(tmp_path, ["confirm"], said=said)

    assert told in shown
    assert [OSLO] == held


def test_an_edit_shows_the_new_words(tmp_path):
    shown, held = typed(tmp_path, ["confirm", "ID"], said="yes\n", text="The user lives in Oslo [really].")

    assert "new:  The user lives in Oslo [really]." in shown
    assert ["The user lives in Oslo [really]."] == held


@pytest.mark.parametrize(("flag", "left"), [("--allow", []), ("--refuse", [OSLO])])
def test_one_is_decided_without_being_asked(tmp_path, flag, left):
    assert left == typed(tmp_path, ["confirm", "ID", flag])[1]


def test_the_list_as_json_decides_nothing(tmp_path):
    shown, held = typed(tmp_path, ["confirm", "--json"])

    assert ["waiting"] == [one["state"] for one in json.loads(shown)["confirmations"]]
    assert [OSLO] == held


def test_when_nothing_waits_that_is_said(tmp_path):
    assert "No program waits for your word." in typed(tmp_path, ["confirm"], ask=False)[0]


def test_one_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Refused, match="There is no confirmation 'ffffffff'"):
        typed(tmp_path, ["confirm", "ffffffff", "--allow"], ask=False)


def test_one_that_can_not_be_decided_any_more_does_not_end_the_questions(tmp_path):
    shown, held = typed(tmp_path, ["confirm"], said="y\ny\ny\n", also=["One", "Two"])

    assert ["Allowed, and done.", "There is no memory 2", "There is no memory 2"] == re.findall(
        "Allowed, and done.|There is no memory 2", shown
    )
    assert [] == held
