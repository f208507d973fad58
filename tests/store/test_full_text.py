"""Searching by words: any script, rare words before common ones, and nothing left of what was taken out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import chats, full_text
from store.database import writing
from store.forgetting import forget
from tests.store.sample import by_words, history, later, remember, say


def found(db, query, k=10):
    return by_words(db, "message", query, k)


def test_the_best_match_comes_first(db):
    once = say(db, "Ghent is a town with a river, a castle and many old houses")
    twice = say(db, "Ghent, yes, Ghent", at=later(days=1))

    assert found(db, "Ghent") == [twice.id, once.id]
    assert [[twice.id], []] == [found(db, "Ghent", k=k) for k in (1, 0)]
    assert full_text.search(db, "message", "Ghent", 1)[0][1] < 0


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("My sisters were HIKING near Zürich", ("sister", "hikes and hiked", "zurich", "who hikes?")),
        ("We went home and bought a knife", ("go", "gone", "who buys", "knives")),
        ("The user lives in Ghent.", ("live",)),
        ("Er wohnt in der Karlstraße.", ("KARLSTRASSE", "karlstraße")),
        ("Ёлка стоит в Орле.", ("елка", "ОРЛЕ")),
        ("我妹妹住在柏林。", ("妹妹", "谁住在柏林？", "林")),
        ("妹はベルリンに住んでいる。", ("ベルリン", "どこに住んでいますか", "妹")),
        ("제 여동생은 베를린에 살아요.", ("베를린", "여동생이")),
        ("น้องสาวของฉันอยู่ที่เบอร์ลิน", ("น้องสาว", "เบอร์ลิน")),
        ("أُخْتِي تسكن في بـــرلين", ("أختي", "اختي", "برلين")),
        ("मेरी बहन दिल्ली में रहती है", ("दिल्ली", "बहन")),
    ],
    ids="regular|irregular|not the plural of life|de|ru|zh|ja|ko|th|ar|hi".split("|"),
)
def test_any_word_may_match_in_another_form_or_case(db, said, asked):
    message = say(db, said)

    assert {query: [message.id] for query in asked} == {query: found(db, query) for query in asked}
    assert [[], []] == [found(db, other) for other in ("brother", "弟弟 ปลา 형 أب")]


@pytest.mark.parametrize(
    "query",
    ["", "   ", "?!", '"', "' OR 1", "text:", "NEAR(a b)", "a AND NOT b", "*", "^", "(", "-", "\0", "{a}"],
)
def test_operators_in_a_query_are_only_text(db, query):
    say(db, "nothing of this")

    assert found(db, query) == []


@settings(max_examples=50, deadline=None)
@given(query=st.text(alphabet="aZé\"'()*^-+:{}\\. \0ß漢ORNEAT", max_size=40))
def test_any_text_is_a_safe_query(shared_db, query):
    assert found(shared_db, query) == []


def test_a_pasted_page_is_a_safe_query(db):
    message = say(db, "word0")

    assert found(db, " ".join(f"word{number}" for number in range(10_000))) == [message.id]


def test_a_message_is_found_by_its_own_words_alone(db):
    talk = history("Which river did you like?", "The Mekong, by far.", "I see.")
    chats.record(db, talk, at=later())
    asked, answered, _ = (id for (id,) in db.execute("select id from messages order by id"))

    assert ([asked], [answered]) == (found(db, "river"), found(db, "mekong"))


def test_a_long_message_is_found_after_a_short_one_with_the_same_word(db):
    long, short = (say(db, text).id for text in ("The river. " + "And so on, and on. " * 99, "A river."))

    assert [short, long] == found(db, "river")


def test_what_is_forgotten_is_not_found_by_its_words(db):
    told = say(db, "My dentist is called Quirin.", "Good to know.")
    memory = remember(db, "The user's dentist is called Quirin.", told)
    assert [told.id] == found(db, "quirin")
    forget(db, [memory.id])

    assert [] == found(db, "quirin")


def hold_many(db, text):
    with writing(db):
        return [remember(db, f"{text} d{number}.").id for number in range(full_text.MOST_HITS + 100)]


def test_words_that_very_many_have_count_beside_a_rarer_one(db):
    for text in ("The river is cold on day", "Tea is served at", "The wind blows on"):
        hold_many(db, text)
    alone, both = (remember(db, text).id for text in ("Otters swim there.", "A river of otters."))

    assert [both, alone] == by_words(db, "memory", "otter river", 2)


def test_of_too_many_rows_the_newest_are_ranked(db):
    held = hold_many(db, "The river is cold on day")

    assert set(held[-full_text.MOST_HITS :]) >= set(by_words(db, "memory", "river", 2))
    assert 2 == len(by_words(db, "memory", "river tea", 2))


def test_of_an_enormous_message_the_beginning_is_found(db):
    message = say(db, "Ghent " + "and so on " * 1_000_000 + "Oslo")

    assert ([message.id], []) == (found(db, "ghent"), found(db, "oslo"))


def test_what_has_each_word_is_told_word_by_word_with_how_rare_it_is(db):
    messages = [say(db, f"The river {text}.").id for text in ("froze", "rose", "froze again")]
    words = full_text.hits_by_word(db, "message", "frozen river lake")

    assert [{messages[0], messages[2]}, set(messages)] == [set(one.ids) for one in words]
    assert words[0].rarity > words[1].rarity > 0


def test_a_word_that_very_many_have_is_looked_for_beside_a_rarer_one(db):
    hold_many(db, "The river is cold on day")
    alone, both = (remember(db, text).id for text in ("Otters swim there.", "A river of otters."))
    rare, common = full_text.hits_by_word(db, "memory", "otter river")

    assert ({alone, both}, {both}) == (set(rare.ids), set(common.ids))
    assert rare.rarity > common.rarity


def test_words_that_nothing_has_are_told_nothing_of(db):
    assert [] == full_text.hits_by_word(db, "message", "glacier") == full_text.hits_by_word(db, "message", "")
    say(db, "Hello.")

    assert [] == full_text.hits_by_word(db, "message", "glacier")
