"""What a night costs before it begins, and what it leaves for the next one where its hours are too short."""

import time
from dataclasses import replace

from daemon.night.pace import Paces
from daemon.night.pipeline import foresee
from daemon.night.planning import nights_waited, waits_for_room
from store import generations
from tests.daemon.night.fakes import BASE, MEASURING, PACE, TRAINER, services_of

FACTS = ("The user lives in Ghent.", "The user's dog is called Rex.", "The user plays the cello.")
ROOM_S = 60.0  # for about half of these


def paces_of(home, pace=PACE):
    made = Paces(home.folder)
    made.keep(BASE, pace)
    return made


async def foreseen(home, *, within_s=1e9, measure=False, paces=None, script=MEASURING + TRAINER):
    services = services_of(home.store_thread, home.engine, home.folder, script, paces=paces)
    return await foresee(services, within_s=within_s, measure=measure, known={})


async def taught(home):
    live = await home.live()
    return await home.run(generations.memory_ids, live.id) if live else frozenset()


async def test_a_night_without_room_for_all_teaches_some_and_the_next_ones_the_others(home):
    await home.learn(*FACTS)
    later, known = [], set[int]()
    for _ in range(3):
        await home.night(paces=paces_of(home), within_s=ROOM_S)
        waiting = (await home.report())["waiting"]
        later.append({one["id"] for one in waiting if one["reason"] == "later"})
        known |= await taught(home)

    assert all(later) and {1, 2, 3} == known
    assert len(later[-1]) == await home.run(waits_for_room)
    assert later[-1] == set(await home.run(nights_waited))


async def test_what_a_night_has_spent_on_its_lessons_is_no_room_for_training(home):
    await home.learn(*FACTS)
    began = time.monotonic() - 1e9 + ROOM_S  # it has worked all its hours but these
    await home.night(paces=paces_of(home), within_s=1e9, began=began)

    assert 0 < len(await taught(home)) < 3


async def test_a_night_that_goes_on_leaves_out_what_it_left_out_before(home):
    await home.learn(*FACTS)
    chosen = []

    async def note(later):
        chosen.append(later)

    await home.night(paces=paces_of(home), within_s=1e9, on_later=note)
    report = await home.night(paces=paces_of(home), within_s=1e9, later=frozenset({2}), on_later=note)

    assert [frozenset()] == chosen
    assert (0, 1) == (report.exam.get("nothing", 0), await home.run(waits_for_room))


async def test_a_night_that_was_asked_for_teaches_all(home):
    await home.learn(*FACTS)
    await home.night(paces=paces_of(home, replace(PACE, student=1e-6)))

    assert {1, 2, 3} == await taught(home)


async def test_what_is_not_measured_is_not_foretold_until_it_is_measured(home):
    await home.learn(*FACTS)
    before = await foreseen(home, paces=Paces(home.folder))
    await home.night()
    unknown = await foreseen(home, paces=Paces(home.folder))
    measured = await foreseen(home, paces=Paces(home.folder), measure=True)
    again = await foreseen(home, paces=Paces(home.folder), script="raise SystemExit(2)", measure=True)

    assert (3, "no memory has its lessons yet; the night makes them first") == (
        before.to_study,
        before.why_none,
    )
    assert ("", 3) == (unknown.cost.by, unknown.memories)
    assert ("calibration", 2000) == (measured.cost.by, measured.cost.peak_mb)
    assert measured.cost == again.cost
    assert measured.cost.total_s > measured.cost.student_s > 0


async def test_a_night_by_itself_that_may_be_too_long_is_measured_first(home):
    await home.learn(*FACTS)
    home.engine.bytes = 10**15
    paces = Paces(home.folder)

    await home.night(MEASURING + TRAINER, paces=paces, within_s=1e9)

    assert "calibration" == paces.load(BASE).by


async def test_with_a_model_that_can_not_learn_nothing_is_foretold(home):
    home.engine.cannot_learn = "the architecture mamba"
    await home.learn(*FACTS)

    assert "the model answers, but can't learn: the architecture mamba" == (await foreseen(home)).why_none
