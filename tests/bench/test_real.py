"""How answers of a real model are judged: by their words, as speech, and without the person beside them."""

import pytest

from bench.real_observe import judged
from bench.real_reading import is_answered, makes_nothing_up
from daemon.memory.observe import Noted
from models.skills.evaluation.general import General, beside_of, is_right, questions

FRUITS = General(kind="lists", ask="List three fruits.", has=[["apple", "pear"]], items=3)
HOBBIES = "- reading\n- chess\n- football"
LOOP = "The sea is blue. " * 9


def test_there_are_120_questions_and_each_has_a_person_of_its_language_whom_it_does_not_ask_for():
    every, persons = questions()

    assert (120, 120) == (len(every), len({one.ask for one in every}))
    for at, one in enumerate(every):
        names = beside_of(one, at, persons).names
        assert not [name for name in names if name.lower() in one.ask.lower()]


@pytest.mark.parametrize(
    ("asked", "answer", "right"),
    [
        (FRUITS, "Apples, pears, and bananas.", True),
        (FRUITS, "1. Apple\n2. Banana\n3. Kiwi", True),
        pytest.param(FRUITS, "Apple.", False, id="no list"),
        pytest.param(FRUITS, HOBBIES, False, id="no fruit"),
        pytest.param(FRUITS, "Apple, pear, and whatever Biscuit likes.", False, id="speaks of the person"),
        pytest.param(FRUITS, "pineapple, snapple, grapple", False, id="within a word"),
        (General(kind="", ask="", words=6), "Waves roll over the wide grey sand.", True),
        pytest.param(General(kind="", ask="", words=6), LOOP, False, id="babble"),
        pytest.param(General(kind="", ask="", words=6), "The sea.", False, id="too short"),
        (General(kind="", ask="", has=[["北京", "Beijing"]]), "中国的首都是北京。", True),
        pytest.param(General(kind="", ask="", words=4, script="CJK"), "I am a model.", False, id="in English"),
        (General(kind="", ask="", has=[["56"]]), "7 times 8 is 56.", True),
        pytest.param(General(kind="", ask="", has=[["56"]]), "It is 156.", False, id="another number"),
        pytest.param(FRUITS, "", False, id="nothing"),
    ],
)  # fmt: skip
def test_an_answer_is_judged_by_its_words_and_its_kind(asked, answer, right):
    assert right == is_right(asked, answer, ["Biscuit"])


def test_each_fact_wants_a_sentence_of_its_own_and_what_nobody_said_is_made_up():
    asked = "I'm Desmond and I live in Bridgetown, it's raining"
    case = {"user": asked, "expect": [["Desmond"], ["Bridgetown"]], "date": "2026-03-05"}
    said = ["The user is Desmond of Bridgetown.", "The user lives in Bridgetown.", "It is raining."]
    said += ["A dog barked.", "The user's son Paul lives in Bridgetown."]

    noted = [Noted(text=text, day="", turns=(0,), surprise=0.1) for text in said]

    assert ["found", "found", "spare", "made_up", "made_up"] == judged(case, noted)
    assert ["found", "spare"] == judged(case, [noted[0], noted[0]])


@pytest.mark.parametrize(
    ("said", "answered", "nothing_up"),
    [
        ("You live in Ghent.", True, False),
        ("I don't know where your sister lives.", False, True),
        ("Oslo, and you live in Ghent.", False, False),
        ("You told me about Priya.", False, True),
        ("She lives at 12.", False, False),
    ],
)
def test_an_answer_about_the_user_has_the_value_or_none(said, answered, nothing_up):
    case = {"user": "Where do I live?", "memories": ["The user's sister is Priya."]}
    case |= {"expect": ["Ghent"], "reject": ["Oslo"]}

    assert (answered, nothing_up) == (is_answered(case, said), makes_nothing_up(case, said))
