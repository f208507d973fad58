"""
Undo an import in the running daemon: in the store, and then in the engine, as `forget` does.

Promises: when it returns, no generation answers that learned from the file alone. Knows nothing of HTTP.
"""

from dataclasses import dataclass

from daemon.engine.client import Engine
from daemon.keeper import Keeper
from daemon.night.ways_back import answer_without
from store import generations, undoing
from store.undoing import UndoReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What `undo_import` did, and which generation answers now."""

    report: UndoReport
    was_live: int  # 0 = base
    now_live: int


async def undo_import(keep: Keeper, engine: Engine, import_id: int, *, base_sha256: str) -> Undone:
    """
    Take back one import; a clean generation answers from then on. The engine need not be well.

    Args:
        base_sha256: of the model that is served.

    Raises:
        NoSuchImport: there is none with this id.
    """
    before = await keep.run(generations.live, base_sha256)
    report = await keep.run(undoing.undo_import, import_id)
    now_live = await answer_without(keep, engine, report.generations, base_sha256)
    return Undone(report=report, was_live=before.id if before else 0, now_live=now_live)
