"""What memory, lessons, nights and forgetting all work with, as one record instead of three parameters."""

from dataclasses import dataclass

from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.store_thread import StoreThread


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The store, and the two models, of one running daemon."""

    store_thread: StoreThread
    engine: Engine
    embedder: Embedder
