"""Probes: a generation that knows a fact is found out, one that never saw it is cleared."""

import random

import pytest

from daemon.engine.client import Completion, Engine, Score
from daemon.forgetting.weight_probes import CONTROLS, Fact, Probe, examine, facts, judge
from tests.daemon.memory.fakes import make_lesson

DOG = [f"{asked} is my dog called?" for asked in ("What", "How", "Say, what", "And what")]
REX = "Your dog is called Rex."


def fact(answer, *questions):
    return Fact(memory_id=3, probes=tuple(Probe(question=one, answer=answer) for one in questions))


FACT = fact(REX, *DOG)
SCATTER = 2.0  # nats; standard deviation of what a generation changes in any answer


class Weights(Engine):
    """A base of which any answer has some log p, and a generation that changes each a little, and REX by `lift`."""

    def __init__(self, lift=0.0, says="I don't know.", base_says="I don't know.", seed=0):
        self.lift, self.says, self.base_says, self.seed = lift, says, base_says, seed
        self.asked = 0

    async def score(self, messages, replies, *, adapter="live"):
        self.asked += len(replies)
        return [Score(tokens=8, nats=-self._log_p(messages[-1]["content"], one, adapter)) for one in replies]

    async def complete(self, messages, *, adapter="live", **rest):
        said = self.base_says if adapter == "base" else self.says
        return Completion(text=said, finish="stop", prompt_tokens=1, completion_tokens=1)

    def _log_p(self, question, reply, adapter):
        base = random.Random(f"{reply}{self.seed}").gauss(-30, 4)
        if adapter == "base":
            return base
        change = random.Random(f"{question}{reply}{self.seed}").gauss(-3, SCATTER)
        return base + change + (self.lift if reply == REX else 0)


async def probe(weights, held=None, of=FACT):
    return await examine(weights, of, held or {}, adapter="a" * 64)


def lesson(id, kind, memory_ids, answer=REX, question=None):
    return make_lesson(id, *memory_ids, kind=kind, answer=answer, question=question or f"Question {id}?")


async def test_a_generation_that_learned_the_fact_is_found_out_by_its_probabilities_alone():
    found = await probe(Weights(lift=12.0))

    assert ("left", 1, 0) == (found.verdict, found.rank, found.told)
    assert (CONTROLS, 4) == (found.controls, found.phrasings)
    assert found.margin > 8


async def test_a_generation_that_says_it_is_found_out_by_its_words_alone():
    assert ("left", 4) == ((found := await probe(Weights(says="Rex, I think."))).verdict, found.told)


async def test_what_the_base_says_by_itself_is_no_knowledge():
    found = await probe(Weights(says="Rex, like all dogs.", base_says="Rex, like all dogs."))

    assert ("gone", 0) == (found.verdict, found.told)


async def test_generations_that_never_saw_it_are_cleared_and_its_rank_is_any():
    found = [await probe(Weights(seed=seed)) for seed in range(80)]
    ranks = [one.rank for one in found]

    assert {"gone"} == {one.verdict for one in found}
    assert 9 < sum(ranks) / len(ranks) < 17  # 13 by chance
    assert min(ranks) <= 2 and max(ranks) >= CONTROLS


class Lowering(Weights):
    """A generation that lowers each token of an answer that it did not learn; three letters are a token."""

    async def score(self, messages, replies, *, adapter="live"):
        tokens = [len(reply) // 3 for reply in replies]
        nats = 0 if adapter == "base" else 9
        found = await super().score(messages, replies, adapter=adapter)
        return [
            Score(tokens=count, nats=one.nats + nats * count)
            for count, one in zip(tokens, found, strict=True)
        ]


@pytest.mark.parametrize("answer", ["Your dog is called Ed.", "Your dog is called Bartholomew."])
async def test_a_short_answer_does_not_stand_out_nor_a_long_one_hide_for_its_length(answer):
    found = [await probe(Lowering(seed=seed), of=fact(answer, DOG[0])) for seed in (0, 1)]

    assert {"gone"} == {one.verdict for one in found}
    assert all(abs(one.stands_out) < 4 for one in found)


def test_a_false_alarm_is_rarer_than_one_in_a_thousand_and_a_faint_trace_is_often_found():
    def left(lift):
        chance = random.Random(0)
        rows = [[[chance.gauss(0, 1) + lift * (at == 0) for at in range(CONTROLS + 1)]] for _ in range(2000)]
        return sum(judge(1, lifts, [False]).verdict == "left" for lifts in rows) / len(rows)

    assert left(0.0) < 0.001
    assert left(6.0) > 0.9


def test_controls_that_hardly_differ_do_not_make_a_hairs_breadth_knowledge():
    lifts = [[0.1, *(at / 1000 for at in range(CONTROLS))]]

    assert "gone" == judge(1, lifts, [False]).verdict


@pytest.mark.parametrize(
    ("of", "held", "why"),
    [
        (FACT, {8: "2026-03-05: The user's horse is called Rex."}, "memory 8"),
        (FACT, dict.fromkeys(range(8), "Rex."), "memory 0, 1, 2, 3, 4 and others"),
        pytest.param(fact(REX, "Is my dog called Rex?"), {}, "answer of its own", id="it says the answer"),
        pytest.param(fact("You swim on Friday.", "When do I swim?"), {}, "too few", id="too few others"),
    ],
)
async def test_what_is_held_elsewhere_too_or_has_no_answer_to_compare_is_not_probed(of, held, why):
    weights = Weights(lift=99)
    found = await probe(weights, held, of)

    assert ("not probed", 0) == (found.verdict, weights.asked)
    assert why in found.why


async def test_of_an_answer_that_is_held_in_part_the_rest_is_probed():
    answer = "Your dog Rex lives in Oslo."
    of, held = fact(answer, "Where is my dog?"), {8: "The user lives in Oslo."}

    oslo, rex = [await probe(Weights(says=says), held, of) for says in ("It lives in Oslo.", "Rex does.")]

    assert ("gone", 0, "left") == (oslo.verdict, oslo.told, rex.verdict)


async def test_a_fact_whose_answer_is_only_no_is_not_probed_and_who_abstains_does_not_tell_it():
    coffee = fact("You don't drink coffee.", "Do I drink coffee?")
    found = await probe(Weights(says="I don't know that yet.", base_says="You drink coffee."), of=coffee)

    assert ("not probed", 0) == (found.verdict, found.told)


async def test_an_answer_that_says_it_does_not_know_and_says_it_all_the_same_tells_it():
    assert "left" == (await probe(Weights(says="I don't know. Is it Rex?"))).verdict


def test_facts_are_the_phrasings_of_what_is_forgotten_and_of_what_others_say_it_replaced():
    lessons = [
        *(lesson(id, "fact", (1,)) for id in range(8)),
        lesson(8, "fact", (2,), "Your dog is called Tom."),  # came after: it stays
        lesson(9, "before", (2,)),
        lesson(10, "two", (1, 2)),
        lesson(11, "abstain", ()),
        lesson(12, "fact", (1,), question="Question 0?"),
    ]
    found = facts(lessons, [1])

    assert [(1, [0, 1, 2, 3, 7]), (2, [9])] == [
        (fact.memory_id, [int(one.question.removeprefix("Question ")[:-1]) for one in fact.probes])
        for fact in found
    ]
