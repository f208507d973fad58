from dataclasses import dataclass

import apsw
import pytest

from store import chats, full_text, generations, imports, jobs, lessons, memories, vectors
from store.chats import Message, NewMessage
from store.database import open_store
from store.errors import NoSuchMemory, StoreError
from store.lessons import NewLesson
from store.memories import Memory
from tests.store.sample import DAY, KEY, NOON, embed, everything, history, later, say, vector

BASE = "b" * 64
TOWN = "Quizzenbrook"  # found nowhere by chance
STEM = "quizzenbrook"


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
    town = memories.add(db, f"The user lives in {TOWN}.", told_on=DAY, sources=[told.id])
    dog = memories.add(db, "The user has a dog called Rex.", told_on=DAY, sources=[told.id])
    job = memories.add(db, "The user is a baker.", told_on=DAY, sources=[work.id])
    memories.ignore(db, town, f"The user is at home in {TOWN}.", told_on=DAY, sources=[again.id])
    embed(db, "memory", [town.id, dog.id, job.id], vector(1, 2), vector(0, 1), vector(0, 0, 1))
    embed(db, "message", [told.id, work.id], vector(1, 2, 3), vector(0, 0, 1))
    return Life(told, again, town, dog, job)


def teach(db, memory, answer, kind="fact"):
    new = NewLesson(
        question="Well?",
        answer=answer,
        grounding=memories.narrative(db, memory),
        kind=kind,
        split="train",
        memory_ids=(memory.id,),
    )
    return lessons.add(db, [new])[0]


def texts(db):
    return [text for (text,) in db.execute("select text from messages order by id")]


def test_no_word_of_a_forgotten_fact_is_left_anywhere(db, life):
    lesson = teach(db, life.town, f"You live in {TOWN}.")
    candidate = generations.propose(
        db, f"weights {TOWN}".encode(), base_sha256=BASE, lesson_ids=[lesson], exam={"items": [TOWN]}
    )
    generations.adopt(db, candidate.id, {"items": [TOWN], "score": 1}, f"knows {TOWN}")
    job = jobs.enqueue(db, "observe", {"said": life.told.text})
    jobs.enqueue(db, "night", {})
    failed = jobs.claim(db, "night", now=NOON, lease_s=9)
    jobs.fail(db, failed, f"broke at: You live in {TOWN}.", retry_at=None)
    assert TOWN in everything(db) and STEM in everything(db)
    report = memories.forget(db, [life.town.id])

    assert TOWN not in everything(db)
    assert STEM not in everything(db)
    assert vector(1, 2, 3).tobytes() not in db.serialize("main")
    assert vector(1, 2).tobytes() not in db.serialize("main")
    assert (report.memories, report.messages, report.vectors, report.events) == (1, 4, 2, 2)
    assert (report.lessons, report.generations, report.jobs) == (1, (candidate.id,), 2)
    assert report.log_cleared
    assert jobs.latest(db, "observe") is None and job.id
    assert generations.live(db, BASE) is None


def test_who_said_a_forgotten_message_is_forgotten_too(db):
    said = NewMessage(role="user", text=f"I live in {TOWN}", speaker="Zebedee", external_id="a:1")
    imports.record_import(db, "d", "d.json", [[said]], NOON)
    told = chats.by_external_id(db, "a:1")
    memory = memories.add(db, f"The user lives in {TOWN}.", told_on=DAY, sources=[told.id])
    memories.forget(db, [memory.id])

    assert "Zebedee" not in everything(db)
    assert "a:1" == chats.get(db, told.id).external_id  # by which the file is known again


def test_the_log_of_the_file_is_empty_after_forgetting(db, life, file):
    memories.forget(db, [life.town.id])

    assert file.with_name("store.db-wal").stat().st_size == 0


def test_a_reader_that_keeps_the_log_is_reported(db, life, file):
    reader = open_store(file, KEY)
    db.set_busy_timeout(1)
    with reader:
        reader.execute("select * from messages").fetchone()
        report = memories.forget(db, [life.town.id])
    reader.close()

    assert not report.log_cleared
    assert TOWN not in everything(db)


def test_what_else_was_said_stays(db, life):
    memories.forget(db, [life.town.id])

    assert texts(db) == [
        *["[forgotten]"] * 2,
        "It rains today",
        *["[forgotten]"] * 2,
        "I am a baker",
        "Noted.",
    ]
    assert memories.holding(db) == [life.dog, life.job]
    assert [id for id, _ in full_text.search(db, "message", "rains baker", 9)] != []
    assert [id for id, _ in vectors.nearest(db, "memory", vector(0, 1), 9)] == [life.dog.id, life.job.id]


def test_other_memories_from_the_same_message_stay_and_are_reported(db, life):
    report = memories.forget(db, [life.town.id])

    assert report.kept_memories == (life.dog.id,)
    assert memories.sources(db, life.dog.id) == [life.told.id]
    assert [event.text for event in memories.events(db, life.dog.id)] == [life.dog.text]


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


def test_the_path_of_a_chat_stays_whole(db, life):
    last = db.execute("select id from messages where text = 'It rains today'").get
    memories.forget(db, [life.town.id])

    assert [message.text for message in chats.path(db, last)] == [*["[forgotten]"] * 2, "It rains today"]


