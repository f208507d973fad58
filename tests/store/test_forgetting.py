"""Forgetting leaves no trace of what was forgotten, and takes nothing else."""

from dataclasses import dataclass

import apsw
import pytest

from store import chats, forgetting, generations, import_undo, imports, jobs, lessons, memories, vectors
from store.chats import Message, NewMessage
from store.database import open_store
from store.errors import NoSuchMemory, NotFound, StoreError
from store.memories import Memory
from tests.store.sample import (
    DAY,
    GHENT,
    KEY,
    NOON,
    OSLO,
    TOWN,
    adopted,
    assert_gone,
    by_meaning,
    by_words,
    candidate,
    embed,
    everything,
    history,
    later,
    lesson,
    remember,
    say,
    texts,
    vector,
)

GONE = "[forgotten]"


@dataclass(frozen=True)
class Life:
    """A user who told a town (twice), a dog in the same breath, and a job."""

    told: Message
    again: Message
    town: Memory
    dog: Memory
    job: Memory


@pytest.fixture
def life(db: apsw.Connection) -> Life:
    told = say(db, f"I live in {TOWN} with my dog Rex", f"{TOWN} is nice!")
    chats.record(db, history(told.text, f"{TOWN} is nice!", "It rains today"), at=NOON)
    again = say(db, f"as I said, {TOWN} is my home", f"Yes, {TOWN}.", at=later(days=1))
    work = say(db, "I am a baker", "Noted.", at=later(days=2))
    town = remember(db, f"The user lives in {TOWN}.", told)
    dog = remember(db, "The user has a dog called Rex.", told)
    job = remember(db, "The user is a baker.", work)
    memories.ignore(db, town, f"The user is at home in {TOWN}.", told_on=DAY, sources=[again.id])
    embed(db, "memory", [town.id, dog.id, job.id], vector(1, 2), vector(0, 1), vector(0, 0, 1))
    embed(db, "message", [told.id, work.id], vector(1, 2, 3), vector(0, 0, 1))
    return Life(told, again, town, dog, job)


def teach(db, memory, answer):
    return lessons.add(db, [lesson(memory.id, answer=answer, grounding=memories.narrative(db, memory))])[0]


def test_no_word_of_a_forgotten_fact_is_left_anywhere(db, life, file):
    learned = teach(db, life.town, f"You live in {TOWN}.")
    made = candidate(db, learned, exam={"items": [TOWN]})
    generations.adopt(db, made.id, {"items": [TOWN], "score": 1}, f"knows {TOWN}")
    jobs.enqueue(db, "observe", {"said": life.told.text})
    jobs.enqueue(db, "night", {})
    failed = jobs.claim(db, "night", now=NOON, lease_s=9)
    jobs.fail(db, failed, f"broke at: You live in {TOWN}.", retry_at=None)
    assert TOWN in everything(db) and TOWN.lower() in everything(db)
    report = memories.forget(db, [life.town.id])

    assert_gone(db)
    assert vector(1, 2, 3).tobytes() not in db.serialize("main")
    assert vector(1, 2).tobytes() not in db.serialize("main")
    assert (report.memories, report.messages, report.vectors, report.events) == (1, 4, 2, 2)
    assert (report.lessons, report.generations, report.jobs) == (1, (made.id,), 2)
    assert report.log_cleared and file.with_name("store.db-wal").stat().st_size == 0
    assert jobs.latest(db, "observe") is None
    assert generations.live(db, made.base_sha256) is None


def refine(db, life):
    memories.update(db, life.town, f"The user lives in {TOWN}, by the sea.", told_on=DAY, sources=[])


def quote_word_for_word(db, life):
    teach(db, life.town, f"You live in {TOWN}.")
    say(db, "Where do I live?", f"You live in {TOWN}. Shall I look for a bus?", at=later(days=5))
    chats.record(db, history(f"Note: {life.told.text}!", f"{TOWN}, ok"), at=later(days=6))


def remark(db, life):
    memories.ignore(db, None, f"The user likes {TOWN}.", told_on=DAY, sources=[life.told.id])


@pytest.mark.parametrize(
    "tell",
    [
        pytest.param(refine, id="what refined it"),
        pytest.param(lambda db, life: remember(db, f"the user lives in {TOWN}."), id="a copy of it"),
        pytest.param(quote_word_for_word, id="messages that quote it"),
        pytest.param(remark, id="a remark from the same message"),
    ],
)
def test_what_else_tells_a_forgotten_fact_goes_with_it(db, life, tell):
    tell(db, life)
    memories.forget(db, [life.town.id])

    assert_gone(db)


