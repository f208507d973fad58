"""How answers of a real model are judged: by their words, as speech, and without the person beside them."""

import pytest

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
