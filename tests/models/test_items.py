import json
import random
import re

import pytest

from models.nano import tasks
from models.nano.facts import UNKNOWN
from models.nano.mixture import SHARES, Progress, batches, encode, item
from models.nano.phrases import table
from models.nano.relations import relations
from models.nano.tokenizer import SPECIAL, train_tokenizer
from models.nano.words import coin, held_out, real
from prompts.load import load


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(1, items=600)


def test_held_out_values_never_occur_in_training():
    rng = random.Random(5)
    seen: set[str] = set()
    progress = Progress()
    for _ in range(4000):
        progress.share = progress.copying = rng.random()
        for message in item(rng, progress):
            seen |= set(re.findall(r"\w+", message["content"].lower()))

    assert set() == {word.lower() for words in held_out().values() for word in words} & seen


@pytest.mark.parametrize("name", SHARES)
def test_the_same_seed_gives_the_same_item(name):
    make = getattr(tasks, name)

    assert make(random.Random(3)) == make(random.Random(3))


@pytest.mark.parametrize("make", [coin, real])
def test_what_should_be_observed_was_said(make):
    rng = random.Random(8)
    for _ in range(200):
        chat = tasks.observe(rng, make)
        said = chat[1]["content"].lower()
        for sentence in json.loads(chat[-1]["content"]):
            date, text = sentence.split(": ", 1)
            value = text.rstrip(".").split(" ")[-1].lower()

            assert date in ("today", "yesterday")
            assert value in said


def test_an_evolve_answer_quotes_a_memory_that_is_shown_and_writes_text_only_for_update():
    rng = random.Random(9)
    for _ in range(300):
        chat = tasks.evolve(rng)
        shown = chat[1]["content"].splitlines()[:-1]
        answer = json.loads(chat[-1]["content"])

        assert answer["memory"] in ["", *shown]
        assert (answer["op"] == "ADD") == (answer["memory"] == "")
        assert (answer["op"] == "UPDATE") == bool(answer["text"])


def test_a_grounded_answer_is_in_the_memories_or_is_unknown():
    rng = random.Random(10)
    replies = {talk["reply"] for talk in table()["talk"]}
    for _ in range(300):
        chat = tasks.grounded(rng, real)
        memories = next(m["content"] for m in chat if m["role"] == "system")
        answer = chat[-1]["content"]

        assert memories.startswith(load("recall") + "\n- ")
        assert answer in {UNKNOWN, *replies} or answer.rstrip(".").split(" ")[-1] in memories


def test_every_wording_can_be_filled():
    rng = random.Random(11)
    for relation in relations():
        assert len(relation.questions) >= 5
        assert bool(relation.before) == bool(relation.before_answer)
        said = (*relation.statements, *relation.changes, *relation.same)
        for wording in (*said, *relation.questions, *relation.before):
            value = real(rng, relation.kind)

            assert "{" not in wording.format(v=value, r="dog", t="food", n="12", o="Ghent", w="Lena")


def test_only_the_assistants_words_count_fully(tokenizer):
    chat = tasks.grounded(random.Random(1))
    row = encode(tokenizer, chat, rest=0.0)
    counted = [token for token, weight in zip(row.tokens, row.weights, strict=True) if weight]

    assert chat[-1]["content"] + "<|im_end|>" == tokenizer.decode(counted, skip_special_tokens=False)


def test_batches_are_of_about_the_size_asked_for(tokenizer):
    source = batches(tokenizer, random.Random(2), Progress(), tokens=2048)
    for _ in range(5):
        tokens, weights = next(source)

        assert tokens.shape == weights.shape
        assert tokens.size <= 2048 * 1.2


def test_control_tokens_come_first_and_text_survives_the_tokenizer(tokenizer):
    text = "Zoë moved to Århus on 2026-03-05, née Muñoz — 漢字 🙂"

    assert [0, 1, 2] == [tokenizer.token_to_id(token) for token in SPECIAL]
    assert text == tokenizer.decode(tokenizer.encode(text).ids)
