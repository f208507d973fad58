"""
Undo an import in the running daemon: in the store, and then in the engine, as `forget` does.

Promises: when it returns, no generation answers that learned from the file alone. Knows nothing of HTTP.
"""

from dataclasses import dataclass

from daemon.engine.client import Engine
from daemon.forgetting.verification import Unlearning
from daemon.forgetting.weight_probes import Fact, facts
from daemon.generations.activation import answer_without
from daemon.store_thread import StoreThread
from store import generations, import_undo
from store.database import Connection
from store.import_undo import UndoReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What `undo_import` did, and which generation answers now."""

    report: UndoReport
    was_live: int  # 0 = base
    now_live: int
    was_learned: bool  # as for `forget`


async def undo_import(
    store_thread: StoreThread,
    engine: Engine,
    import_id: int,
    *,
    base_sha256: str,
    unlearning: Unlearning | None = None,
) -> Undone:
    """
    Take back one import; a clean generation answers from then on. The engine need not be well.

    Args:
        base_sha256: of the model that is served.
        unlearning: as for `forget`.

    Raises:
        NoSuchImport: there is none with this id.
    """

    def take(db: Connection) -> tuple[list[Fact], bool, UndoReport]:
        concerned = import_undo.concerned(db, import_id)
        told = facts(concerned.lessons, concerned.memories)
        return told, bool(concerned.generations), import_undo.undo_import(db, import_id)

    before = await store_thread.run(generations.live, base_sha256)
    told, was_learned, report = await store_thread.run(take)
    now_live = await answer_without(store_thread, engine, report.generations, base_sha256)
    if unlearning is not None and was_learned:
        unlearning.begin(told, now_live)
    return Undone(
        report=report, was_live=before.id if before else 0, now_live=now_live, was_learned=was_learned
    )
