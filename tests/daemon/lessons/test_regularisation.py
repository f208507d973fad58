from collections import Counter
from datetime import date

from daemon.lessons.abstention import ABSTENTION, FEWEST_MISSES
from daemon.lessons.generation import generate_missing
from daemon.lessons.regularisation import add_regularisation
from prompts.load import lines
from store import generations, lessons, memories
from tests.daemon.memory.fakes import FakeEngine, open_store_thread, topic_and_value

DAY = date(2026, 3, 5)


def _asked(line):
    topic, value = topic_and_value(line.partition(" Before that:")[0])
    ways = ("What", "Which", "Who", "Where", "When")
    return [{"q": f"{way} is my {topic}?", "a": f"It is {value}."} for way in ways]


class Good(FakeEngine):
    """Answers every question rightly: it repeats what it is told."""

    def __init__(self):
        super().__init__(ask=_asked)

    async def complete(self, messages, **rest):
        self.scripts["answer"] = lambda text: "Hello! " + messages[0]["content"].splitlines()[-1]
        return await super().complete(messages, **rest)


async def rounded_out(folder, *texts, then=None):
    """The lessons after everything was studied and rounded out twice; how many the two rounds added."""

    async with open_store_thread(folder) as store_thread:
        for text in texts:
            await store_thread.run(memories.add, text, told_on=DAY, sources=())
        await generate_missing(Good(), store_thread)
        added = [
            await add_regularisation(Good(), store_thread),
            await add_regularisation(Good(), store_thread),
        ]
        if then:
            await store_thread.run(then)
            await generate_missing(Good(), store_thread)
            added.append(await add_regularisation(Good(), store_thread))
        return added, await store_thread.run(lessons.holding)


async def test_a_night_is_rounded_out_once(tmp_path):
    (added, again), held = await rounded_out(tmp_path)
    counted = Counter(one.kind for one in held)

    assert (0, added) == (again, len(held))
    assert (len(lines("abstain")), len(lines("small_talk"))) == (counted["abstain"], counted["general"])
    assert {None} == {one.grounding for one in held}
    assert {(kind, part) for kind in ("abstain", "general", "reading") for part in ("train", "exam")} == {
        (one.kind, one.split) for one in held
    }
    assert {ABSTENTION} == {one.answer for one in held if one.kind in ("abstain", "reading")}


async def test_memories_are_asked_about_two_by_two_and_each_stays_so(tmp_path):
    texts = [f"The user's {thing} is called Rex." for thing in ("dog", "cat", "horse", "parrot")]
    (_, again), held = await rounded_out(tmp_path, *texts)
    pairs = {tuple(sorted(one.memory_ids)) for one in held if one.kind == "two"}

    assert (0, {(1, 2), (3, 4)}) == (again, pairs)


async def test_what_replaced_half_of_a_couple_finds_another(tmp_path):
    texts = [f"The user's {thing} is called Rex." for thing in ("dog", "cat", "horse")]

    def change(db):
        memories.reconcile(db, memories.get(db, 1), "The user's dog is called Ivo.", told_on=DAY, sources=())

    _, held = await rounded_out(tmp_path, *texts, then=change)
    pairs = {tuple(sorted(one.memory_ids)) for one in held if one.kind == "two"}

    assert 1 == len(pairs) and 1 not in {id for pair in pairs for id in pair}


async def test_what_is_not_said_of_somebody_goes_with_their_memory(tmp_path):
    _, held = await rounded_out(tmp_path, "The user's sister is called Priya.")
    near = [one for one in held if one.kind == "abstain" and one.memory_ids]

    def name_another(db):
        text = "The user's sister is called Ana."
        memories.reconcile(db, memories.get(db, 1), text, told_on=DAY, sources=())

    _, then = await rounded_out(tmp_path / "then", "The user's sister is called Priya.", then=name_another)

    assert {((1,), ABSTENTION)} == {(one.memory_ids, one.answer) for one in near}
    assert all("my sister" in one.question for one in near)
    assert not any(1 in one.memory_ids for one in then)


