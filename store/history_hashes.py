"""
Chains: the hashes by which a history that is sent again is found.

    hash = sha256(hash of the history before it, role, text)      forgotten: its mark in the place of the text

Promises: a history is found by its words alone, also where some of them were forgotten.
Knows nothing of chats: it sees turns and hashes.
"""

import hashlib
import json
from collections.abc import Sequence

from store import tombstones
from store.database import Connection, rows


def chain_hash(before: str, role: str, text: str) -> str:
    """
    The hash of a history: of the history `before` its last message ("" at the beginning), and of that
    message; a forgotten one has its mark for a text.
    """
    return hashlib.sha256(f"{before}\n{len(role)}\n{role}\n{text}".encode()).hexdigest()


def both_hashes(db: Connection, before: str, role: str, text: str) -> tuple[str, str]:
    """The hash with this message as it is, and the one once it is forgotten."""
    return chain_hash(before, role, text), chain_hash(before, role, tombstones.mark(db, role, text))


def longest_held(db: Connection, turns: Sequence[tuple[str, str]]) -> tuple[int, list[str]]:
    """
    How many of these turns (role, text), from the first on, are held in one chat, and the hashes of that
    beginning: several, where it is held with and without its words.
    """
    ends = [""]
    for place, (role, text) in enumerate(turns):
        longer = [hash for end in ends for hash in both_hashes(db, end, role, text)]
        sql = "select distinct hash from messages where hash in (select value from json_each(?))"
        held = [hash for (hash,) in rows(db, sql, (json.dumps(longer),))]
        if not held:
            return place, ends
        ends = held
    return len(turns), ends
