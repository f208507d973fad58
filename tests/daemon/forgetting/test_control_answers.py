"""Answers of the same shape with values that nobody told."""

import pytest

from daemon.forgetting.control_answers import draw, secret_words, tells, with_values
from daemon.text import content_words

BIRTHDAY = "Your birthday is on 14 March 1987."


def test_the_secret_of_an_answer_is_what_the_question_does_not_say():
    assert {"biscuit"} == secret_words(["What is my dog called?"], ["Your dog is called Biscuit."])
    assert {"teal"} == secret_words(["What is my favourite colour?"], ["Your favourite colour is teal."])
    assert {"14", "march", "1987"} == secret_words(["When was I born?"], [BIRTHDAY])
    assert {"ghent"} == secret_words(["Where is my home?", "Where do I live?"], ["You live in Ghent."])


def test_a_negation_is_no_secret_nor_is_a_word_of_the_answer_that_nothing_is_known():
    coffee = secret_words(["Do I drink coffee?"], ["You don't drink coffee."])

    assert set() == coffee & set(content_words("I don't know that yet."))
    assert set() == coffee == secret_words(["Have I been to Japan?"], ["You haven't been to Japan yet."])
    assert {"fish"} == secret_words(["What do I leave out?"], ["You never eat fish, not yet."]) - {"eat"}


def test_controls_have_values_of_the_same_kind_in_every_phrasing():
    answers = [BIRTHDAY, "It is in March."]
    drawn = draw(answers, {"14", "march", "1987"}, (), 30, seed="x")

    assert 30 == len(drawn) == len({with_values(BIRTHDAY, values) for values in drawn})
    for values in drawn:
        day, month, year = with_values(BIRTHDAY, values).removesuffix(".").split()[4:]
        assert 1 <= int(day) <= 31 and day != "14"
        assert 1940 <= int(year) <= 2035
        assert month.isalpha() and month[0].isupper() and month != "March"
        assert f"It is in {month}." == with_values("It is in March.", values)


def test_names_become_names_and_words_become_words_and_the_rest_stays():
    (values,) = draw(["Rex likes cheese."], {"rex", "cheese"}, (), 1, seed="x")
    name, likes, thing = with_values("Rex likes cheese.", values).removesuffix(".").split()

    assert name.istitle() and "likes" == likes and thing.islower()
    assert f"{name}'s {thing}" == with_values("Rex's cheese", values)


def test_no_control_tells_what_is_known_and_the_same_seed_draws_the_same():
    def drawn(known):
        return draw(["You live in Ghent."], {"ghent"}, known, 40, seed="x")

    first = {word for values in drawn(()) for value in values.values() for word in content_words(value)}
    some = set(list(first)[:20])
    without = {word for values in drawn(some) for value in values.values() for word in content_words(value)}

    assert drawn(()) == drawn(())
    assert set() == without & (some | {"ghent"})


def test_where_no_other_value_is_left_there_are_fewer_controls():
    days = [f"{day}day" for day in ("sun", "mon", "tues", "wednes")]

    drawn = draw(["It is on Friday."], {"friday"}, days, 40, seed="x")

    assert {"Thursday", "Saturday"} == {values["friday"] for values in drawn}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("It's Rex!", True),
        ("REX, and Tom", True),
        ("Rexy", False),
        ("I don't know that yet.", False),
        ("", False),
    ],
)
def test_an_answer_tells_it_when_it_has_its_secret_words(said, told):
    assert told == tells(said, {"rex", "oslo"}, "Your dog is called Rex.")
