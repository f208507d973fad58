"""Which messages bear on a question: words, meaning, speaker, month, and the talk around them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.memory import ranking
from store import imports, vectors
from store.chats import NewMessage

MAY, JUNE, AUGUST = (datetime(2026, month, 9, 12, tzinfo=UTC) for month in (5, 6, 8))


@pytest.fixture(autouse=True)
def prepared(db):
    vectors.prepare(db, "test", 2)


def session(*said, at=MAY):
    return [
        NewMessage(role="user", speaker=who, text=text, said_at=at + timedelta(seconds=n))
        for n, (who, text) in enumerate(said)
    ]


def keep(db, *sessions):
    imports.record_import(db, "digest", "talk", sessions, datetime.now(UTC))
    ids = vectors.missing(db, "message")
    vectors.put(db, "message", ids, np.tile(np.array([1, 0], np.float32), (len(ids), 1)))


def best(db, question):
    found = ranking.nearest_turns(db, question, np.array([1, 0], np.float32), 9)
    return [db.execute("select text from messages where id = ?", (one.message_id,)).get for one in found]


def test_the_person_asked_about_speaks_for_themselves(db):
    keep(db, session(("Ann", "I have a parrot."), ("Bob", "I have a parrot, too.")))

    assert "I have a parrot, too." == best(db, "What pet does Bob have, a parrot?")[0]
    assert "I have a parrot." == best(db, "What pet does Ann have, a parrot?")[0]


def test_the_month_asked_about_is_the_month_it_was_said(db):
    said = (("Ann", "I ran a race."),)
    keep(db, session(*said, at=MAY), session(*said, at=JUNE), session(*said, at=AUGUST))

    found = ranking.nearest_turns(db, "What race did Ann run in June?", np.array([1, 0], np.float32), 3)
    months = [
        int(db.execute("select said_at from messages where id = ?", (one.message_id,)).get[5:7])
        for one in found
    ]

    assert [6, 5] == [months[0], months[-1]] or [6, 8] == [months[0], months[-1]]


def test_may_is_a_month_with_a_capital_only(db):
    keep(db, session(("Ann", "I sang."), at=AUGUST), session(("Ann", "I sang."), at=MAY))
    asked = ("What did Ann do in May?", "what may Ann do?")
    may, no_month = (ranking.nearest_turns(db, one, np.array([1, 0], np.float32), 9) for one in asked)

    assert 2 == may[0].message_id and may[0].score > may[1].score
    assert no_month[0].score == no_month[1].score


def test_an_answer_stands_before_the_question_that_has_its_words(db):
    keep(db, session(("Ann", "What is your hobby?"), ("Bob", "I like to paint."), ("Ann", "Nice.")))

    assert "I like to paint." == best(db, "What is Bob's hobby?")[0]


def test_names_are_taken_out_of_what_is_embedded_and_never_leave_nothing():
    assert "When did go to the lake?" == ranking.without_names("When did Ann's go to the lake?", ["Ann"])
    assert "Annabel" == ranking.without_names("Annabel", ["Ann"])
    assert "Ann" == ranking.without_names("Ann", ["Ann"])


def test_an_empty_store_finds_nothing(db):
    assert [] == best(db, "What is Bob's hobby?")


@given(question=st.text(max_size=60), names=st.lists(st.text(min_size=1, max_size=8), max_size=3))
def test_any_question_and_any_names_are_safe(question, names):
    assert isinstance(ranking.without_names(question, names), str)
    assert isinstance(ranking.query_words(question, names), str)
