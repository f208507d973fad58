"""
What can go wrong with the store, in the words its user needs: what failed, which thing, why, what to do.

Every error that leaves `store/` by a user's fault, a disk's or a file's is a `StoreError`; a subclass stands for what
somebody catches, or what the HTTP API maps to a status. Foreign errors are translated in `database.py` and `keys.py`.
This module imports nothing: the tray and the client of the command line load it, and must not load the store.
"""

from collections.abc import Sequence


class StoreError(Exception):
    """Something about the store that a person can understand and mend."""


class StoreUnusable(StoreError):
    """The file of the store, or its key, can't be used; nothing was changed."""

    def __init__(self, problem: str, path: str, why: str = "") -> None:
        """`problem`: a key of `PROBLEMS`; `path`: the file, or where the key is; `why`: what was seen there."""
        super().__init__(PROBLEMS[problem].format(path=path, why=why))
        self.problem = problem


PROBLEMS = {
    "no store": "Can't open {path!r}: {why}. Nothing was changed. Put a backup back (tsubasa restore --replace), or "
    "move the file away to start anew.",
    "wrong key": "Can't open {path!r}: the key doesn't fit, or the file is no store. Nothing was changed. Put back the "
    "key that made it (OS keyring, or the file 'key' beside it), or put a backup with its key back: "
    "tsubasa restore --replace.",
    "too new": "Can't open {path!r}: its schema is {why}. Nothing was changed. Install the newer version again, or "
    "restore a backup.",
    "read-only": "Can't write to {path!r}: the file, its folder or its disk is read-only. Make it writable for you "
    "(chmod u+w), or set TSUBASA_HOME to a folder that is.",
    "busy": "Can't use {path!r}: another process holds it. Stop the other one (see: tsubasa status), and try again.",
    "damaged": "Can't read {path!r}: the file is damaged ({why}). "
    "Stop Tsubasa and put the newest backup back: tsubasa restore --replace, which moves the damaged file aside.",
    "backup key": "Can't open the backup {path!r}: it is under another key, or another passphrase, or it is no backup. "
    "Nothing was changed. Give the passphrase it was made with (--passphrase), or the key file of its home (--key).",
    "backup damaged": "Can't use the backup {path!r}: {why}. Nothing was changed. Take another one: tsubasa backup "
    "--list",
    "in the way": "Can't restore to {path!r}: there is a store already. Nothing was changed. Add --replace, which "
    "moves it aside, or choose another home.",
    "half restored": "Can't use {path!r} yet: a restore was ended on the way. The next start finishes it: tsubasa up",
    "unreachable": "Can't use {path!r}: {why}. Check that the folder exists, is yours, and its disk is well.",
    "no key": "Can't open {path!r}: its key was not found ({why}). No new key was made. Unlock the OS keyring "
    "(sign in at the desktop; over ssh: gnome-keyring-daemon --unlock), put the key file back, or move the store away "
    "to start anew.",
    "key exposed": "Refused the key {path!r}: others can read it (mode {why}). Run: chmod 600 {path!r}",
    "key damaged": "Can't use the key in {path}: {why}. Put back the right one from a backup.",
    "key unreachable": "Can't use the key file {path!r}: {why}. Make its folder yours and writable, then try again.",
    "keyring unknown": "Can't keep the key in {path!r}: choose 'auto' (OS keyring, else a file) or 'file'.",
}


class StoreFull(StoreError):
    """No room was left for a write; the write was undone."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Can't write to {path!r}: the disk is full. What was stored before is safe, the last change was "
            f"undone. Free some space and try again."
        )


class NotFound(StoreError):
    """Nothing has this number (any more)."""


class Conflict(StoreError):
    """What is asked for does not fit what the store has."""


class NoSuchMemory(NotFound):
    """No memory has this id (any more)."""

    def __init__(self, memory_id: int) -> None:
        super().__init__(
            f"There is no memory {memory_id}; it may have been forgotten. List the memories and choose again."
        )


class NotHeld(Conflict):
    """Only a memory that still holds can be changed."""

    def __init__(self, memory_id: int, superseded_by: int) -> None:
        undone = superseded_by == memory_id
        why = "it was taken back" if undone else f"memory {superseded_by} has replaced it"
        advice = "Add it anew instead." if undone else "Change that one instead."
        super().__init__(f"Can't change memory {memory_id}: {why}. {advice}")


class AdapterDamaged(Conflict):
    """The adapter stored is not the one that was proposed, or is gone."""

    def __init__(self, generation_id: int, why: str) -> None:
        super().__init__(
            f"Can't use the adapter of generation {generation_id}: {why}. "
            f"Use another generation, or run: tsubasa night"
        )
        self.why = why


class GenerationUnusable(StoreError):
    """The generation may not answer: not adopted, tainted, or decided before."""

    def __init__(self, generation_id: int, state: str, wanted: str) -> None:
        super().__init__(
            f"Can't {wanted} generation {generation_id}: it is {state}. Choose another: tsubasa generations"
        )


class NoSuchLesson(StoreError):
    """Lessons named as the lineage of a generation are not there (any more)."""

    def __init__(self, lesson_ids: Sequence[int]) -> None:
        super().__init__(
            f"Can't keep this generation: lessons {', '.join(map(str, lesson_ids))} are gone, forgotten "
            f"while it was trained. Run the night again."
        )


class NoEmbedder(StoreError):
    """Vectors were used before the store knew who makes them."""

    def __init__(self) -> None:
        super().__init__("Can't use vectors yet: no embedder was prepared. Start the embedder first.")


class WrongVectors(StoreError):
    """The vectors given do not fit those of the store."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Can't use these vectors: {why}. Embed the texts again with the prepared embedder.")


class LeaseLost(StoreError):
    """Somebody else has claimed the job since, or it was finished."""

    def __init__(self, job_id: int) -> None:
        super().__init__(
            f"Can't finish job {job_id}: its lease ran out and it is no longer ours. Nothing was recorded."
        )


def not_found(kind: str, id: int) -> NotFound:
    """The error for a number that no `kind` has: "message", "chat", "import", "operation", ..."""
    advice = {
        "message": ". Search the chats for it instead.",
        "chat": ". GET /tsubasa/chats lists them.",
        "import": ". List them with: tsubasa import --list",
        "operation": "; it may have been forgotten. Its number stands in: tsubasa memories history",
        "generation": ". List them with: tsubasa generations",
        "waiting memory": ". List them with: tsubasa memories waiting",
        "night": ". `tsubasa night list` shows those that were.",
    }
    return NotFound(f"There is no {kind} {id}{advice[kind]}")


def embedder_clash(
    stored: str, stored_dimension: int, given: str, given_dimension: int | None = None
) -> StoreError:
    """The vectors stored were made by another embedder; what the given one makes is unknown before it has run."""
    numbers = f" ({given_dimension} numbers)" if given_dimension else ""
    return StoreError(
        f"Can't search with the embedder {given!r}{numbers}: the store holds vectors "
        f"of {stored!r} ({stored_dimension} numbers). Configure {stored!r} again, or make all vectors anew with: "
        f"tsubasa up --reindex (the old ones are kept until the last new one is made)"
    )
