"""Lineage: what a generation is made of, and two of them compared. Reads only, in the store's thread."""

from typing import Any

from store import generations, lessons, memories, nights
from store.database import Connection
from store.errors import not_found
from store.generations import BASE, Generation

NUMBERS = ("asked", "candidate", "live", "base")


def shown(db: Connection, generation: Generation) -> dict[str, Any]:
    """Its lessons by kind, its lineage in numbers, the lines that it learned, what its exam missed, its night."""
    lesson_ids = generations.lesson_ids(db, generation.id)
    learned = generations.memory_ids(db, generation.id)
    night = nights.made(db, generation.id)
    return {
        "lessons": [
            {"kind": kind, "train": train, "exam": exam}
            for kind, train, exam in generations.kinds(db, generation.id)
        ],
        "lineage": {
            "memories": len(learned),
            "lessons": len(lesson_ids),
            "forgotten_lessons": generation.lesson_count - len(lesson_ids),
        },
        "learned": [{"id": id, "line": line} for id, line in sorted(memories.lines(db, learned).items())],
        "missed": generation.exam.get("missed", []),
        "night": night.id if night else None,
    }


def compared(db: Connection, a: int, b: int) -> dict[str, Any]:
    """
    Two generations by their exams: each part's share, the same questions that only one had right, their memories.

    0 is the base model, as it did in the other's exam.
    """
    marks = {number: _marks(db, number, other) for number, other in ((a, b), (b, a))}
    parts = {}
    for part in dict.fromkeys([*marks[a], *marks[b]]):
        of_a, of_b = marks[a].get(part, {}), marks[b].get(part, {})
        both = of_a.keys() & of_b.keys()
        parts[part] = {
            "a": _share(list(of_a.values())),
            "b": _share(list(of_b.values())),
            "asked_a": len(of_a),
            "asked_b": len(of_b),
            "both": len(both),
            "same_a": _share([of_a[id] for id in both]),
            "same_b": _share([of_b[id] for id in both]),
        }
    own = {number: set(generations.memory_ids(db, number)) for number in (a, b)}
    return {
        "a": a,
        "b": b,
        "parts": parts,
        "differing": _differing(db, marks[a], marks[b]),
        "only_a": _lines(db, own[a] - own[b]),
        "only_b": _lines(db, own[b] - own[a]),
    }


def _marks(db: Connection, number: int, other: int) -> dict[str, dict[Any, float]]:
    """Marks by part and lesson; of the base, its column in the other's exam. Raises `NotFound`."""
    if number == BASE and other == BASE:
        raise not_found("generation", number)
    exam = generations.get(db, number or other).exam
    column = 3 if number == BASE else 1
    return {
        part: {
            row[0] if row[0] is not None else -place: row[column] for place, row in enumerate(rows, start=1)
        }
        for part, rows in exam.get("marks", {}).items()
    }


def _differing(
    db: Connection, a: dict[str, dict[Any, float]], b: dict[str, dict[Any, float]]
) -> list[dict[str, Any]]:
    """The questions that both were asked and only one had right."""
    found = [
        (part, id, a[part][id], b[part][id])
        for part in a.keys() & b.keys() - {"general", "likeness", "canary"}
        for id in a[part].keys() & b[part].keys()
        if a[part][id] != b[part][id]
    ]
    words = lessons.wordings(db, {id for _, id, _, _ in found})
    return [
        {"part": part, "question": words[id][0], "wanted": words[id][1], "a": by_a, "b": by_b}
        for part, id, by_a, by_b in sorted(found)
        if id in words
    ]


def _lines(db: Connection, memory_ids: set[int]) -> list[dict[str, Any]]:
    return [{"id": id, "line": line} for id, line in sorted(memories.lines(db, memory_ids).items())]


def _share(points: list[float]) -> float | None:
    return sum(points) / len(points) if points else None
