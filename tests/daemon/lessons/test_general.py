"""General lessons: which there are, when they are made, and which of them a night teaches."""

from collections import Counter

import pytest

from daemon.engine.client import Completion
from daemon.lessons.general import (
    BEFORE_A_NIGHT,
    FEWEST,
    IN_A_SPELL,
    NEAREST,
    add_general,
    general_lessons,
    prompts,
    tonights_part,
)
from prompts.load import lines, table
from store import lessons
from tests.daemon.memory.fakes import FakeEngine, core_of, make_lesson

GENERAL = [make_lesson(id, kind="general", answer="é" * (10 + id % 7)) for id in range(1, 101)]


class Speaker(FakeEngine):
    """Says `likeliest`, or when it is sampled something else."""

    def __init__(self, likeliest="I say so.", finish="stop", **rest):
        super().__init__(**rest)
        self.likeliest, self.ends = likeliest, finish

    async def complete(self, messages, *, sampling, **rest):
        await super().complete(messages, sampling=sampling, **rest)
        text = self.likeliest if sampling.temperature == 0 else "Something else."
        return Completion(text=text, finish=self.ends, prompt_tokens=1, completion_tokens=1)


def test_there_are_many_prompts_of_every_category_from_the_first_on():
    told = dict(table("general"))

    assert 200 <= len(prompts()) == len(set(prompts())) == sum(map(len, told.values()))
    nearest = told.pop(NEAREST)
    assert tuple(nearest) == prompts()[: len(nearest)]
    assert all(set(prompts()[len(nearest) :][: 2 * len(told)]) & set(category) for category in told.values())


async def test_all_are_made_over_several_spells_and_nights_and_a_tiny_model_makes_its_small_talk(
    store_thread,
):
    core = core_of(store_thread, Speaker(tiny=False))
    made = [await add_general(core)]
    first = await general_lessons(core.engine, await store_thread.run(lessons.holding))
    while made[-1]:
        made.append(await add_general(core))
    held = await store_thread.run(lessons.holding)
    tiny = core_of(store_thread, Speaker(tiny=True))

    assert (IN_A_SPELL, BEFORE_A_NIGHT) == (made[0], len(first))
    assert prompts() == tuple(one.question for one in held)
    assert {"base"} == {one.adapter for one in core.engine.asked}
    assert len(prompts()) // 5 == Counter(one.split for one in held)["exam"]
    assert 0 == await add_general(tiny)
    assert lines("small_talk") == tuple(one.question for one in await general_lessons(tiny.engine, []))


@pytest.mark.parametrize(
    ("said", "finish", "kept"),
    [
        ("One. Two. Three", "length", "One. Two."),
        ("一。二。三", "length", "一。二。"),
        ("It is 3.14 and so", "length", "It is 3.14 and so"),
        ("One. Two. Three", "stop", "One. Two. Three"),
        ("No. " + "but then it goes on " * 2, "length", "No. but then it goes on but then it goes on"),
        ("na na " * 20, "length", "Something else."),
        ("".join(f"{place}. Plums\n" for place in range(1, 12)), "length", "Something else."),
        ("Spring! " + "🌵" * 9, "length", "Something else."),
        ("1. Plums\n2. Figs\n3. Pears\n4. Plums", "stop", "1. Plums\n2. Figs\n3. Pears\n4. Plums"),
        ("", "stop", "Something else."),
    ],
)
async def test_an_answer_ends_with_a_sentence_and_one_that_goes_in_circles_is_sampled(said, finish, kept):
    (lesson, *_) = await general_lessons(Speaker(said, finish, tiny=False), [], most=1)

    assert kept == lesson.answer


def test_a_night_teaches_as_much_as_there_is_about_memories_and_nights_on_end_teach_all():
    few = [make_lesson(1000, 1, answer="You live in Ghent.")]
    many = [make_lesson(1000 + id, id, answer="x" * 26) for id in range(30)]  # 30 of 26 bytes each
    parts = [tonights_part([*many, *GENERAL], turn) for turn in range(4)]
    taught = [[one.id for one in part if one.kind == "general"] for part in parts]

    assert FEWEST == len(tonights_part([*few, *GENERAL], 0)) - 1
    assert 30 == pytest.approx(len(taught[0]), abs=1)
    assert {one.id for one in GENERAL} == {id for part in taught for id in part}
    assert parts[1] == tonights_part([*many, *GENERAL], 1)
    assert many == tonights_part(many, 3)


def test_what_is_said_to_the_assistant_itself_is_in_every_night():
    manners = [
        make_lesson(500 + place, kind="general", question=question)
        for place, question in enumerate(table("general")[NEAREST])
    ]
    parts = [tonights_part([*GENERAL, *manners], turn) for turn in range(3)]

    assert all(set(manners) <= set(part) for part in parts)
    assert [FEWEST + len(manners)] * 3 == [len(part) for part in parts]


def test_what_is_held_out_is_no_part_of_a_night():
    held_out = [make_lesson(id, kind="general", split="exam") for id in range(200, 240)]

    assert GENERAL[:20] == tonights_part([*GENERAL[:20], *held_out], 5)
