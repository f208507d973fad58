"""The skills' data fills: no slot is left, no value of the tests is in it, and every answer tells its fact."""

import random
import re
from datetime import date

import pytest

from models.skills import slots
from models.skills.slots import Fact, Filler, Scene
from prompts.load import schema

SEEDS = 3
TODAY = date(2026, 3, 5)
MANY_SEEDS = 50
UNFILLED = re.compile(r"[{}\[\]|]|  ")
ENTRIES: tuple[Fact | Scene, ...] = (
    *slots.facts(),
    *slots.cases(),
    *slots.statements(),
    *slots.memories(),
    *slots.scenes(),
)
NOTED = re.compile(schema("observe")["items"]["pattern"])


def filled(entry, seed):
    """All texts of an entry, filled by one filler."""
    filler = Filler(rng=random.Random(seed))
    return [filler.fill(text) for text in slots.texts(entry)]


def odd(seeds):
    """Filled texts in which a slot is left, or a value of the tests stands."""
    texts = (text for entry in ENTRIES for seed in range(seeds) for text in filled(entry, seed))
    return sorted({text for text in texts if UNFILLED.search(text) or slots.is_kept_apart(text)})


def test_every_text_fills_and_nothing_in_it_is_kept_apart():
    assert [] == odd(SEEDS)


@pytest.mark.soak
def test_every_text_fills_with_many_values():
    assert [] == odd(MANY_SEEDS)


def test_every_memory_can_be_noted():
    memories = [(entry, text) for entry in slots.scenes() for text, _ in entry.facts]
    memories += [
        (fact, text)
        for fact in (*slots.facts(), *slots.cases(), *slots.statements())
        for text in (fact.text, *fact.same)
    ]
    found = [Filler(rng=random.Random(1)).fill(text) for _, text in memories]

    assert [] == [text for text in found if not NOTED.match(slots.dated(text, 0, TODAY))]


def test_an_answer_tells_a_value_of_its_fact():
    pairs = [(fact, answer) for fact in slots.facts() for answer in fact.answer if fact.kinds]

    assert [] == [answer for fact, answer in pairs if fact.kinds.isdisjoint(slots.slots_of(answer))]


def test_pairs_about_a_memory_ask_for_nothing_that_it_does_not_tell():
    pairs = [(one, pair) for one in slots.memories() for pair in one.pairs]

    assert [] == [pair for one, pair in pairs if not slots.slots_of(" ".join(pair)) <= one.kinds]


def test_what_is_said_tells_all_of_the_memory():
    pairs = [
        (fact, said) for fact in (*slots.facts(), *slots.statements()) if not fact.event for said in fact.said
    ]

    assert [] == [said for fact, said in pairs if slots.slots_of(said) != fact.kinds]


def test_what_changed_has_another_value():
    for fact in (one for one in slots.facts() if one.renews):
        filler = Filler(rng=random.Random(fact.key))

        assert filler.fill(fact.text) != filler.renewed(fact).fill(fact.text)


def test_the_facts_of_a_scene_have_no_value_that_was_not_said():
    for scene in slots.scenes():
        said = {name for text in scene.said for name in slots.slots_of(text)}

        assert [] == [text for text, when in scene.facts if not slots.slots_of(f"{text} {when}") <= said]
        assert [] == [text for text, _ in scene.facts if "|" in text or '"' in text]


def test_the_same_generator_fills_the_same():
    first, second = (
        Filler(rng=random.Random(5)).fill("{a job} in {Town}[, here|, there|]") for _ in range(2)
    )

    assert first == second


def test_a_kind_that_there_is_none_of_is_an_error():
    with pytest.raises(KeyError):
        Filler(rng=random.Random(1)).fill("{nosuchkind}")


def test_slips_keep_the_letters_of_values():
    rng = random.Random(3)
    for _ in range(300):
        text = slots.slip(
            rng, "I'm going to see my sister Saoirse because you asked, don't worry.", ["Saoirse"]
        )

        assert "saoirse" in text.lower()


def test_two_full_names_in_one_chat_are_two_people():
    told = [Filler(rng=random.Random(seed)).fill("{full} and {full2}").split(" and ") for seed in range(20)]

    assert all(first != second for first, second in told)
