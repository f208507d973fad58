"""A base's own words: what it is asked, and that its answers are kept, gone on with and laid beside memories."""

import json
import random
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from daemon.engine.client import Completion
from daemon.memory.recall import recalled_lines
from daemon.processes.errors import ChildCrashed
from daemon.text import normalised
from models.skills.own_words import AGAIN_EVERY, Asked, Row, asked, beside, main, rows, write
from prompts.load import lays_memories, table
from tests.fakes import FakeEngine

ROOT = Path(__file__).parents[2]
QUESTIONS = [Asked(category="lists", said=(f"Name {count} trees.",)) for count in range(20)]
ROW = Row(
    category="dialogue",
    messages=[
        {"role": "user", "content": "Name a fruit."},
        {"role": "assistant", "content": "A plum."},
        {"role": "user", "content": "And a tree?"},
        {"role": "assistant", "content": "An elm."},
    ],
)
LINES = [f"2026-01-0{day}: The user has {day} goats." for day in range(1, 7)]


class Speaker(FakeEngine):
    """Says how many turns it has seen; in circles where it is told to; breaks off after so many answers."""

    def __init__(self, circling: str = "", breaks_after: int = 1000) -> None:
        super().__init__()
        self.circling, self.breaks_after = circling, breaks_after

    async def complete(self, messages, *, sampling, **rest):
        if len(self.requests) >= self.breaks_after:
            raise ChildCrashed("engine", exit_code=-9)
        await super().complete(messages, sampling=sampling, **rest)
        turns = f"After {len(messages)} at {sampling.temperature}."
        text = "na na " * 20 if messages[-1]["content"] == self.circling else turns
        return Completion(text=text, finish="stop", prompt_tokens=1, completion_tokens=1)


def _measured() -> set[str]:
    """What the measures of the general ability ask, normalised."""
    bench = tomllib.loads(
        (ROOT / "models" / "skills" / "evaluation" / "general.toml").read_text(encoding="utf-8")
    )
    exam = table("exam_general").values()
    questions = [one["ask"] for part in bench.values() for one in part if "ask" in one]
    questions += [one["question"] if isinstance(one, dict) else one for part in exam for one in part]
    questions += [one for part in table("general").values() for one in part]
    return {normalised(question) for question in questions}


def test_nothing_that_measures_is_asked_and_nothing_is_asked_twice():
    said = [normalised(turn) for one in asked() if not one.again for turn in one.said]
    alone = [one.key for one in asked()]

    assert len(_measured()) > 400
    assert set() == set(said) & _measured()
    assert len(alone) == len(set(alone))


def test_every_category_is_spread_over_the_whole_and_a_third_is_asked_again():
    once = [one for one in asked() if not one.again]
    counts = Counter(one.category for one in once)
    early = {one.category for one in once[:60]}

    assert len(counts) > 12
    assert set(counts) == early
    assert len(asked()) - len(once) == -(-len(once) // AGAIN_EVERY)


async def test_each_turn_of_a_chat_is_answered_by_the_base_and_a_second_asking_is_sampled(tmp_path):
    engine, said = Speaker(), ("Name a fruit.", "And a tree?")
    once = Asked(category="dialogue", said=said)
    added = await write(engine, tmp_path / "own", [once, Asked(category="dialogue", said=said, again=1)])
    told = {row.again: row.messages for row in rows(tmp_path / "own")}

    assert 2 == added
    assert {"base"} == {request["adapter"] for request in engine.requests}
    assert ["Name a fruit.", "After 1 at 0.0.", "And a tree?", "After 3 at 0.0."] == [
        one["content"] for one in told[0]
    ]
    assert "After 3 at 0.7." == told[1][-1]["content"]


async def test_a_stopped_run_goes_on_where_it_was_and_loses_no_answer(tmp_path):
    path = tmp_path / "own"
    with pytest.raises(ChildCrashed):
        await write(Speaker(breaks_after=9), path, QUESTIONS)
    first = rows(path)
    path.write_bytes(path.read_bytes() + b'{"messages": [{"role": "us')
    added = await write(Speaker(), path, QUESTIONS)

    assert 9 == len(first)
    assert len(QUESTIONS) - 9 == added
    assert {one.key for one in QUESTIONS} == {row.key for row in rows(path)}
    assert first == rows(path)[:9]


async def test_an_answer_in_circles_is_left_out(tmp_path):
    added = await write(Speaker(circling="Name 3 trees."), tmp_path / "own", QUESTIONS)

    assert len(QUESTIONS) - 1 == added


def test_memories_are_laid_before_the_last_user_turn_and_the_answers_stay():
    laid = [beside(random.Random(seed), ROW, LINES) for seed in range(50)]
    systems = [one[2]["content"] for one in laid]

    assert all(ROW.messages == [*one[:2], *one[3:]] for one in laid)
    assert all(map(lays_memories, systems))
    assert {1, 2, 3, 4} == {len(recalled_lines(system)) for system in systems}
    assert all(sorted(recalled_lines(system)) == recalled_lines(system) for system in systems)


def test_a_line_that_is_no_row_is_named(tmp_path):
    path = tmp_path / "own"
    path.write_text('{"no": "row"}\n' + json.dumps({"messages": [], "category": "lists"}) + "\n")
    with pytest.raises(ValueError, match="line 1 of .*own"):
        rows(path)


def test_a_missing_base_is_one_line(tmp_path, capsys):
    code = main(["--base", str(tmp_path / "no.gguf"), "--run", str(tmp_path)])
    said = capsys.readouterr().err

    assert 1 == code
    assert 1 == said.count("\n")
    assert "no.gguf" in said