def test_forgotten_messages_are_not_observed_embedded_or_named_as_sources_again(db, life):
    memories.forget(db, [life.town.id])
    waiting = {message.id for chat in chats.quiet(db, before=later(days=99), version="9") for message in chat}

    assert not waiting & {life.told.id, life.again.id}
    assert life.told.id not in vectors.missing(db, "message")
    with pytest.raises(StoreError):
        memories.add(db, "The user lives in it again.", told_on=DAY, sources=[life.told.id])
    with pytest.raises(StoreError):
        memories.ignore(db, life.job, "in it", told_on=DAY, sources=[life.told.id])
    memories.update(db, life.dog, "The dog Rex is old.", told_on=DAY, sources=[life.told.id])


def test_a_reply_that_was_being_spoken_while_its_question_was_forgotten_is_not_kept(db, life):
    memories.forget(db, [life.town.id])
    late = chats.reply(db, life.told, f"So, {TOWN}!", at=NOON, model="nano")

    assert late.text == "[forgotten]"
    assert TOWN not in everything(db)


def test_the_history_goes_with_the_memory(db, life):
    moved = memories.reconcile(db, life.town, "The user lives in Oslo.", told_on=DAY, sources=[])
    report = memories.forget(db, [moved.id])

    assert report.memories == 2
    assert TOWN not in everything(db)
    assert memories.holding(db) == [life.dog, life.job]


def test_a_refined_sentence_goes_with_what_it_refined(db, life):
    memories.update(db, life.town, f"The user lives in {TOWN}, by the sea.", told_on=DAY, sources=[])
    memories.forget(db, [life.town.id])

    assert TOWN not in everything(db)


def test_what_contradicted_it_later_stays_without_its_past(db, life):
    oslo = memories.reconcile(db, life.town, "The user lives in Oslo.", told_on=DAY, sources=[])
    lesson = teach(db, oslo, f"Before that you lived in {TOWN}.", kind="before")
    generation = generations.propose(db, b"GGUF", base_sha256=BASE, lesson_ids=[lesson])
    report = memories.forget(db, [life.town.id])

    assert TOWN not in everything(db)
    assert memories.narrative(db, oslo) == "2026-03-05: The user lives in Oslo."
    assert (report.lessons, report.generations) == (1, (generation.id,))
    assert oslo in lessons.unstudied(db)


def test_the_same_statement_held_twice_goes_as_one(db, life):
    memories.add(db, f"the user lives in {TOWN}.", told_on=DAY, sources=[])
    memories.forget(db, [life.town.id])

    assert TOWN not in everything(db)


def test_messages_that_quote_it_word_for_word_are_redacted(db, life):
    teach(db, life.town, f"You live in {TOWN}.")
    say(db, "Where do I live?", f"You live in {TOWN}. Shall I look for a bus?", at=later(days=5))
    copied = chats.record(db, history(f"Note: {life.told.text}!", f"{TOWN}, ok", "bye"), at=later(days=6))
    memories.forget(db, [life.town.id])

    assert TOWN not in everything(db)
    assert chats.get(db, copied[-1].id).text == "bye"


def test_messages_that_the_caller_knows_to_tell_it_are_redacted(db, life):
    hint = say(db, f"the trams of {TOWN} are late", at=later(days=7))
    memories.forget(db, [life.town.id], messages=[hint.id])

    assert TOWN not in everything(db)


def test_a_short_source_does_not_redact_every_message_that_holds_it(db):
    yes = say(db, "yes")
    other = say(db, "yes, it rains", at=later(days=1))
    memory = memories.add(db, "The user is a vegetarian.", told_on=DAY, sources=[yes.id])
    memories.forget(db, [memory.id])

    assert chats.get(db, yes.id).text == "[forgotten]"
    assert chats.get(db, other.id).text == "yes, it rains"


def test_an_imported_fact_does_not_come_back_with_the_next_import(db):
    session = [NewMessage(role="user", text=f"I live in {TOWN}", external_id="D1:1")]
    imports.record_import(db, "d1", f"{TOWN}.json", [session], NOON)
    source = chats.by_external_id(db, "D1:1")
    memory = memories.add(db, f"The user lives in {TOWN}.", told_on=DAY, sources=[source.id])
    memories.forget(db, [memory.id])
    report = imports.record_import(db, "d2", "export.json", [session], NOON)

    assert (report.turns, report.skipped) == (0, 1)
    assert TOWN not in everything(db)


def test_trivial_remarks_from_a_forgotten_message_go_too(db, life):
    memories.ignore(db, None, f"The user likes {TOWN}.", told_on=DAY, sources=[life.told.id])
    memories.forget(db, [life.town.id])

    assert TOWN not in everything(db)
    assert memories.op_counts(db)["IGNORE"] == 0


def test_forgetting_what_is_not_there_forgets_nothing(db, life):
    before = everything(db)
    with pytest.raises(NoSuchMemory):
        memories.forget(db, [life.town.id, 99])

    assert everything(db) == before


def test_the_number_of_a_forgotten_memory_is_never_given_again(db, life):
    memories.forget(db, [life.job.id])

    assert memories.add(db, "The user is a pilot.", told_on=DAY, sources=[]).id > life.job.id


def test_many_facts_among_many_are_forgotten_to_the_last_byte(db):
    names = [f"Zq{number:04}x" for number in range(120)]
    with db:
        made = [
            memories.add(
                db,
                f"The user met {name} at the fair.",
                told_on=DAY,
                sources=[
                    say(db, f"{'well ' * (number % 30)}I met {name} at the fair", at=later(days=number)).id
                ],
            )
            for number, name in enumerate(names)
        ]
    memories.forget(db, [memory.id for memory in made[::3]])
    left = everything(db).lower()

    assert [name for name in names[::3] if name.lower() in left] == []
    assert all(name.lower() in left for name in names[1::3])