def test_who_said_a_forgotten_message_is_forgotten_and_the_next_import_brings_nothing_back(db):
    said = NewMessage(role="user", text=f"I live in {TOWN}", speaker="Zebedee", external_id="a:1")
    imports.record_import(db, "d", f"{TOWN}.json", [[said]], NOON)
    told = chats.by_external_id(db, "a:1")
    memories.forget(db, [remember(db, f"The user lives in {TOWN}.", told).id])
    assert_gone(db, "Zebedee")
    assert "a:1" == chats.get(db, told.id).external_id  # by which the file is known again
    report = imports.record_import(db, "d2", "export.json", [[said]], NOON)

    assert (report.turns, report.skipped) == (0, 1)
    assert_gone(db)


def test_a_reader_that_keeps_the_log_is_reported(db, life, file):
    reader = open_store(file, KEY)
    db.set_busy_timeout(1)
    with reader:
        reader.execute("select * from messages").fetchone()
        report = memories.forget(db, [life.town.id])
    reader.close()

    assert not report.log_cleared
    assert_gone(db)


def test_what_else_was_said_stays_and_memories_from_the_same_message_are_reported(db, life):
    last = db.execute("select id from messages where text = 'It rains today'").get
    report = memories.forget(db, [life.town.id])
    said = [text for (text,) in db.execute("select text from messages order by id")]

    assert [GONE, GONE, "It rains today", GONE, GONE, "I am a baker", "Noted."] == said
    assert [GONE, GONE, "It rains today"] == texts(chats.path(db, last))
    assert memories.holding(db) == [life.dog, life.job]
    assert by_words(db, "message", "rains baker") != []
    assert by_meaning(db, "memory", vector(0, 1)) == [life.dog.id, life.job.id]
    assert report.kept_memories == (life.dog.id,)
    assert memories.sources(db, life.dog.id) == [life.told.id]
    assert texts(memories.events(db, life.dog.id)) == [life.dog.text]


def test_the_forgotten_text_cannot_be_found_by_hashing_guesses(db, life):
    guess = chats.chain_hash("", "user", life.told.text)
    replied = chats.chain_hash(guess, "assistant", f"{TOWN} is nice!")
    after = chats.chain_hash(replied, "user", "It rains today")
    hashes = {hash for (hash,) in db.execute("select hash from messages")}
    assert {guess, replied, after} <= hashes
    memories.forget(db, [life.town.id])
    known = {text: hash for text, hash in db.execute("select text, hash from messages")}

    assert not {guess, replied, after} & {hash for (hash,) in db.execute("select hash from messages")}
    tombstones = [hash for (hash,) in db.execute("select hash from messages where redacted")]
    assert len(set(tombstones)) == 4
    assert known["It rains today"] in {chats.chain_hash(one, "user", "It rains today") for one in tombstones}


def test_forgotten_messages_are_not_observed_embedded_or_named_as_sources_again(db, life):
    memories.forget(db, [life.town.id])
    waiting = {message.id for chat in chats.quiet(db, before=later(days=99), version="9") for message in chat}

    assert not waiting & {life.told.id, life.again.id}
    assert life.told.id not in vectors.missing(db, "message")
    with pytest.raises(StoreError):
        remember(db, "The user lives in it again.", life.told)
    with pytest.raises(StoreError):
        memories.ignore(db, life.job, "in it", told_on=DAY, sources=[life.told.id])
    memories.update(db, life.dog, "The dog Rex is old.", told_on=DAY, sources=[life.told.id])


def test_the_history_goes_with_the_memory(db, life):
    moved = memories.reconcile(db, life.town, OSLO, told_on=DAY, sources=[])
    report = memories.forget(db, [moved.id])

    assert report.memories == 2
    assert remember(db, "The user is a pilot.").id > moved.id  # no number is given twice
    assert_gone(db)
    assert memories.holding(db)[:-1] == [life.dog, life.job]


def test_what_contradicted_it_later_stays_without_its_past(db, life):
    oslo = memories.reconcile(db, life.town, OSLO, told_on=DAY, sources=[])
    made = candidate(db, teach(db, oslo, f"Before that you lived in {TOWN}."))
    report = memories.forget(db, [life.town.id])

    assert_gone(db)
    assert memories.narrative(db, oslo) == f"{DAY}: {OSLO}"
    assert (report.lessons, report.generations) == (1, (made.id,))
    assert oslo in lessons.unstudied(db)


def test_a_short_source_does_not_redact_every_message_that_holds_it(db):
    yes = say(db, "yes")
    other = say(db, "yes, it rains", at=later(days=1))
    memories.forget(db, [remember(db, "The user is a vegetarian.", yes).id])

    assert [GONE, "yes, it rains"] == [chats.get(db, one.id).text for one in (yes, other)]


