"""Teaching the skills: chats as token sequences, and runs that stop, go on and finish, on a tiny model."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from daemon.engine.client import Engine
from models.skills import own_words, train
from models.skills.adapter_file import write
from models.skills.items import Item
from models.skills.lessons import CHOICE, OPENING, OPENING_COUNTS, Cut, OwnItem, Teacher, batch_of, cut
from tests.tiny import write_model
from trainer.backend import pack
from trainer.gguf_model import open_model
from trainer.recipe import Recipe
from trainer.torch_backend import TorchBackend

TWO_TURNS = [
    {"role": "system", "content": "Say it."},
    {"role": "user", "content": "the user"},
    {"role": "assistant", "content": "in the"},
    {"role": "user", "content": "again"},
    {"role": "assistant", "content": "on"},
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("base") / "base.gguf")


@pytest.fixture
async def engine(base: Path) -> AsyncIterator[Engine]:
    one = Engine.for_model(base, n_ctx=512, threads=1, gpu_layers=0, idle_s=600)
    yield one
    await one.stop()


@pytest.mark.anyio
async def test_a_chat_is_one_sequence_with_every_turn_of_the_assistant_as_an_answer(engine: Engine) -> None:
    (found,) = await cut(engine, [Item(task="recall", messages=TWO_TURNS)])

    ends = [
        (len(prompt), len(prompt) + len(answer))
        for prompt, answer in await engine.tokenise([(TWO_TURNS[:2], "in the"), (TWO_TURNS[:4], "on")])
    ]
    assert list(found.answers) == ends
    assert len(found.tokens) == ends[-1][1]


@pytest.mark.anyio
async def test_the_base_answers_its_own_words_without_the_memories_that_the_student_reads(
    engine: Engine,
) -> None:
    alone = [TWO_TURNS[1]]
    (found,) = await cut(engine, [OwnItem(task="own", messages=TWO_TURNS[:3], alone=alone)])

    ((prompt, _),) = await engine.tokenise([(alone, None)])
    assert found.teacher == tuple(prompt)
    assert len(found.tokens) > len(prompt) + len("in the")


@pytest.mark.anyio
async def test_what_decides_between_replies_counts_for_more_than_the_words_around_it(
    base: Path, engine: Engine
) -> None:
    reply = json.dumps({"memory": "", "op": "UPDATE", "text": "the user"})
    messages = [*TWO_TURNS[:2], {"role": "assistant", "content": reply}]
    others = {2: (reply.replace("UPDATE", "IGNORE"),)}
    (found,) = await cut(engine, [Item(task="evolve", messages=messages, others=others)])
    sequences, targets = batch_of([found], Teacher(TorchBackend(open_model(base), Recipe(rank=4), 0)))

    (place,) = found.choices
    ((_, ends),) = await engine.tokenise([(TWO_TURNS[:2], reply[: reply.index("UPDATE")])])
    assert place == found.answers[0][0] + len(ends) - 1  # without the token that ends the turn
    assert CHOICE == (sequences.places == place - 1).sum()
    assert (
        len(sequences.places) == len(targets.tokens) == found.answers[0][1] - found.answers[0][0] + CHOICE - 1
    )


@pytest.mark.anyio
async def test_a_reply_that_is_read_as_the_right_one_decides_nothing(engine: Engine) -> None:
    item = Item(task="ask", messages=TWO_TURNS[:3], others={2: (TWO_TURNS[2]["content"],)})
    (found,) = await cut(engine, [item])

    assert () == found.choices


def test_each_answer_token_is_foretold_by_the_one_before_it(base: Path) -> None:
    backend = TorchBackend(open_model(base), Recipe(rank=4), 0)
    lessons = [
        Cut(tokens=(9, 8, 7, 6, 5), answers=((1, 2), (3, 5))),
        Cut(tokens=(4, 3, 2), answers=((2, 3),), teacher=(1,)),
    ]

    sequences, targets = batch_of(lessons, Teacher(backend))

    assert sequences.tokens[sequences.places + 1].tolist() == sequences.answers.tolist()
    certain = np.isin(sequences.answers, (8, 6, 5))
    assert (targets.tokens[certain, 0] == sequences.answers[certain]).all()
    assert (targets.logp[certain, 0] == 0).all()
    assert (targets.logp[~certain, 0] < 0).all()  # what the base expects is never certain


def test_the_base_is_asked_once_for_each_answer_of_its_own_whose_opening_counts_for_more(base: Path) -> None:
    backend = TorchBackend(open_model(base), Recipe(rank=4), 0)
    teacher, answer = Teacher(backend), (4, 3, 2, 5, 6, 7, 8, 9, 10, 11)
    alone = Cut(tokens=(9, *answer), answers=((1, 11),), teacher=(9,))
    beside = Cut(tokens=(9, 12, *answer), answers=((2, 12),), teacher=(9,))

    sequences, first = batch_of([alone], teacher)
    with patch.object(backend, "teach", side_effect=AssertionError("asked twice")):
        _, again = batch_of([beside], teacher)

    assert (first.logp == again.logp).all() and (first.tokens == again.tokens).all()
    counts = np.bincount(sequences.places)
    assert (counts[:OPENING] == OPENING_COUNTS).all() and (counts[OPENING:] == 1).all()
    expected = backend.teach(pack([((9,), answer)]), first.tokens.shape[1])
    assert (first.tokens == np.repeat(expected.tokens, counts, 0)).all()


def test_a_run_goes_on_where_it_was_stopped_and_finishing_leaves_it_there(base: Path, tmp_path: Path) -> None:
    (tmp_path / own_words.NAME).write_text(
        json.dumps({"messages": TWO_TURNS[1:3], "category": "writing"}) + "\n", encoding="utf-8"
    )

    def call(*more: str) -> list[dict[str, Any]]:
        command = [
            *("train", "--base", str(base), "--run", str(tmp_path), "--threads", "1", "--held", "1"),
            *("--tokens", "1500", "--step-tokens", "1200", "--rank", "4", "--longest", "3000"),
        ]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [*command, *more])
            train.main()
        return [json.loads(line) for line in (tmp_path / train.SCORES).read_text().splitlines()]

    first = call()[-1]
    checkpoint = (tmp_path / train.CHECKPOINT).read_bytes()
    finished = call("--finish")[-1]
    second = call()[-1]

    assert (finished["finished"], finished["step"]) == (True, second["step"])
    assert first["step"] < second["step"] and first["tokens"] < second["tokens"]
    assert set(second["losses"]) >= {"observe", "evolve", "ask"}
    assert checkpoint != (tmp_path / train.CHECKPOINT).read_bytes()
    assert (tmp_path / train.ADAPTER).stat().st_size > 0


def test_an_adapter_of_another_rank_is_one_line(base: Path, tmp_path: Path) -> None:
    model = open_model(base)
    other = TorchBackend(model, Recipe(rank=8, layers=1.0), 0).adapter()
    write(tmp_path / "skills.gguf", other, model.shape, alpha=8.0, base_sha256="0" * 64)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit, match="--rank") as ended:
        start = ["--start", str(tmp_path / "skills.gguf"), "--rank", "4", "--own", "0", "--held", "1"]
        patch.setattr(sys, "argv", ["train", "--base", str(base), "--run", str(tmp_path), *start])
        train.main()
    assert "\n" not in str(ended.value)


@pytest.mark.parametrize("amount", ["--tokens", "--minutes", "--hardest"])
def test_a_run_of_nothing_is_refused_by_name(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], amount: str
) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(
            sys, "argv", ["train", "--base", str(base), "--run", str(tmp_path / "run"), amount, "0"]
        )
        train.main()
    assert amount in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_a_base_that_can_not_be_taught_is_one_line(
    tmp_path: Path,
) -> None:
    mute, able = write_model(tmp_path / "mute.gguf", template=None), write_model(tmp_path / "able.gguf")
    for file in (mute, able, tmp_path / "none.gguf"):  # `able` has no own words yet
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
            patch.setattr(sys, "argv", ["train", "--base", str(file), "--run", str(tmp_path / "run")])
            train.main()
        assert file.name in str(ended.value)
        assert "\n" not in str(ended.value)
