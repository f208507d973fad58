import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import words
from tests.store.sample import later, say


def found(db, query, k=10):
    return [id for id, _ in words.search(db, "message", query, k)]


def test_the_best_match_comes_first(db):
    once = say(db, "Ghent is a town with a river, a castle and many old houses")
    twice = say(db, "Ghent, yes, Ghent", at=later(days=1))

    assert found(db, "Ghent") == [twice.id, once.id]
    assert found(db, "Ghent", k=1) == [twice.id]
    assert words.search(db, "message", "Ghent", 1)[0][1] < 0


def test_any_word_may_match_in_another_form_or_case(db):
    message = say(db, "My sisters were HIKING near Zürich")

    for query in ("sister", "hikes and hiked", "zurich", "who hikes?"):
        assert found(db, query) == [message.id]
    assert found(db, "brother") == []


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


def test_no_results_wanted_are_no_results(db):
    say(db, "Ghent")

    assert found(db, "Ghent", k=0) == []
