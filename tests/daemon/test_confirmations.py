"""Confirmations: one decision, ten minutes, no words kept."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.confirmations import MOST, Confirmations, Edit, Forget
from daemon.errors import NoSuchConfirmation, NotWaiting, TooManyWaiting

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
ONE, OTHER = Forget(memories=(1,)), Edit(memory=2, text="The user lives in Oslo.")


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now

    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def held(clock):
    return Confirmations(now=clock)


def test_what_is_asked_waits_in_order_until_it_is_decided(held):
    first, second = held.ask(ONE, asked_by="a"), held.ask(OTHER, asked_by="a")

    assert [first, second] == held.waiting()
    assert "working" == held.decide(first.id, allow=True).state
    assert "refused" == held.decide(second.id, allow=False).state
    assert [] == held.waiting()


def test_the_first_decision_counts_and_silence_for_ten_minutes_means_no(held, clock):
    one, other = held.ask(ONE, asked_by="a"), held.ask(OTHER, asked_by="a")
    held.decide(one.id, allow=False)

    with pytest.raises(NotWaiting):
        held.decide(one.id, allow=True)
    clock.wait(minutes=10)
    with pytest.raises(NotWaiting):
        held.decide(other.id, allow=True)
    assert ([], "refused", "expired") == (held.waiting(), one.state, other.state)


def test_how_it_ended_can_be_seen_for_a_while(held, clock):
    one = held.ask(ONE, asked_by="a")
    held.ended(held.decide(one.id, allow=True), "done", outcome={"memories": 1})
    clock.wait(minutes=9)

    assert ("done", {"memories": 1}) == (held.get(one.id).state, held.get(one.id).outcome)
    clock.wait(minutes=1)
    with pytest.raises(NoSuchConfirmation):
        held.get(one.id)


def test_asking_the_same_again_is_no_second_question(held):
    one = held.ask(ONE, asked_by="a")

    assert one is held.ask(ONE, asked_by="a")
    assert one is not held.ask(ONE, asked_by="b")
    held.decide(one.id, allow=False)
    assert one.id != held.ask(ONE, asked_by="a").id


def test_no_more_wait_than_a_person_can_read(held, clock):
    for number in range(MOST):
        held.ask(Forget(memories=(number,)), asked_by="a")

    with pytest.raises(TooManyWaiting, match=f"{MOST} confirmations wait"):
        held.ask(ONE, asked_by="b")
    clock.wait(minutes=10)
    assert held.ask(ONE, asked_by="b")


@pytest.mark.parametrize("end", ["decide", "wait", "forget"])
async def test_the_words_of_an_edit_are_dropped_when_it_ends_and_other_questions_stay(held, clock, end):
    one = held.ask(OTHER, asked_by="a")
    if end == "wait":
        clock.wait(minutes=10)
    other = held.ask(ONE, asked_by="a")
    if end == "decide":
        held.decide(one.id, allow=False)
    elif end == "forget":
        await held.forget()

    assert [other] == held.waiting()
    assert "Oslo" not in repr(one)
