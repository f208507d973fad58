"""From a quiet chat to memories and lessons, and what stays to be done when something fails."""

import asyncio
import logging
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from daemon.engine.errors import PromptTooLong, TemplateRefused
from daemon.engine.records import Mark
from daemon.idle_work import AT_ONCE, ConsolidationReport, MemoryConsolidation, Unread, consolidate
from daemon.memory.observe import DOUBTED, VERSION
from daemon.processes.errors import ChildCrashed
from store import chats, forgetting, jobs, memories, message_queries, proposals, vectors
from store.chats import NewMessage
from tests.daemon.memory.fakes import (
    FakeEmbedder,
    FakeEngine,
    core_of,
    pairs_about,
    quoted,
    remember,
)
from tests.daemon.night.fakes import LearningEngine

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(text, day=0):
    return NewMessage(role="user", text=text, said_at=NOON + timedelta(days=day))


def observer(text):
    """A model that notes what follows "I": one sentence a line."""
    day = text.splitlines()[-1]
    told = [line.removeprefix("user: I ") for line in text.splitlines() if line.startswith("user: I ")]
    return [f"{day}: The user {one}." for one in told]


def engine(**scripts):
    reconcile = {"index": 1, "op": "RECONCILE", "text": ""}
    return FakeEngine(
        **{"observe": observer, "evolve": lambda text: quoted(reconcile, text), "ask": pairs_about, **scripts}
    )


async def consolidated(store_thread, chats_said, model, *, rounds=1, after_s=300, again=False):
    """Record the chats, consolidate them; the last report, and the texts that are held."""
    for history in chats_said:
        await store_thread.run(chats.record, history, at=NOW)
    now = NOW + timedelta(seconds=after_s)
    for _ in range(rounds):
        report = await consolidate(core_of(store_thread, model), now=now, quiet_s=60, again=again)
    return report, [memory.text for memory in await store_thread.run(memories.holding)]


async def test_a_quiet_chat_becomes_memories_and_lessons(store_thread):
    chats_said = [[said("I live in Ghent")], [said("hi")], [said("I live in Oslo", day=4)]]

    report, held = await consolidated(store_thread, chats_said, engine())

    assert (3, 2, 5, ()) == (report.chats, report.observations, report.lessons, report.failures)
    assert {"ADD": 1, "RECONCILE": 1} == report.ops
    assert ["The user live in Oslo."] == held


async def test_what_was_told_first_evolves_first_also_across_chats(store_thread):
    chats_said = [[said("I live in Oslo", day=4)], [said("I live in Ghent")]]

    _, held = await consolidated(store_thread, chats_said, engine())

    assert ["The user live in Oslo."] == held


async def test_a_chat_over_several_days_is_read_day_by_day(store_thread):
    model = engine()

    await consolidated(store_thread, [[said("hi"), said("I sing", day=1), said("I run", day=1)]], model)

    dates = [asked.text.splitlines()[-1] for asked in model.asked if asked.task == "observe"]
    assert ["2026-03-01", "2026-03-02"] == dates


async def test_a_chat_is_read_once(store_thread):
    model = engine()

    report, _ = await consolidated(store_thread, [[said("I live in Ghent")]], model, rounds=2)

    assert (0, 0, 1) == (report.chats, report.observations, model.tasks().count("observe"))


async def test_a_chat_that_is_not_quiet_yet_is_left_alone(store_thread):
    report, _ = await consolidated(store_thread, [[said("I live in Ghent")]], engine(), after_s=30)

    assert 0 == report.chats


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        pytest.param(None, "The model's answer", id="garbage"),
        *(
            pytest.param(error, str(error), id=type(error).__name__)
            for error in (PromptTooLong(9001, 512), TemplateRefused(reason="no such role"))
        ),
    ],
)
async def test_a_session_that_can_not_be_read_is_reported_once_and_the_others_are_read(
    store_thread, trouble, why
):
    def observing(text):
        if "Ghent" not in text:
            return observer(text)
        if trouble is not None:
            raise trouble
        return "garbage"

    chats_said = [[said("I live in Ghent")], [said("I sing", day=1)]]

    report, held = await consolidated(store_thread, chats_said, engine(observe=observing))
    again, _ = await consolidated(store_thread, [], engine())

    (failure,) = report.failures
    assert failure.startswith(f"Session of 2026-03-01 (messages 1 to 1): {why}")
    assert (["The user sing."], 0) == (held, again.chats)


