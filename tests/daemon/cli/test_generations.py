"""`tsubasa generations` and `tsubasa night report`, as a user types them."""

import json
import stat

import pytest

from daemon.errors import DaemonError, Refused
from store import generations, lessons, memories, nights
from store.lessons import NewLesson
from tests.daemon.api.world import DAY, nothing
from tests.daemon.cli.commands import typed, unwrapped
from tests.fakes import SHA256

PARTS = {"facts": {"asked": 2, "candidate": 0.5, "live": 0.0, "base": 0.0}}
EXAM = {
    "parts": PARTS,
    "missed": [{"part": "facts", "lesson_id": 2, "question": "Who am I?", "wanted": "Lena.", "said": "Rex."}],
    "compared": {"facts": {"difference": 0.5, "low": 0.25}},
}
COST = {"train_s": 61.0, "total_s": 125.0, "pauses": 1, "paused_s": 3.0, "peak_mb": 900.0}


def lesson(memory, split):
    asked = {"question": f"Question {memory.id}?", "answer": memory.text, "grounding": None}
    return NewLesson(**asked, kind="fact", split=split, memory_ids=(memory.id,))


def fill(db):
    """Two adopted generations, of which the second knows one memory more; a refused one; one of another model."""
    texts = ("The user lives in [Ghent].", "The user's dog is called Rex.")
    home, dog = (memories.add(db, text, told_on=DAY, sources=()) for text in texts)
    ids = lessons.add(db, [lesson(memory, split) for memory in (home, dog) for split in ("train", "exam")])
    second = {
        "learned": [dog.id],
        "corrected": [[home.id, 99]],
        "waiting": {"it changes every day": [home.id]},
    }
    for number, base, outcome, learned, more in (
        (1, SHA256, "adopted", ids[:2], {}),
        (2, SHA256, "adopted", ids, second),
        (3, SHA256, "refused", ids, {}),
        (4, "c" * 64, "adopted", [], {}),
    ):
        night = nights.begin(db, job_id=None, was_live=number - 1)
        generations.propose(db, b"adapter %d" % number, base_sha256=base, lesson_ids=learned)
        marks = {"facts": [[ids[1], 1.0, 0.0, 0.0, 1], [ids[3], float(number == 2), 0.0, 0.0, 1]]}
        decide = generations.adopt if outcome == "adopted" else generations.refuse
        decide(db, number, EXAM | {"marks": marks}, f"it knows {number} things")
        numbers = {"lessons": 4, "memories": 2, "learned": [], "corrected": [], "waiting": {}} | more
        numbers |= {"missed": [ids[1]], "cost": COST}
        nights.end(db, night.id, outcome, generation_id=number, backend="torch, cpu", numbers=numbers)


async def four(world):
    await world.store_thread.run(fill)


async def test_generations_are_listed_with_why_some_can_not_answer(tmp_path):
    words = ([], ["list"], ["list", "--json"], ["compare", "0", "2", "--json"])
    bare, listed, found, base = await typed(tmp_path, four, *(["generations", *one] for one in words))
    base, found = json.loads(base), json.loads(found)["generations"]

    assert bare == listed
    assert [(1, None), (2, None)] == [(one["id"], one["why_not"]) for one in found[:2]]
    lines = {line.lstrip("* ").split()[0]: line for line in listed.splitlines() if line.strip()}
    assert lines["2"].startswith("*") and "50%" in lines["2"]
    assert "another model" in unwrapped(listed)
    assert (0.0, 1.0) == (base["parts"]["facts"]["a"], base["parts"]["facts"]["b"])
    assert [(0.0, 1.0)] * 2 == [(one["a"], one["b"]) for one in base["differing"]]


async def test_a_generation_shows_its_exam_its_lessons_and_what_it_learned(tmp_path):
    (shown,) = await typed(tmp_path, four, ["generations", "show", "2"])

    assert "Generation 2, adopted on" in shown and "it knows 2 things" in shown
    assert "+50%" in shown and "+25%" in shown
    assert "2 + 2 fact" in shown and "from 2 memories" in shown
    assert "2026-03-05: The user lives in [Ghent]." in shown
    assert "missed Who am I? 'Rex.', not 'Lena.'" in shown


async def test_a_tainted_generation_of_a_first_night_is_shown_and_listed(tmp_path):
    async def tainted(world):
        await four(world)
        exam = {"parts": {"facts": PARTS["facts"] | {"live": None}}}
        await world.store_thread.run(
            lambda db: db.execute("update generations set exam = ? where id = 1", (json.dumps(exam),))
        )
        await world.store_thread.run(memories.forget, [1])

    shown, listed = await typed(tmp_path, tainted, ["generations", "show", "1"], ["generations"])

    assert "Generation 1, tainted on" in shown
    assert "50%" in listed and "forgotten since" in unwrapped(listed)


