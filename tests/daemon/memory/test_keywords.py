import pytest

from daemon.text import content_words, normalised, value_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The user lives in Ghent.", ["live", "ghent"]),
        ("The user's dog is called Rex!", ["dog", "rex"]),
        ("The user doesn't like cats", ["not", "like", "cat"]),
        ("My sister’s name is Ana", ["sister", "ana"]),
        ("ユーザーは大阪に住んでいる", ["ユーザーは大阪に住んでいる"]),
        ("hi", []),
        ("", []),
        ("😀", []),
    ],
)
def test_content_words_are_what_a_sentence_says(text, expected):
    assert expected == content_words(text)


def test_value_words_are_names_and_numbers():
    assert {"rex", "4", "june"} == value_words("Today the user's dog Rex turns 4, in June.")


def test_normalised_texts_differ_in_nothing_but_words():
    assert normalised("The user's  dog, Rex.") == normalised("the user’s dog REX")