async def test_what_could_not_be_read_is_tried_again_once_when_asked_in_shorter_pieces(store_thread):
    model = engine(observe=lambda text: "garbage" if text.count("user:") > 2 else observer(text))
    told = [said("I live in Ghent"), said("I sing"), said("I am allergic to peanuts")]

    first, nothing = await consolidated(store_thread, [told], model)
    unasked, _ = await consolidated(store_thread, [], model)
    second, held = await consolidated(store_thread, [], model, again=True)
    third, _ = await consolidated(store_thread, [], model, again=True)

    assert (1, 0, []) == (first.partly, unasked.chats, nothing)
    assert (1, 1, 0, ()) == (second.chats, second.again, second.partly, second.failures)
    assert "The user am allergic to peanuts." in held
    assert 0 == third.chats


async def test_what_can_not_be_read_twice_is_left_and_what_else_was_said_that_day_is_kept(store_thread):
    model = engine(observe=lambda text: "garbage" if "Ghent" in text else observer(text))
    told = [said("I live in Ghent"), said("I sing"), said("I dance")]

    first, nothing = await consolidated(store_thread, [told], model)
    second, held = await consolidated(store_thread, [], model, again=True)
    third, _ = await consolidated(store_thread, [], model, again=True)

    assert (1, [], 1, 1, 0) == (first.partly, nothing, second.partly, second.again, third.chats)
    assert {"The user sing.", "The user dance."} == set(held)


async def test_a_part_of_which_the_model_was_not_sure_is_marked_and_not_tried_again(store_thread):
    model = engine()
    model.marks = (Mark(characters=1, tokens=1, surprise=0.0), Mark(characters=900, tokens=9, surprise=90.0))

    first, _ = await consolidated(store_thread, [[said("I am allergic to peanuts")]], model)
    again, _ = await consolidated(store_thread, [], model, again=True)
    doubted = (await store_thread.run(message_queries.observer_marks))[DOUBTED]

    assert (1, 0, 0, 0, 1) == (first.unsure, first.observations, first.partly, again.chats, doubted)


async def test_an_observation_that_can_not_evolve_takes_nothing_from_the_others(store_thread):
    def evolving(text):
        raise PromptTooLong(9001, 512)

    told = [said("I live in Ghent"), said("I live in Oslo"), said("I sing")]

    report, held = await consolidated(store_thread, [told], engine(evolve=evolving))

    assert {"The user live in Ghent.", "The user sing."} == set(held)
    assert (1, 1) == (report.partly, len(report.failures))


async def test_a_crash_of_the_engine_is_no_verdict_on_a_chat(store_thread):
    def crashing(text):
        raise ChildCrashed("engine", exit_code=-9)

    with pytest.raises(ChildCrashed):
        await consolidated(store_thread, [[said("I live in Ghent")]], engine(observe=crashing))
    report, _ = await consolidated(store_thread, [], engine())

    assert (1, 1) == (report.chats, report.observations)


async def test_a_memory_that_the_engine_refuses_to_ask_about_is_reported(store_thread):
    def asking(line):
        raise PromptTooLong(9001, 512)

    report, held = await consolidated(store_thread, [[said("I live in Ghent")]], engine(ask=asking))

    assert (1, 0, (str(PromptTooLong(9001, 512)),)) == (len(held), report.lessons, report.failures)


@pytest.fixture(params=["Pacific/Honolulu", "Pacific/Auckland"])
def far_from_utc(request):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


async def test_the_first_and_the_last_moment_there_is_are_read_like_others(store_thread, far_from_utc):
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    chats_said = [
        [NewMessage(role="user", text="I sing", said_at=first)],
        [NewMessage(role="user", text="I still sing", said_at=last)],
    ]
    near = engine(observe=lambda text: ["yesterday: The user sings."])

    report, held = await consolidated(store_thread, chats_said, near)

    assert (2, 1, ()) == (report.chats, len(held), report.failures)


