"""What a daemon tells, for tests of what is shown of it."""

from typing import Any

CONFIRMATION = {
    "id": "c1",
    "act": "forget",
    "says": "Some Editor wants to forget memory 3 for good.",
    "memories": [{"id": 3, "text": "The user lives in Ghent."}],
    "text": None,
}
TROUBLE = {"kind": "child", "what": "The engine does not start: no room.", "do": "Make room."}
GENERATIONS = {
    "live": 2,
    "generations": [
        {"id": 1, "made_at": "2026-11-01T03:00:00Z", "why_not": None},
        {"id": 2, "made_at": "2026-11-02T03:00:00Z", "why_not": None},
        {"id": 3, "made_at": "2026-11-03T03:00:00Z", "why_not": "it was refused, not adopted"},
    ],
}


def told(
    *,
    answers: int = 0,
    off: int = 0,
    logging: bool = True,
    until: str | None = None,
    night: dict[str, Any] | None = None,
    attention: tuple[dict[str, str], ...] = (),
    confirmations: int = 0,
    generation: int = 2,
) -> dict[str, Any]:
    """A status, of which the icon reads these parts."""
    return {
        "pid": 1,
        "generation": generation,
        "thinking": {"answers": answers, "off_the_record": off},
        "logging": {"on": logging, "until": until},
        "attention": list(attention),
        "confirmations": confirmations,
        "work": {"failure": None, "night": {"progress": night, "whole": _whole(night), "waiting": None}},
    }


def _whole(night: dict[str, Any] | None) -> float | None:
    return night["done"] / night["total"] if night and night["total"] else None


def progress(done: int, total: int, note: str = "training") -> dict[str, Any]:
    return {"done": done, "total": total, "unit": "steps", "note": note}
