"""
The one job of a trainer process: a JSON object on stdin, checked in full before anything heavy is loaded.

Promises: a `Job` that exists is well-formed; whatever else was sent is a `BadJob` of one line that names the
place.
Knows nothing of models: whether the file at `model` can be trained on is found out later.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import BadJob
from trainer.recipe import Recipe, parse_recipe

KINDS = ("fact", "before", "as_of", "two", "abstain", "general", "reading")
SPLITS = ("train", "exam")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One question with its answer, and what the teacher may read before answering."""

    id: int | str
    question: str
    answer: str
    grounding: str | None  # the teacher's whole system turn; None = no system turn, the base as it is
    kind: str
    split: str
    sees: bool = False  # the student keeps the grounding in its prompt too


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one trainer process is asked to do."""

    model: Path  # a Qwen3 GGUF
    lessons: tuple[Lesson, ...]
    recipe: Recipe
    out: Path  # where the adapter appears, whole or not at all
    seed: int
    checkpoints: Path | None = None  # a private folder in memory; None = a night cut short begins again


def parse_job(text: str | bytes) -> Job:
    """
    The job written in `text`, a JSON object.

    Raises:
        BadJob: the text is not such an object, or any value in it is of no use.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadJob("stdin", f"is not JSON ({' '.join(str(error).split())})") from error
    _check_keys(
        "stdin", given, required={"model", "lessons", "out"}, optional={"recipe", "seed", "checkpoints"}
    )
    seed = given.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise BadJob("'seed'", f"is {seed!r}; it must be a whole number from 0 to 2**63 - 1")
    if not isinstance(given["lessons"], list):
        raise BadJob("'lessons'", "must be a list")
    model, out = _path("model", given["model"]), _path("out", given["out"])
    if not out.parent.is_dir():
        raise BadJob("'out'", f"is {str(out)!r}, but there is no folder {str(out.parent)!r}")
    if out.is_dir() or out.resolve() == model.resolve():
        raise BadJob("'out'", f"is {str(out)!r}, which is a folder or the model itself")
    checkpoints = None if given.get("checkpoints") is None else _path("checkpoints", given["checkpoints"])
    if checkpoints is not None and not checkpoints.is_dir():
        raise BadJob("'checkpoints'", f"is {str(checkpoints)!r}, which is no folder")
    return Job(
        model=model,
        lessons=tuple(_lesson(index, each) for index, each in enumerate(given["lessons"])),
        recipe=parse_recipe(given.get("recipe") or {}),
        out=out,
        seed=seed,
        checkpoints=checkpoints,
    )


def _lesson(index: int, given: Any) -> Lesson:
    where = f"lesson {index}"
    _check_keys(
        where, given, required={"id", "question", "answer", "kind", "split"}, optional={"grounding", "sees"}
    )
    if isinstance(given["id"], bool) or not isinstance(given["id"], int | str):
        raise BadJob(where, "has an 'id' that is neither a whole number nor a text")
    grounding = given.get("grounding")
    if grounding is not None:
        grounding = _words(where, "grounding", grounding)
    sees = given.get("sees", False)
    if not isinstance(sees, bool):
        raise BadJob(where, "has a 'sees' that is neither true nor false")
    if sees and grounding is None:
        raise BadJob(where, "has 'sees', but no 'grounding' to see")
    return Lesson(
        id=given["id"],
        question=_words(where, "question", given["question"]),
        answer=_words(where, "answer", given["answer"]),
        grounding=grounding,
        kind=_one_of(where, "kind", given["kind"], KINDS),
        split=_one_of(where, "split", given["split"], SPLITS),
        sees=sees,
    )


def _check_keys(where: str, given: Any, *, required: set[str], optional: set[str]) -> None:
    if not isinstance(given, Mapping):
        raise BadJob(where, "must be an object")
    if missing := required - given.keys():
        raise BadJob(where, f"lacks {', '.join(map(repr, sorted(missing)))}")
    if unknown := given.keys() - required - optional:
        raise BadJob(where, f"has unknown keys: {', '.join(map(repr, sorted(unknown)))}")


def _path(name: str, given: Any) -> Path:
    if not isinstance(given, str) or not given or "\0" in given:
        raise BadJob(f"{name!r}", "must be a path")
    return Path(given)


def _words(where: str, name: str, given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise BadJob(where, f"has a {name!r} without words")
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise BadJob(where, f"has a {name!r} with half a surrogate pair") from error
    return given


def _one_of(where: str, name: str, given: Any, known: tuple[str, ...]) -> str:
    if not isinstance(given, str) or given not in known:
        raise BadJob(where, f"has the {name} {given!r}; it must be one of {', '.join(known)}")
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the work is."""

    done: int
    total: int
    unit: str  # "lessons" while the teacher answers, "steps" while the student learns
    note: str
    loss: float | None = None  # nats per answer token of the last step
    exam_loss: float | None = None  # the same of the exam lessons, where they were looked at after that step


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An adapter was written."""

    adapter: Path
    sha256: str
    steps: int  # of the adapter that was written; more may have been tried before the early stop
    train_loss: float  # nats per answer token, mean of the last tenth of the steps
    exam_loss: (
        float | None
    )  # nats per answer token of the adapter that was written; None without exam lessons
    seconds: float
    lessons: int  # of the train split, learned
    skipped: int  # of both splits, too long
    contradicting: int  # of both splits, left out: another lesson answers the same question otherwise
    backend: str  # for people: library, device, how numbers are held
    peak_mb: float  # most memory held at once (10**6 bytes): of the card on CUDA, else of the process
    tokens: int  # of prompts and answers that the student learned, each as often as it was seen
    tokens_per_s: float  # of those, what this process learned in a second, teacher and exam looks included
    resumed_from: int  # step of the checkpoint that was gone on from; 0 = from the beginning