async def worked(store_thread, consolidation, payload=None):
    """The consolidation did a job with this payload; its last report."""
    await store_thread.run(jobs.enqueue, "tend", payload or {})
    job = await store_thread.run(jobs.claim, "tend", now=datetime.now(UTC), lease_s=60)
    await store_thread.run(jobs.finish, job)
    await consolidation.work(job)
    return consolidation.last


async def consolidation_of(store_thread, engine, quiet_s=1.0):
    embedder = FakeEmbedder()
    made = await embedder.info()
    await store_thread.run(vectors.prepare, made.id, made.dimension)
    return MemoryConsolidation(core_of(store_thread, engine, embedder), quiet_s=quiet_s, by_itself=True)


async def test_what_waits_is_not_due_and_is_studied_once_it_waits_no_longer(store_thread):
    consolidation = await consolidation_of(store_thread, LearningEngine())
    home = await remember(store_thread, "The user lives in Ghent.")
    other = await remember(store_thread, "The user lives in Bonn.", told_on=date.today(), beside=home)
    waits = await consolidation.due()
    made = (await worked(store_thread, consolidation)).lessons
    await store_thread.run(memories.undo, other.id, today=date.today())
    settled = await consolidation.due()
    await worked(store_thread, consolidation)
    due = await consolidation.due()

    assert (None, 0) == (waits, made)
    assert ({}, 5, None) == (settled, consolidation.last.lessons, due)


async def test_what_gave_no_lessons_is_not_due_again_unless_asked_but_what_was_told_meanwhile_is(
    store_thread,
):

    class Listening(LearningEngine):
        heard = 0

        async def complete(self, messages, **rest):
            if not self.heard:
                self.heard = (await remember(store_thread, "The user lives in Ghent.")).id
            return await super().complete(messages, **rest)

    engine = Listening()
    engine.scripts["ask"] = lambda line: []
    consolidation = await consolidation_of(store_thread, engine)
    await remember(store_thread, "The user's dog is called Rex.")
    await worked(store_thread, consolidation)
    meanwhile, given_up = await consolidation.due(), consolidation.last.given_up
    await worked(store_thread, consolidation)
    due, then = await consolidation.due(), consolidation.last.given_up
    await worked(store_thread, consolidation, {"again": True})
    found = meanwhile, given_up, then, due, consolidation.last.given_up

    assert ({}, {1}, {2}, None, {1, 2}) == found


async def test_forgetting_clears_what_the_last_round_quotes(store_thread):
    consolidation = await consolidation_of(store_thread, LearningEngine())
    await consolidation.forget()
    consolidation.last = ConsolidationReport(
        chats=1, observations=0, ops={}, lessons=0, unsure=0, failures=("'Ghent'",)
    )
    await consolidation.forget()

    assert () == consolidation.last.failures


async def test_the_log_tells_how_much_could_not_be_read_and_nothing_of_chats(store_thread, caplog):
    caplog.set_level(logging.INFO)
    engine = LearningEngine()
    engine.scripts["observe"] = lambda text: "I live in Ghent: no JSON"
    consolidation = await consolidation_of(store_thread, engine, quiet_s=0.0)
    await store_thread.run(chats.record, [said("I live in Ghent")], at=NOON)
    await worked(store_thread, consolidation)
    unread = await consolidation.unread()
    await worked(store_thread, consolidation, {"again": True})
    later = await consolidation.unread()

    assert (Unread(parts=1, in_vain=0, doubted=0), Unread(parts=1, in_vain=1, doubted=0)) == (unread, later)
    assert "Ghent" in consolidation.last.failures[0]
    assert "could not be read" in caplog.text and "Ghent" not in caplog.text


