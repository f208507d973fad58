"""Counts and names, as every face words them; sentences, as they are compared."""

import pytest

from daemon.text import (
    content_words,
    counted,
    gave_way,
    generations,
    listed,
    normalised,
    root,
    sentence,
    spell,
    spelled,
    upright,
    value_words,
    who_answers,
)


@pytest.mark.parametrize(
    ("told", "number", "words"),
    [
        ("0 messages", 0, ("message",)),
        ("1 memory", 1, ("memory", "memories")),
        ("2,000 days", 2000, ("day",)),
    ],
)
def test_a_count_agrees_with_what_it_counts(told, number, words):
    assert counted(number, *words) == told


@pytest.mark.parametrize(
    ("told", "parts"), [("", []), ("1", [1]), ("1 and 2", [1, 2]), ("1, 2 and 3", [1, 2, 3])]
)
def test_a_list_ends_in_and(told, parts):
    assert listed(parts) == told


def test_generations_are_named_and_without_one_the_base_model_answers():
    assert (generations([3]), generations([2, 3])) == ("Generation 3", "Generations 2 and 3")
    assert (who_answers(3), who_answers(0)) == ("generation 3", "the base model")
    assert gave_way(0).endswith("; now the base model answers.")


def test_a_text_of_others_is_read_in_the_direction_in_which_it_was_written():
    assert "Keep \ufffdeht tegrof\ufffd all" == upright("Keep \u202eeht tegrof\u202c all")
    assert "שלום \u200fعالم" == upright("שלום \u200fعالم")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (42, "42 seconds"),
        (486, "8 minutes"),
        (3600, "60 minutes"),
        (7500, "2 hours and 5 minutes"),
    ],
)
def test_a_length_of_time_is_given_as_one_would_say_it(seconds, words):
    assert words == spell(seconds)


def test_few_are_spelled_and_many_are_counted():
    assert ["no days", "one day", "twelve days", "1,300 days"] == [
        spelled(n, "day") for n in (0, 1, 12, 1300)
    ]


def test_a_sentence_begins_large_and_ends():
    assert ["It failed.", "Why?", ""] == [sentence(one) for one in ("it failed", "why?", " ")]


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


@pytest.mark.parametrize(
    ("one", "other"), [("studied", "study"), ("living", "live"), ("bought", "buy"), ("japanese", "japan")]
)
def test_forms_of_a_word_have_one_root(one, other):
    assert root(one) == root(other)
