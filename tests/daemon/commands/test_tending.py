"""`tsubasa memories tend`, and what is shown while one waits."""

import json

import pytest

from daemon.commands import bars
from tests.daemon.commands.test_memories import nothing, typed


async def tends_at_once(world):
    """Look for work as soon as some is ordered, as a daemon does."""
    await world.chat("My dog is called Rex.")
    await world.services.runner.start()


def test_a_round_of_memory_work_is_waited_for_and_told(tmp_path):
    told, as_json = typed(tmp_path, tends_at_once, ["memories", "tend"], ["memories", "tend", "--json"])

    assert "chats read, " in told
    assert "lessons made for the next night" in told
    assert "done" == json.loads(as_json)["job"]["state"]
    assert {"chats", "observations", "ops", "lessons"} <= json.loads(as_json)["last"].keys()


def test_nothing_but_the_result_is_written_where_nobody_looks(capsys):
    with bars.waiting("a long time") as bar:
        bar.tell("half", done=1, total=2)

    assert ("", "") == tuple(capsys.readouterr())


@pytest.mark.parametrize(
    "words", [["export", "all.jsonl", "--json"], ["import", "--list", "--json"], ["status", "--json"]]
)
def test_what_was_done_can_be_had_as_json(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (told,) = typed(tmp_path / "home", nothing, [*words, "--json"])

    assert json.loads(told)


def test_the_status_names_the_model_that_answers_where_none_is_set(tmp_path):
    (told,) = typed(tmp_path, nothing, ["status"])
    row = next(line.split() for line in told.splitlines() if line.split()[1:2] == ["model"])

    assert "fake" in row