async def test_for_a_model_that_can_not_learn_memories_are_made_and_no_lessons(store_thread):
    await store_thread.run(chats.record, [said("I live in Ghent")], at=NOW - timedelta(days=1))
    core = core_of(store_thread, engine())
    work = MemoryConsolidation(core, quiet_s=0, by_itself=True, learns=False)
    await store_thread.run(jobs.enqueue, "tend", {}, unique="tend")
    await work.work(await store_thread.run(jobs.claim, "tend", now=datetime.now(UTC), lease_s=60))

    assert (1, 0, ()) == (work.last.observations, work.last.lessons, work.last.failures)
    assert await work.due() is None


async def test_of_an_import_of_years_each_round_reads_a_part_and_says_what_is_left(store_thread):
    parts, seen = 7, []
    for day in range(parts):
        await store_thread.run(chats.record, [said(f"I have dog number {day}", day=day)], at=NOW)
    core = core_of(store_thread, engine())
    now = NOW + timedelta(seconds=300)

    def on_part(done, every):
        seen.append((done, every))

    for _ in range(3):
        await consolidate(core, now=now, quiet_s=60, most=3, on_part=on_part)

    assert [(n, 7) for n in range(4)] + [(n, 4) for n in range(4)] + [(0, 1), (1, 1)] == seen
    assert 0 == await store_thread.run(chats.count_unread, VERSION)


class Slow(FakeEngine):
    """Takes the longer the more there is still to be read, and counts what it is asked at once."""

    under_way = most = 0

    async def complete(self, messages, **named):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0.005 if "Ghent" in messages[-1]["content"] else 0.001)
            return await super().complete(messages, **named)
        finally:
            self.under_way -= 1


async def test_parts_are_read_several_at_once_and_still_evolve_by_their_dates(store_thread):
    towns = ["Ghent", "Oslo", "Bonn", "Riga", "Graz", "Metz"]
    model = Slow(observe=observer, evolve=engine().scripts["evolve"], ask=pairs_about)
    chats_said = [[said(f"I live in {town}", day=day)] for day, town in enumerate(towns)]
    report, held = await consolidated(store_thread, chats_said, model)

    assert (AT_ONCE, {"ADD": 1, "RECONCILE": 5}) == (model.most, report.ops)
    assert ["The user live in Metz."] == held


async def test_what_is_forgotten_between_its_reading_and_evolving_is_not_learned(store_thread):
    ids = []

    class Forgetful(FakeEngine):
        async def complete(self, messages, **named):
            if "New:" in messages[-1]["content"] and ids:  # the first one evolves, the next was read
                await store_thread.run(forgetting.forget, messages=[ids.pop()])
            return await super().complete(messages, **named)

    model = Forgetful(observe=observer, evolve=engine().scripts["evolve"], ask=pairs_about)
    await remember(store_thread, "The user live in Graz.")
    (secret,) = await store_thread.run(chats.record, [said("I live in Oslo", day=1)], at=NOW)
    ids.append(secret.id)
    report, held = await consolidated(store_thread, [[said("I live in Ghent")]], model)

    assert (0, 1) == (len(ids), report.observations)
    assert "The user live in Ghent." in held and not any("Oslo" in one for one in held)


async def test_how_long_the_rest_takes_is_told_while_chats_are_read(store_thread):
    consolidation = await consolidation_of(store_thread, LearningEngine(), quiet_s=0.0)
    consolidation._reading = (20, 80, time.monotonic() - 10.0)
    under_way = await consolidation.unread()

    assert (60, 20) == (under_way.waiting, under_way.done)
    assert under_way.left_s is not None and 29 < under_way.left_s < 35


async def test_what_is_observed_waits_where_the_user_wants_to_be_asked_and_is_read_once(store_thread):
    await store_thread.run(chats.record, [said("I live in Ghent")], at=NOW)
    core, now = core_of(store_thread, engine()), NOW + timedelta(seconds=300)

    reports = [await consolidate(core, now=now, quiet_s=60, approve=True) for _ in range(2)]
    waiting = await store_thread.run(proposals.waiting)

    assert [{"PROPOSE": 1}, {}] == [report.ops for report in reports]
    assert [("The user live in Ghent.", (1,))] == [(one.text, one.sources) for one in waiting]
    assert ([], 0) == (await store_thread.run(memories.holding), reports[0].lessons)
