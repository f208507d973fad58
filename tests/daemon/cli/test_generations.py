"""`tsubasa generations` and `tsubasa night report`, as a user types them."""

import json
import stat
from datetime import date

import pytest

from daemon.errors import FileTaken, Refused, ReplacesModel, WrittenTwice
from store import generations, lessons, memories, nights
from store.lessons import NewLesson
from tests.daemon.api.test_own import nothing
from tests.daemon.cli.test_memories import typed
from tests.fakes import SHA256

EXAM = {
    "parts": {"facts": {"asked": 2, "candidate": 0.5, "live": 0.0, "base": 0.0}},
    "missed": [{"part": "facts", "lesson_id": 2, "question": "Who am I?", "wanted": "Lena.", "said": "Rex."}],
    "compared": {"facts": {"difference": 0.5, "low": 0.25}},
}


def fill(db):
    """Two adopted generations, of which the second knows one memory more; a refused one; one of another model."""
    made = [
        memories.add(db, text, told_on=date(2026, 3, 5), sources=())
        for text in ("The user lives in [Ghent].", "The user's dog is called Rex.")
    ]
    ids = lessons.add(
        db,
        [
            NewLesson(
                question=f"Question {memory.id}?",
                answer=memory.text,
                grounding=None,
                kind="fact",
                split=split,
                memory_ids=(memory.id,),
            )
            for memory in made
            for split in ("train", "exam")
        ],
    )
    plan = (
        (SHA256, "adopt", ids[:2]),
        (SHA256, "adopt", ids),
        (SHA256, "refuse", ids),
        ("c" * 64, "adopt", []),
    )
    for number, (base, verb, learned) in enumerate(plan, start=1):
        night = nights.begin(db, job_id=None, was_live=max(0, number - 1))
        generations.propose(db, b"adapter %d" % number, base_sha256=base, lesson_ids=learned)
        marks = {"facts": [[ids[1], 1.0, 0.0, 0.0, 1], [ids[3], float(number == 2), 0.0, 0.0, 1]]}
        decide = generations.adopt if verb == "adopt" else generations.refuse
        decide(db, number, EXAM | {"marks": marks}, f"it knows {number} things")
        nights.end(
            db,
            night.id,
            "adopted" if verb == "adopt" else "refused",
            generation_id=number,
            backend="torch, cpu",
            numbers={
                "lessons": 4,
                "memories": 2,
                "learned": [made[-1].id] if number == 2 else [],
                "corrected": [[made[0].id, 99]] if number == 2 else [],
                "missed": [ids[1]],
                "waiting": {"it changes every day": [made[0].id]} if number == 2 else {},
                "cost": {"train_s": 61.0, "total_s": 125.0, "pauses": 1, "paused_s": 3.0, "peak_mb": 900.0},
            },
        )


async def four(world):
    await world.store_thread.run(fill)


def said(folder, *words):
    (told,) = typed(folder, four, ["generations", *words])
    return told


def test_generations_are_listed_with_why_some_can_not_answer(tmp_path):
    bare, listed, found = typed(
        tmp_path, four, ["generations"], ["generations", "list"], ["generations", "list", "--json"]
    )

    assert bare == listed
    assert ["1", "2", "3", "4"] == [str(one["id"]) for one in json.loads(found)["generations"]]
    lines = {line.lstrip("* ").split()[0]: line for line in listed.splitlines() if line.strip()}
    assert lines["2"].startswith("*") and "50%" in lines["2"]
    assert "another model" in " ".join(listed.split())
    assert [None, None] == [one["why_not"] for one in json.loads(found)["generations"][:2]]


def test_a_damaged_adapter_shows_where_its_generation_is_shown(tmp_path):
    async def damaged(world):
        await four(world)
        await world.store_thread.run(
            lambda db: db.execute("update generations set adapter = x'00' where id = 1")
        )

    (told,) = typed(tmp_path, damaged, ["generations", "show", "1"])

    assert "damaged: its sha256" in " ".join(told.split())