@pytest.mark.parametrize(
    ("memory_ids", "messages", "error"),
    [
        pytest.param([1, 99], [], NoSuchMemory, id="a memory"),
        pytest.param([1], [1, 99], NotFound, id="a message"),
    ],
)
def test_forgetting_what_is_not_there_forgets_nothing(db, life, memory_ids, messages, error):
    before = everything(db)
    with pytest.raises(error):
        memories.forget(db, memory_ids, messages=messages)

    assert everything(db) == before


def test_many_facts_among_many_are_forgotten_to_the_last_byte(db):
    names = [f"Zq{number:04}x" for number in range(120)]
    made = []
    with db:
        for number, name in enumerate(names):
            told = say(db, f"{'well ' * (number % 30)}I met {name} at the fair", at=later(days=number))
            made.append(remember(db, f"The user met {name} at the fair.", told))
    memories.forget(db, [memory.id for memory in made[::3]])
    left = everything(db).lower()

    assert [name for name in names[::3] if name.lower() in left] == []
    assert all(name.lower() in left for name in names[1::3])


def test_no_word_of_a_message_that_no_memory_tells_is_left_anywhere(db):
    told = say(db, f"I grew up in {TOWN}", f"{TOWN} is nice!")
    chats.record(db, history(f"Did I say that I grew up in {TOWN}?"), at=later(days=1))
    hint = say(db, f"the trams of {TOWN} are late")  # that it tells of it is known to the caller alone
    other = say(db, "I am a baker")
    embed(db, "message", [told.id, other.id], vector(1, 2), vector(0, 1))
    report = memories.forget(db, messages=[told.id, hint.id])

    assert (report.memories, report.messages, report.vectors, report.generations) == (0, 4, 1, ())
    assert_gone(db)
    assert [other.id] == by_words(db, "message", "baker")


def test_forgetting_a_message_keeps_its_memory_and_reaches_the_generations_that_learned_it(db):
    """The words of turns get into a night through memories alone, so their lineage is that of the memories."""
    told = say(db, GHENT)
    memory, other = remember(db, GHENT, told), remember(db, "The user has a dog.")
    for one in lessons.add(db, [lesson(memory.id, answer=GHENT), lesson(other.id)]):
        candidate(db, one)
    report = memories.forget(db, messages=[told.id])

    assert (report.memories, report.generations, report.kept_memories) == (0, (1,), (memory.id,))
    assert [memory, other] == memories.holding(db)
    assert [memory] == lessons.unstudied(db)  # it is learned again, in words that are left


@pytest.fixture
def moved(db):
    """The numbers of Ghent, replaced by Oslo, and of a dog; there are lessons of each, and one of both."""
    ghent, dog = remember(db, GHENT), remember(db, "The user's dog is called Rex.")
    oslo = memories.reconcile(db, ghent, OSLO, told_on=DAY, sources=())
    taught = [
        lesson(ghent.id, answer="Ghent"),
        lesson(dog.id, answer="Rex"),
        lesson(oslo.id, answer="Oslo"),
        lesson(oslo.id, answer="Ghent", kind="before"),
        lesson(dog.id, oslo.id, answer="Rex, Oslo", kind="two"),
    ]
    lessons.add(db, taught)
    return ghent.id, dog.id


def test_what_would_go_is_what_goes(db, moved):
    _, dog = moved
    before = lessons.holding(db), memories.holding(db)
    concerned = forgetting.concerned(db, [dog])
    assert before == (lessons.holding(db), memories.holding(db))
    report = memories.forget(db, [dog])

    assert ((dog,), ["Rex", "Rex, Oslo"]) == (concerned.memories, [one.answer for one in concerned.lessons])
    assert (1, 2) == (report.memories, report.lessons)


def test_of_what_was_replaced_the_lessons_of_what_came_after_go_too_but_not_its_memory(db, moved):
    ghent, _ = moved
    concerned = forgetting.concerned(db, [ghent])

    assert (ghent,) == concerned.memories
    assert ["Ghent", "Oslo", "Ghent", "Rex, Oslo"] == [one.answer for one in concerned.lessons]
    assert 5 == len(lessons.several(db, range(9)))


def test_generations_that_were_tainted_before_have_learned_it_all_the_same(db, moved):
    ghent, dog = moved
    made = adopted(db, *[one.id for one in lessons.several(db, range(9))])
    first = forgetting.concerned(db, [dog]).generations
    memories.forget(db, [dog])

    assert ((made.id,), (made.id,)) == (first, forgetting.concerned(db, [ghent]).generations)
    assert () == memories.forget(db, [ghent]).generations


def test_what_is_unknown_concerns_nothing_or_is_an_error(db):
    none = import_undo.concerned(db, 99)

    assert ((), ()) == (none.memories, none.lessons)
    with pytest.raises(NoSuchMemory):
        forgetting.concerned(db, [99])
    with pytest.raises(NotFound):
        forgetting.concerned(db, messages=[99])
