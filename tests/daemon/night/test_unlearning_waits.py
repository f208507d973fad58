"""Which forgotten facts wait for the next night's probes, and for how long."""

from dataclasses import replace

import pytest

from daemon.exam.acceptance import Verdict
from daemon.forgetting import verification
from daemon.forgetting.verification import MOST, Unlearning
from daemon.forgetting.weight_probes import Fact, Probe
from tests.daemon.forgetting.test_verification import CELLO, GHENT, REX

DOG = (Probe(question="Who is my dog?", answer="It is Rex."),)
ADOPT = Verdict(adopt=True, reason="")


@pytest.fixture
def waiting(home):
    return Unlearning(home.store_thread, home.engine)


async def test_a_forgotten_fact_that_only_says_no_does_not_keep_nights_from_being_adopted(home, waiting):
    await home.learn(GHENT)
    no = Probe(question="Do I drink my coffee?", answer="You don't drink your coffee.")
    waiting.begin([Fact(memory_id=9, probes=(no,))], 0)
    home.engine.base_says = {no.question: "You drink coffee."}
    report = await home.night(unlearning=waiting)

    assert (True, ()) == (report.adopted, waiting.facts), report.reason
    assert 1 == report.exam["forgotten"]["not_probed"]


async def test_what_is_forgotten_second_on_one_day_is_probed_too(home, waiting):
    await home.learn(GHENT, REX, CELLO)
    await home.night()
    done = [await home.forget(id, unlearning=waiting) for id in (2, 3, 1)]
    await home.learn("The user is a nurse.")
    unknown = await home.forget(4, unlearning=waiting)

    assert [(1,), (), ()] == [one.report.generations for one in done]
    assert ([True] * 3, False) == ([one.was_learned for one in done], unknown.was_learned)
    assert [2, 3, 1] == [fact.memory_id for fact in waiting.facts]


async def test_what_no_night_could_probe_waits_on(home, waiting):
    await home.learn(GHENT)
    await home.night()
    await home.learn(REX)
    await home.night()
    await home.forget(2, unlearning=waiting)
    await home.learn(CELLO)
    home.engine.refuses = True
    await home.night(unlearning=waiting)
    refused, home.engine.refuses = len(waiting.facts), False
    found = await waiting.rule(ADOPT, 4, b"a\tb")
    waiting.wipe()

    assert (1, True, ()) == (refused, found.adopt, waiting.facts)


async def test_what_there_was_no_time_for_waits_on(home):
    waiting = Unlearning(home.store_thread, home.engine, night_s=0.0)
    waiting.begin([Fact(memory_id=9, probes=DOG)], 0)
    await waiting.rule(ADOPT, 4, b"a\tb")
    waiting.wipe()

    assert (1, 1) == (len(waiting.facts), waiting.found.numbers()["not_probed"])


async def test_of_very_many_facts_some_are_kept_and_the_others_are_counted(waiting):
    waiting.begin([Fact(memory_id=n, probes=DOG) for n in range(MOST + 5)], 0)
    waiting.begin([Fact(memory_id=99, probes=DOG)], 0)
    found = replace(await waiting.probe("a" * 64, 1, waiting.facts, within_s=0.0), beyond=6)
    await waiting.stop()

    assert (MOST, MOST + 6) == (len(waiting.facts), found.numbers()["not_probed"])
    assert {verification.NO_TIME} == {one.why for one in found.findings}
