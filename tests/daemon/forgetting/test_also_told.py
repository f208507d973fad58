"""Who else tells what is to be forgotten."""

import pytest

from daemon.forgetting.also_told import also_told

HELD = {
    1: "The user's dog is called Rex.",
    2: "The user takes Rex to the river every Sunday.",
    3: "The user's dog likes the river.",
    4: "The user is afraid of dark water and boats.",
    5: "The user was born in 1987.",
}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("The user has a dog named Rex.", [1, 2]),
        ("The user's sister Ada was born in 1987.", []),
        ("The user met Rex in 1987.", []),
        ("The user is afraid of dark water.", [4]),
        ("The user likes boats and dogs.", [3]),
        ("It is so.", []),
    ],
)
def test_a_memory_with_all_names_and_numbers_or_most_words_tells_it_too(text, ids):
    assert ids == also_told([text], HELD)


def test_one_of_several_texts_is_enough():
    assert [1, 2, 5] == also_told(["The user has Rex.", "Born in 1987."], HELD)
