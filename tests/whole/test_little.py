"""One real night on `little`: what it reads in a few chats, and what its weights know in the morning."""

import pytest

from tests.whole.house import Daemon, worked
from tests.whole.nights import QUIET, home_of_little, night, say

LONGEST_S = 2400  # on two cores that other tests use, too
SAID = (
    "Hi there, I'm Nadia! I live in Leeds, in case you wonder.",
    "My cat Pepper is asleep on the keyboard again.",
    "I've been learning the banjo for a month now.",
)
KNOWN = {
    "Where do I live?": "Leeds",
    "What is my cat called?": "Pepper",
    "Which instrument am I learning?": "banjo",
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """A daemon on a home where `little` was pulled, and no model is configured."""
    made = Daemon(home_of_little(tmp_path_factory.mktemp("little")), "", **QUIET).start()
    yield made
    made.stop()


@pytest.mark.soak
def test_a_night_on_little_teaches_what_was_told_or_is_refused_for_a_reason_and_never_leaves_it_worse(daemon):
    """It is a small model: one night of several is refused by its exam (models/skills/card.md)."""
    with daemon.own() as client:
        assert "little" == client.status()["model"]["name"]
        for day, text in enumerate(SAID, start=1):
            say(client, text, tsubasa={"recall": False, "said_at": f"2026-10-{day:02}T12:00:00+00:00"})
        worked(client, client.tend, "tended", seconds=LONGEST_S)
        remembered = " ".join(one["text"] for one in client.memories()["memories"])
        before = {question: say(client, question, "tsubasa:base") for question in KNOWN}
        report = night(client, seconds=LONGEST_S)
        after = {question: say(client, question, "tsubasa:private") for question in KNOWN}
        fruits = say(client, "List three fruits.", "tsubasa:private")

    assert 2 <= sum(value in remembered for value in KNOWN.values()), remembered
    assert [] == [value for question, value in KNOWN.items() if value in before[question]]
    known = sum(value in after[question] for question, value in KNOWN.items())
    assert known >= 1 if report["adopted"] else (report["reason"] and known == 0), (report, after)
    assert "know" not in fruits