def test_a_generation_shows_its_exam_its_lessons_and_what_it_learned(tmp_path):
    told = said(tmp_path, "show", "2")

    assert "Generation 2, adopted on" in told and "it knows 2 things" in told
    assert "facts" in told and "knows without being told" in told
    assert "+50%, and with 95 % certainty at least +25%" in told
    assert "2 + 2 fact" in told and "from 2 memories" in told
    assert "2026-03-05: The user lives in [Ghent]." in told
    assert "missed Who am I? 'Rex.', not 'Lena.'" in told


def test_a_generation_of_a_first_night_is_shown_and_listed_when_it_was_tainted(tmp_path):
    async def tainted(world):
        await four(world)
        exam = {"parts": {"facts": {"asked": 2, "candidate": 0.5, "live": None, "base": 0.0}}}
        await world.store_thread.run(
            lambda db: db.execute("update generations set exam = ? where id = 1", (json.dumps(exam),))
        )
        await world.store_thread.run(memories.forget, [1])

    shown, listed = typed(tmp_path, tainted, ["generations", "show", "1"], ["generations"])

    assert "Generation 1, tainted on" in shown and "knows without being told" in shown
    assert "50%" in listed
    assert "can't answer: it has learned something that was forgotten since" in " ".join(listed.split())


def test_a_list_of_generations_reads_neither_single_marks_nor_adapters(tmp_path):
    """It grows with their number alone: a damaged adapter isn't noticed, and no mark is sent for."""

    async def damaged(world):
        await four(world)
        await world.store_thread.run(
            lambda db: db.execute("update generations set adapter = x'00' where id = 2")
        )
        brief = await world.store_thread.run(generations.all)
        assert [{"parts", "compared"}] * 4 == [one.exam.keys() for one in brief]

    (listed,) = typed(tmp_path, damaged, ["generations", "list", "--json"])

    assert [None, None] == [one["why_not"] for one in json.loads(listed)["generations"][:2]]


def test_two_generations_are_compared_by_questions_and_memories(tmp_path):
    told = said(tmp_path, "compare", "1", "2", "--ask", "Where do I live?")

    assert "2: 50%, 100%" in told
    assert "only generation 2: Question 2?" in told
    assert "Only generation 2 learned" in told and "called Rex" in told
    assert told.count("Hello.") == 2


def test_the_base_is_compared_by_what_it_said_in_the_others_exam(tmp_path):
    found = json.loads(said(tmp_path, "compare", "0", "2", "--json"))

    assert (0.0, 1.0) == (found["parts"]["facts"]["a"], found["parts"]["facts"]["b"])
    assert [(0.0, 1.0)] * 2 == [(one["a"], one["b"]) for one in found["differing"]]


def test_comparing_with_a_generation_of_another_model_says_so(tmp_path):
    assert "Generation 4 can't answer here: it was trained on another model" in said(
        tmp_path, "compare", "2", "4"
    )


@pytest.mark.parametrize(
    "words", [["compare", "0", "0"], ["compare", "1", "9"], ["show", "9"], ["show", "0"]]
)
def test_a_generation_that_is_not_there_is_refused(tmp_path, words):
    with pytest.raises(Refused, match="no generation"):
        said(tmp_path, *words)


def test_going_back_says_what_it_did_and_ends_at_the_base(tmp_path):
    first, now = typed(tmp_path / "one", four, ["generations", "rollback"], ["generations", "use", "2"])
    *_, base, listed = typed(
        tmp_path / "two", four, *[["generations", "rollback"]] * 2, ["generations", "--json"]
    )
    with pytest.raises(Refused, match="the base model answers"):
        typed(tmp_path / "four", four, *[["generations", "rollback"]] * 3)
    with pytest.raises(Refused, match="the base model answers"):
        typed(tmp_path / "three", nothing, ["generations", "rollback"])

    assert "Generation 1 answers now" in first and "tsubasa generations use 2" in first
    assert "Generation 2 answers." in now
    assert "The base model answers now" in base and "tsubasa generations use 1" in base
    assert 0 == json.loads(listed)["live"]


