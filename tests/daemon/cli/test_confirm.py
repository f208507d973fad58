"""`tsubasa confirm`, as a user types it."""

import asyncio
import json

import pytest

from daemon.client.client import Client
from daemon.errors import Refused
from tests.daemon.api.world import KEY, OSLO, moved_house, serving
from tests.daemon.cli.commands import announce, run


async def confirm(folder, *words, said="", asked=1, text=None):
    """What the command prints, and the memories then; programs have asked to forget memory 2, or to edit it."""

    def act(url):
        with Client(url, KEY, home=folder) as client:
            id = ""
            for number in range(asked):
                name = "[b]Bot[/b]" + " again" * number
                made = client.ask_to("edit" if text else "forget", [2], asked_by=name, text=text)
                id = made["confirmation"]["id"]
            shown = run(folder, "confirm", *(id if word == "ID" else word for word in words), text=said)
            return shown, [memory["text"] for memory in client.memories()["memories"]]

    async with serving(folder) as world:
        await moved_house(world)
        announce(folder, world.url)
        return await asyncio.to_thread(act, world.url)


async def test_each_one_is_shown_with_what_it_takes_and_decided_by_a_letter(tmp_path):
    shown, left = await confirm(tmp_path, said="y\n")

    assert "[b]Bot[/b] wants to forget memory 2 for good." in shown
    assert f"2  2026-10-03: {OSLO}" in shown
    assert "takes 0 lessons, and memory 1" in shown
    assert [] == left


@pytest.mark.parametrize(
    ("words", "said", "left"),
    [
        *(([], said, [OSLO]) for said in ("n\n", "\n", "maybe\n")),
        (["ID", "--allow"], "", []),
        (["ID", "--refuse"], "", [OSLO]),
        (["--json"], "", [OSLO]),
    ],
    ids=str,
)
async def test_only_a_yes_changes_something(tmp_path, words, said, left):
    shown, found = await confirm(tmp_path, *words, said=said)

    assert left == found
    if words == ["--json"]:
        assert ["waiting"] == [one["state"] for one in json.loads(shown)["confirmations"]]


async def test_an_edit_shows_the_new_words(tmp_path):
    text = "The user lives in Oslo [really]."
    shown, left = await confirm(tmp_path, "ID", said="yes\n", text=text)

    assert f"new:  {text}" in shown
    assert [text] == left


async def test_when_nothing_waits_or_one_is_not_there_that_is_said(tmp_path):
    (tmp_path / "two").mkdir()
    with pytest.raises(Refused, match="'ffffffff'"):
        await confirm(tmp_path / "two", "ffffffff", "--allow", asked=0)

    assert "No program waits" in (await confirm(tmp_path, asked=0))[0]


async def test_one_that_can_not_be_decided_any_more_does_not_end_the_questions(tmp_path):
    shown, left = await confirm(tmp_path, said="y\ny\ny\n", asked=3)

    assert (1, 2) == (shown.count("Allowed, and done."), shown.count("There is no memory 2"))
    assert [] == left