async def test_a_damaged_adapter_is_named_passed_over_and_not_read_for_a_list(tmp_path):
    async def damaged(world):
        await four(world)
        await world.store_thread.run(
            lambda db: db.execute("update generations set adapter = x'00' where id = 1")
        )
        brief = await world.store_thread.run(generations.all)
        assert [{"parts", "compared"}] * 4 == [one.exam.keys() for one in brief]

    words = (["show", "1"], ["list", "--json"], ["rollback", "--json"])
    shown, listed, back = await typed(tmp_path, damaged, *(["generations", *one] for one in words))

    assert "damaged: its sha256" in unwrapped(shown)
    assert [None, None] == [one["why_not"] for one in json.loads(listed)["generations"][:2]]
    assert (2, 0) == (json.loads(back)["was_live"], json.loads(back)["live"])


async def test_two_generations_are_compared_by_questions_and_memories(tmp_path):
    compare = ["generations", "compare"]
    compared, other = await typed(
        tmp_path, four, [*compare, "1", "2", "--ask", "Where do I live?"], [*compare, "2", "4"]
    )

    assert "2: 50%, 100%" in compared
    assert "only generation 2: Question 2?" in compared
    assert "Only generation 2 learned" in compared and "called Rex" in compared
    assert 2 == compared.count("Hello.")
    assert "Generation 4 can't answer here: it was trained on another model" in other


async def test_what_is_not_there_or_must_not_answer_is_refused(tmp_path):
    file = tmp_path / "mine.gguf"
    asked = [["compare", "0", "0"], ["compare", "1", "9"], ["show", "9"], ["show", "0"]]
    asked += [["export", number, file] for number in ("0", "3", "4", "9")]
    refused = await typed(tmp_path / "home", four, *(["generations", *one] for one in asked), catch=Refused)

    assert ["no generation"] * 4 == [text[text.find("no generation") :][:13] for text in refused[:4]]
    whys = ("no adapter", "refused", "another model", "none of that")
    assert all(why in text for text, why in zip(refused[4:], whys, strict=True))
    assert not file.exists()


async def test_going_back_says_what_it_did_and_ends_at_the_base(tmp_path):
    back, used = [["generations", word, "--json"] for word in ("rollback", "use")]
    used.insert(2, "2")
    first, again, *_, base, end = await typed(tmp_path, four, back, used, back, back, back, catch=Refused)
    (none,) = await typed(tmp_path / "empty", nothing, back, catch=Refused)

    assert (1, 2, 0) == tuple(json.loads(one)["live"] for one in (first, again, base))
    assert 0 <= json.loads(again)["swap_ms"]
    assert "the base model answers" in end and "the base model answers" in none


async def test_an_adapter_is_taken_out_for_its_owner_alone(tmp_path):
    file = tmp_path / "mine.gguf"
    export = ["generations", "export"]
    done, taken = await typed(
        tmp_path / "home", four, [*export, "2", file], [*export, "1", file], catch=DaemonError
    )

    assert (b"adapter 2", 0o600) == (file.read_bytes(), stat.S_IMODE(file.stat().st_mode))
    assert "unencrypted" in done and "--force" in taken
    await typed(tmp_path / "forced", four, [*export, "1", file, "--force"])
    assert b"adapter 1" == file.read_bytes()


async def test_the_served_model_is_never_written_over_by_whatever_name(tmp_path):
    model, link = tmp_path / "home" / "fake.gguf", tmp_path / "other.gguf"

    async def linked(world):
        await four(world)
        model.write_bytes(b"the model")
        link.symlink_to(model)

    commands = [["generations", "export", "2", *more, link, "--force"] for more in ([], ["--merged"])]
    refused = await typed(tmp_path / "home", linked, *commands, catch=DaemonError)

    assert all("the model that is served" in text for text in refused)
    assert (b"the model", True) == (model.read_bytes(), link.is_symlink())


async def test_adapter_and_merged_model_are_not_written_under_one_name(tmp_path):
    file = tmp_path / "mine.gguf"
    command = ["generations", "export", "2", file, "--merged", f"{tmp_path}/./mine.gguf", "--force"]
    with pytest.raises(DaemonError):
        await typed(tmp_path / "home", four, command)

    assert not file.exists()
