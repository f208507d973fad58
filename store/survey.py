"""
Survey: all that an audit of the memories looks at, in a few queries.

Promises: one moment of the store; nothing is written. Knows nothing of what is good or bad about a memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from store import memory_queries, recalls, vectors
from store.database import Connection, moment, rows
from store.memory_queries import Memory
from store.recalls import Recalls


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The memories, and what is known of each."""

    held: list[Memory]
    past: list[Memory]  # replaced or taken back
    made_at: Mapping[int, datetime]  # per memory
    source_roles: Mapping[int, frozenset[str]]  # who said it; missing: no message is named
    recalls: Mapping[int, Recalls]
    system_texts: list[str]  # what clients put before chats
    vector_ids: list[int]  # of held memories
    vectors: npt.NDArray[np.float32]  # (N, D), N as many as `vector_ids`


def survey(db: Connection) -> Survey:
    """Look at all memories; runs in the store's thread."""
    roles: dict[int, set[str]] = {}
    for memory_id, role in rows(
        db, "select memory_id, role from memory_sources join messages on messages.id = message_id"
    ):
        roles.setdefault(memory_id, set()).add(role)
    made = (
        "select memory_id, min(at) from events where op in ('ADD', 'UPDATE', 'RECONCILE') group by memory_id"
    )
    system = "select distinct text from messages where role in ('system', 'developer') and not redacted"
    vector_ids, kept = vectors.kept(db, "memory")
    return Survey(
        held=memory_queries.holding(db),
        past=memory_queries.past(db),
        made_at={memory_id: moment(at) for memory_id, at in rows(db, made) if memory_id is not None},
        source_roles={memory_id: frozenset(found) for memory_id, found in roles.items()},
        recalls=recalls.counted(db),
        system_texts=[text for (text,) in rows(db, system)],
        vector_ids=vector_ids,
        vectors=kept,
    )
