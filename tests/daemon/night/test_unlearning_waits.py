"""Which forgotten facts wait for the next night's probes, and for how long."""

from dataclasses import replace

from daemon.exam.acceptance import Verdict
from daemon.forgetting import verification as unlearnings
from daemon.forgetting.verification import MOST, Unlearning
from daemon.forgetting.weight_probes import Fact, Probe
from tests.daemon.forgetting.test_verification import CELLO, GHENT, REX, learn_and_forget
from tests.daemon.night.fakes import LearningEngine, forget, learn, night, told


async def test_a_forgotten_fact_that_only_says_no_does_not_keep_nights_from_being_adopted(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        waiting = Unlearning(store_thread, engine)
        no = Probe(question="Do I drink my coffee?", answer="You don't drink your coffee.")
        waiting.begin([Fact(memory_id=9, probes=(no,))], 0)
        engine.base_says = {no.question: "You drink coffee."}
        report, left = await night(store_thread, engine, tmp_path, unlearning=waiting), waiting.facts

    assert (True, ()) == (report.adopted, left), report.reason
    assert 1 == report.exam["forgotten"]["not_probed"]


async def test_what_is_forgotten_second_on_one_day_is_probed_too(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        for text in (REX, CELLO):
            await learn(store_thread, text)
        await night(store_thread, engine, tmp_path)
        waiting = Unlearning(store_thread, engine)
        done = [await forget(store_thread, engine, [id], unlearning=waiting) for id in (2, 3, 1)]
        await learn(store_thread, "The user is a nurse.")
        unknown = await forget(store_thread, engine, [4], unlearning=waiting)
        waiting = waiting.facts

    assert [(1,), (), ()] == [one.report.generations for one in done]
    assert ([True] * 3, False) == ([one.was_learned for one in done], unknown.was_learned)
    assert [2, 3, 1] == [fact.memory_id for fact in waiting]


async def test_what_no_night_could_probe_waits_on(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        waiting = await learn_and_forget(tmp_path, store_thread, engine)
        await learn(store_thread, CELLO)
        engine.refuses = True
        await night(store_thread, engine, tmp_path, unlearning=waiting)
        refused, engine.refuses = len(waiting.facts), False
        found = await waiting.rule(Verdict(adopt=True, reason=""), 4, b"a\tb")
        waiting.wipe()
        result = refused, found.adopt, waiting.facts

    assert (1, True, ()) == result


async def test_what_there_was_no_time_for_waits_on(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        waiting = Unlearning(store_thread, engine, night_s=0.0)
        fact = Fact(memory_id=9, probes=(Probe(question="Who is my dog?", answer="It is Rex."),))
        waiting.begin([fact], 0)
        await waiting.rule(Verdict(adopt=True, reason=""), 4, b"a\tb")
        waiting.wipe()
        kept, not_probed = waiting.facts, waiting.found.numbers()["not_probed"]

    assert (1, 1) == (len(kept), not_probed)


async def test_of_very_many_facts_some_are_kept_and_the_others_are_counted(tmp_path):
    async with told(tmp_path) as store_thread:
        waiting = Unlearning(store_thread, LearningEngine())
        probe = (Probe(question="Who is my dog?", answer="It is Rex."),)
        waiting.begin([Fact(memory_id=n, probes=probe) for n in range(MOST + 5)], 0)
        waiting.begin([Fact(memory_id=99, probes=probe)], 0)
        found = replace(await waiting.probe("a" * 64, 1, waiting.facts, within_s=0.0), beyond=6)
        await waiting.stop()
        kept = len(waiting.facts)

    assert (MOST, MOST + 6) == (kept, found.numbers()["not_probed"])
    assert {unlearnings.NO_TIME} == {one.why for one in found.findings}
