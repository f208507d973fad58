"""
The lessons that the product's own study makes of a synthetic user, for `bench/night_facts.py --study`.

    user's facts ──> a real store ──> generate_missing ──> add_regularisation ──> compose ──> lessons of one night

Promises: the model studies and answers as in a real night; only observing and evolving are left out: the
memories are the user's facts as nano words them. Knows nothing of training and scores.
"""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.users import User
from daemon.core import Core
from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.night.pipeline import prepare
from daemon.store_thread import StoreThread
from store import memories
from store.database import open_store
from store.lessons import Lesson


async def studied(engine: Engine, user: User, seed: int) -> list[Lesson]:
    """What a night learns of `user`, by the product's own study with the model of `engine`."""
    with TemporaryDirectory() as folder:
        embedder = Embedder.for_model(threads=1)
        store_thread = StoreThread(partial(open_store, Path(folder) / "tsubasa.db", b"k" * 32))
        await store_thread.open()
        try:
            await store_thread.run(_tell, user)
            core = Core(store_thread=store_thread, engine=engine, embedder=embedder)
            tonight, _ = await prepare(core, seed, lambda progress: None)
            return tonight
        finally:
            await store_thread.close()
            await embedder.stop()


def _tell(db: Any, user: User) -> None:
    for fact in sorted(user.facts, key=lambda one: one.told[0].on):
        held = memories.add(db, fact.sentence(0), told_on=fact.told[0].on, sources=())
        for at, told in enumerate(fact.told[1:], 1):
            held = memories.reconcile(db, held, fact.sentence(at), told_on=told.on, sources=())
