"""The skills' data fills: no slot is left, no value of the tests is in it, and every answer tells its fact."""

import random
import re

import pytest

from models.skills import slots
from models.skills.slots import Fact, Filler, Scene

SEEDS = 4


def name_of(one: Fact | Scene) -> str:
    """How a failing entry is found in its file."""
    return one.key if isinstance(one, Fact) else one.said[0][:60]


@pytest.mark.parametrize("entry", [*slots.facts(), *slots.scenes()], ids=name_of)
def test_every_text_fills_and_nothing_in_it_is_kept_apart(entry):
    for seed in range(SEEDS):
        filler = Filler(rng=random.Random(seed))
        for text in slots.texts(entry):
            filled = filler.fill(text)

            assert not re.search(r"[{}\[\]|]|  ", filled), filled
            assert not slots.is_kept_apart(filled), filled


@pytest.mark.parametrize("fact", slots.facts(), ids=name_of)
def test_an_answer_tells_the_value_and_the_memory_fits_its_schema(fact):
    for seed in range(SEEDS):
        filler = Filler(rng=random.Random(seed))
        told = filler.fill(fact.text)
        told_values = [filler.values[kind].lower() for kind in fact.kinds]

        assert re.fullmatch(r'[^ "\\\n][^"\\\n]{7,300}', told)
        for answer in fact.answer:
            assert not told_values or any(value in filler.fill(answer).lower() for value in told_values), (
                answer
            )


@pytest.mark.parametrize("fact", [one for one in slots.facts() if one.changed], ids=name_of)
def test_what_changed_has_another_value(fact):
    for seed in range(SEEDS):
        filler = Filler(rng=random.Random(seed))

        assert filler.fill(fact.text) != filler.renewed(fact).fill(fact.text)


@pytest.mark.parametrize("scene", slots.scenes(), ids=name_of)
def test_a_scene_begins_with_the_user_and_its_facts_have_no_value_that_was_not_said(scene):
    said = {name for text in scene.said for name in slots.slots_of(text)}

    for text, when in scene.facts:
        assert slots.slots_of(text) <= said, text
        assert slots.slots_of(str(when)) <= said, when
        assert "|" not in text
        assert '"' not in text


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