def test_going_back_passes_over_a_damaged_one(tmp_path):
    async def damaged(world):
        await four(world)
        await world.store_thread.run(
            lambda db: db.execute("update generations set adapter = x'00' where id = 1")
        )

    (said,) = typed(tmp_path, damaged, ["generations", "rollback"])

    assert "The base model answers now" in said


def test_an_adapter_is_taken_out_for_its_owner_alone(tmp_path):
    file = tmp_path / "mine.gguf"
    told = said(tmp_path / "home", "export", "2", str(file))

    assert (b"adapter 2", 0o600) == (file.read_bytes(), stat.S_IMODE(file.stat().st_mode))
    assert "It holds what you told" in told
    with pytest.raises(FileTaken):
        said(tmp_path / "again", "export", "1", str(file))
    said(tmp_path / "forced", "export", "1", str(file), "--force")
    assert b"adapter 1" == file.read_bytes()


@pytest.mark.parametrize("words", [["other.gguf"], ["--merged", "other.gguf"]])
def test_the_served_model_is_never_written_over_by_whatever_name(tmp_path, words):
    model, link = tmp_path / "home" / "fake.gguf", tmp_path / "other.gguf"

    async def linked(world):
        await four(world)
        model.write_bytes(b"the model")
        link.symlink_to(model)

    paths = [str(tmp_path / word) if word.endswith("gguf") else word for word in words]
    with pytest.raises(ReplacesModel, match="it is the model that is served"):
        typed(tmp_path / "home", linked, ["generations", "export", "2", *paths, "--force"])

    assert (b"the model", True) == (model.read_bytes(), link.is_symlink())


def test_adapter_and_merged_model_are_not_written_under_one_name(tmp_path):
    file = tmp_path / "mine.gguf"
    with pytest.raises(WrittenTwice, match="can't be one file"):
        said(tmp_path / "home", "export", "2", str(file), "--merged", f"{tmp_path}/./mine.gguf", "--force")

    assert not file.exists()


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("0", "base model, which has no adapter"),
        ("3", "refused, not adopted"),
        ("4", "another model"),
        ("9", "none of that"),
    ],
)
def test_what_must_not_answer_is_not_taken_out(tmp_path, number, why):
    with pytest.raises(Refused, match=why):
        said(tmp_path / "home", "export", number, str(tmp_path / "mine.gguf"))

    assert not (tmp_path / "mine.gguf").exists()


def test_the_morning_report_tells_each_section(tmp_path):
    (told,) = typed(tmp_path, four, ["night", "report", "2"])

    for words in (
        "Night 2",
        "generation 2 is live",
        "It knows 2 things",
        "learned 1",
        "called Rex.",
        "corrected 1",
        "[Ghent]",
        "answered wrongly in the exam 1",
        "waiting 1",
        "it changes every day",
        "2 min 05 s, of that training 1 min 01 s; 4 lessons from 2 memories",
        "900 MB at most",
        "paused once for 3 s",
    ):
        assert words in " ".join(told.split()), words
    assert max(map(len, told.splitlines())) <= 80


def test_the_latest_report_and_the_list_come_as_one_line_of_json(tmp_path):
    latest, listed, table = typed(
        tmp_path, four, ["night", "report", "--json"], ["night", "list", "--json"], ["night", "list"]
    )

    assert ("\n", 1) == (latest[-1], latest.count("\n"))
    assert (4, "adopted") == (json.loads(latest)["night"], json.loads(latest)["outcome"])
    assert [4, 3, 2, 1] == [one["night"] for one in json.loads(listed)["nights"]]
    rows = [line.split() for line in table.splitlines() if line[:1].isdigit()]
    assert [["4", "adopted", "4"], ["3", "refused", "3"]] == [[row[0], *row[3:5]] for row in rows[:2]]


def test_before_the_first_night_that_is_said(tmp_path):
    (listed,) = typed(tmp_path / "one", nothing, ["night", "list"])
    with pytest.raises(Refused, match="no night yet"):
        typed(tmp_path / "two", nothing, ["night", "report"])
    with pytest.raises(Refused, match="no night 7"):
        typed(tmp_path / "three", nothing, ["night", "report", "7"])

    assert "There was no night yet" in listed