async def test_a_memory_that_is_forgotten_meanwhile_is_in_no_lesson(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        for thing in ("dog", "cat"):
            text = f"The user's {thing} is called Rex."
            await store_thread.run(memories.add, text, told_on=DAY, sources=())
        await generate_missing(Good(), store_thread)
        run_it, looks = store_thread.run, []

        async def run_later(ask, *args, **rest):
            if ask is lessons.add and not looks:
                looks.append(await run_it(memories.forget, [1]))
            return await run_it(ask, *args, **rest)

        store_thread.run = run_later
        await add_regularisation(Good(), store_thread)
        found = {id for one in await run_it(lessons.holding) for id in one.memory_ids}

    assert {2} == found


async def test_each_memory_that_is_taught_is_also_read(tmp_path):
    texts = [f"The user's thing{number} is called Rex{number}." for number in range(1, 11)]
    _, held = await rounded_out(tmp_path, *texts)
    read = [one for one in held if one.kind == "reading" and one.memory_ids]

    assert [*range(1, 11)] == [one.memory_ids[0] for one in read]
    assert all(one.grounding for one in read)


async def test_forgetting_a_memory_or_what_it_replaced_taints_what_learned_any_lesson_of_it(tmp_path):
    """Also the lessons over two memories, and those in whose grounding only "Before that: ..." tells it."""

    tainted = []
    for forgotten in (1, 2, 3):
        async with open_store_thread(tmp_path / str(forgotten)) as store_thread:
            old = await store_thread.run(
                memories.add, "The user's cat is called Ivo.", told_on=DAY, sources=()
            )
            now = date(2026, 10, 3)
            await store_thread.run(
                memories.reconcile, old, "The user's cat is called Ana.", told_on=now, sources=()
            )
            await store_thread.run(memories.add, "The user's dog is called Rex.", told_on=DAY, sources=())
            await generate_missing(Good(), store_thread)
            await add_regularisation(Good(), store_thread)
            made = await store_thread.run(lessons.holding)
            two = [one.id for one in made if one.kind == "two"]
            await store_thread.run(generations.propose, b"weights", base_sha256="b" * 64, lesson_ids=two)
            report = await store_thread.run(memories.forget, [forgotten])
            left = {one.id for one in await store_thread.run(lessons.holding)}
            tainted.append((bool(two), report.generations, left & set(two)))

    assert [(True, (1,), set())] * 3 == tainted


def _abstentions(held):
    return {one.question for one in held if one.answer == ABSTENTION}


async def test_what_is_taught_is_also_asked_about_what_was_never_told(tmp_path):
    (_, again), held = await rounded_out(tmp_path, "The user's dog is called Rex.")

    assert 0 == again
    assert any("my cat?" in question for question in _abstentions(held))


async def test_a_lesson_in_abstaining_that_something_told_answers_is_dropped(tmp_path):
    def tell(db):
        memories.add(db, "The user's cat is called Ivo.", told_on=DAY, sources=())

    _, held = await rounded_out(tmp_path, "The user's dog is called Rex.", then=tell)

    assert not any("cat" in question for question in _abstentions(held))


async def test_a_dropped_lesson_stays_while_a_generation_has_learned_it(tmp_path):
    def learn(db):
        made = [one.id for one in lessons.holding(db) if "cat" in one.question]
        generations.propose(db, b"weights", base_sha256="b" * 64, lesson_ids=made)
        memories.add(db, "The user's cat is called Ivo.", told_on=DAY, sources=())

    _, held = await rounded_out(tmp_path, "The user's dog is called Rex.", then=learn)

    assert any("cat" in question for question in _abstentions(held))


async def test_lessons_in_abstaining_do_not_pile_up_while_a_life_is_told(tmp_path):
    roles = ("sister", "brother", "aunt", "uncle", "cousin", "niece", "nephew", "boss", "coach", "dentist")

    counted = []
    async with open_store_thread(tmp_path) as store_thread:
        for role in roles:
            text = f"The user's {role} is called Rex."
            await store_thread.run(memories.add, text, told_on=DAY, sources=())
            await generate_missing(Good(), store_thread)
            await add_regularisation(Good(), store_thread)
            counted.append(len(_abstentions(await store_thread.run(lessons.holding))))

    assert max(counted) <= len(lines("abstain")) + 2 * FEWEST_MISSES + len(roles)
