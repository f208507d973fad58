"""Which messages bear on a question: words, meaning, speaker, month, and the talk around them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.memory import ranking
from store import imports, vectors
from store.chats import NewMessage

UP = np.array([1, 0], np.float32)
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


def keep_with(db, said):
    """One chat of (role, text, cosine with the question); the ids in their order."""
    talk = [
        NewMessage(role=role, text=text, said_at=MAY + timedelta(seconds=n))
        for n, (role, text, _) in enumerate(said)
    ]
    imports.record_import(db, "digest", "talk", [talk], datetime.now(UTC))
    ids = vectors.missing(db, "message")
    made = [[cosine, np.sqrt(1 - cosine**2)] for *_, cosine in said]
    vectors.put(db, "message", ids, np.array(made, np.float32))
    return ids


def test_a_long_reply_that_has_all_words_stands_behind_the_user_s_own_turn(db):
    reply = "To deploy the tracker by the deadline, plan the deployment in steps. " * 40
    own, _ = keep_with(
        db,
        [("user", "The deadline of the tracker is May 9.", 0.5), ("assistant", reply, 0.5)],
    )

    assert (
        own
        == ranking.nearest_turns(db, "When must I deploy the tracker, by what deadline?", UP, 1)[0].message_id
    )


def test_the_words_of_a_long_neighbour_lift_a_turn_less_than_those_of_a_short_one(db):
    long = "Which marathon? " + "Much else to say. " * 200
    keep(
        db,
        *(session(("Ann", around), ("Bob", "Lisbon, in the rain.")) for around in ("Which marathon?", long)),
    )
    found = ranking.candidates(db, "Which marathon?", UP)
    of_short, of_long = (found.known[found.ids.index(id), 0] for id in (2, 4))

    assert 1 > of_short > 2 * of_long > 0


def test_where_no_word_tells_anything_the_order_is_that_of_the_vectors(db):
    cosines = (0.2, 0.9, 0.5, 0.7)
    ids = keep_with(db, [("user", f"Thing {number}.", cosine) for number, cosine in enumerate(cosines)])
    found = ranking.nearest_turns(db, "Something else entirely?", UP, 4)

    assert [ids[1], ids[3], ids[2], ids[0]] == [one.message_id for one in found]
    assert sorted(cosines, reverse=True) == pytest.approx([one.cosine for one in found], abs=1e-6)


def test_a_turn_that_words_alone_found_has_its_own_cosine(db, monkeypatch):
    monkeypatch.setattr(ranking, "MESSAGE_POOL", 1)
    near, far = keep_with(db, [("user", "Tea.", 0.9), ("user", "The otter swam.", 0.1)])
    found = ranking.candidates(db, "Where did the otter go?", UP)

    assert {near: 0.9, far: 0.1} == pytest.approx(dict(zip(found.ids, found.cosines, strict=True)), abs=1e-6)


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
