"""
What can go wrong with the store, in the words its user needs: what failed, which thing, why, what to do.

Promises: every error that leaves `store/` by a user's fault, a disk's or a file's is a `StoreError`.
Knows nothing of apsw: foreign errors are translated in `database.py` and `keys.py`.
"""

from collections.abc import Sequence


class StoreError(Exception):
    """Something about the store that a person can understand and mend."""


class NotAStore(StoreError):
    """The file is no store of ours: empty, cut short, plain text, or another program's database."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"Can't open {path!r}: {why}. Nothing was changed. "
            f"Restore a backup, or move the file away to start anew."
        )


class WrongKey(StoreError):
    """The key does not decrypt the file."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Can't open {path!r}: the key doesn't fit, or the file is no store. Nothing was changed. "
            f"Put back the key that made it (OS keyring, or the file 'key' beside it), "
            f"or restore a backup with its key."
        )


class SchemaTooNew(StoreError):
    """The store was written by a newer version of this program."""

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(
            f"Can't open {path!r}: its schema is {found}, this version knows up to {known}. "
            f"Nothing was changed. Install the newer version again, or restore a backup."
        )


class StoreFull(StoreError):
    """No room was left for a write; the write was undone."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Can't write to {path!r}: the disk is full. What was stored before is safe, the last change was "
            f"undone. Free some space and try again."
        )


class StoreReadOnly(StoreError):
    """The file or its folder can't be written."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Can't write to {path!r}: the file, its folder or its disk is read-only. "
            f"Make it writable for you (chmod u+w), or set TSUBASA_HOME to a folder that is."
        )


class StoreBusy(StoreError):
    """Another process held the file for too long."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Can't use {path!r}: another process holds it. "
            f"Stop the other one (see: tsubasa status), and try again."
        )


class StoreDamaged(StoreError):
    """The file is ours, but parts of it are wrong or missing."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"Can't read {path!r}: the file is damaged ({why}). "
            f"Copy it away for safety, then restore a backup."
        )


class StoreUnreachable(StoreError):
    """The operating system refused to open, read or write the file."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"Can't use {path!r}: {why}. Check that the folder exists, is yours, and its disk is well."
        )


class KeyMissing(StoreError):
    """There is a store, but its key is nowhere."""

    def __init__(self, store: str, key_file: str, why: str) -> None:
        super().__init__(
            f"Can't open {store!r}: its key was not found ({why}; {key_file!r} doesn't exist). "
            f"No new key was made. Unlock the OS keyring, put the key file back, or move the store away "
            f"to start anew."
        )


class KeyExposed(StoreError):
    """Others on this machine can read the key file."""

    def __init__(self, path: str, mode: int) -> None:
        super().__init__(
            f"Refused the key {path!r}: others can read it (mode {mode:04o}). Run: chmod 600 {path!r}"
        )


class KeyDamaged(StoreError):
    """What is kept as the key is not 32 bytes."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"Can't use the key in {where}: {why}. Put back the right one from a backup.")


class KeyUnwritable(StoreError):
    """The key file could not be made or read."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"Can't use the key file {path!r}: {why}. Make its folder yours and writable, then try again."
        )


class KeyringUnknown(StoreError):
    """The configured place for the key is none that we know."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"Can't keep the key in {given!r}: choose 'auto' (OS keyring, else a file) or 'file'."
        )


class EmptyHistory(StoreError):
    """A history without a message can't be recorded."""

    def __init__(self) -> None:
        super().__init__("Can't record a chat without messages: send at least one.")


class NoSuchMessage(StoreError):
    """No message has this id."""

    def __init__(self, message_id: int) -> None:
        super().__init__(f"There is no message {message_id}. Search the chats for it instead.")


class NoSuchImport(StoreError):
    """No import has this number (any more)."""

    def __init__(self, import_id: int) -> None:
        super().__init__(f"There is no import {import_id}. List them with: tsubasa import --list")


class NoSuchMemory(StoreError):
    """No memory has this id (any more)."""

    def __init__(self, memory_id: int) -> None:
        super().__init__(
            f"There is no memory {memory_id}; it may have been forgotten. List the memories and choose again."
        )


class NotHeld(StoreError):
    """Only a memory that still holds can be changed."""

    def __init__(self, memory_id: int, superseded_by: int) -> None:
        undone = superseded_by == memory_id
        why = "it was taken back" if undone else f"memory {superseded_by} has replaced it"
        advice = "Add it anew instead." if undone else "Change that one instead."
        super().__init__(f"Can't change memory {memory_id}: {why}. {advice}")


class NoSuchEvent(StoreError):
    """No operation has this id (any more)."""

    def __init__(self, event_id: int) -> None:
        super().__init__(
            f"There is no operation {event_id}; it may have been forgotten. "
            f"Its number stands in: tsubasa memories history"
        )


class NotLatest(StoreError):
    """Something came after the operation that was to be taken back."""

    def __init__(self, what: str, why: str, newer: int) -> None:
        super().__init__(f"Can't undo {what}: {why}. Undo that first: tsubasa memories undo {newer}")


class NothingToUndo(StoreError):
    """The operation was taken back before, or there is none."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"Nothing to undo for {what}: {why}. To hold it again: tsubasa memories add")


class SourceForgotten(StoreError):
    """A statement was to be held whose source was forgotten meanwhile."""

    def __init__(self, message_id: int) -> None:
        super().__init__(
            f"Can't hold a statement from message {message_id}: it was forgotten. Nothing was stored; "
            f"tell it again if it shall be known."
        )


class EmbedderClash(StoreError):
    """The vectors held were made by another embedder."""

    def __init__(
        self, held: str, held_dimension: int, given: str, given_dimension: int | None = None
    ) -> None:
        numbers = f" ({given_dimension} numbers)" if given_dimension else ""  # unknown before it has run
        super().__init__(
            f"Can't search with the embedder {given!r}{numbers}: the store holds vectors "
            f"of {held!r} ({held_dimension} numbers). Configure {held!r} again, or make all vectors anew with: "
            f"tsubasa up --reindex (the old ones are kept until the last new one is made)"
        )


class NoEmbedder(StoreError):
    """Vectors were used before the store was told who makes them."""

    def __init__(self) -> None:
        super().__init__("Can't use vectors yet: no embedder was prepared. Start the embedder first.")


class WrongVectors(StoreError):
    """The vectors given do not fit the index."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Can't use these vectors: {why}. Embed the texts again with the prepared embedder.")


class NoSuchGeneration(StoreError):
    """No generation has this number."""

    def __init__(self, generation_id: int) -> None:
        super().__init__(f"There is no generation {generation_id}. List them with: tsubasa generations")


class NoSuchNight(StoreError):
    """A night was asked for that never began."""

    def __init__(self, night_id: int) -> None:
        super().__init__(f"There is no night {night_id}. `tsubasa night list` shows those that were.")


class NoNightYet(StoreError):
    """A report was asked for, and no night has begun so far."""

    def __init__(self) -> None:
        super().__init__("There was no night yet. Run one with: tsubasa night")


class GenerationUnusable(StoreError):
    """The generation may not answer: not adopted, tainted, or decided before."""

    def __init__(self, generation_id: int, state: str, wanted: str) -> None:
        super().__init__(
            f"Can't {wanted} generation {generation_id}: it is {state}. Choose another: tsubasa generations"
        )


class AdapterDamaged(StoreError):
    """The adapter kept is not the one that was proposed, or is gone."""

    def __init__(self, generation_id: int, why: str) -> None:
        super().__init__(
            f"Can't use the adapter of generation {generation_id}: {why}. "
            f"Use another generation, or run: tsubasa night"
        )
        self.why = why


class NoSuchLesson(StoreError):
    """Lessons named as the lineage of a generation are not there (any more)."""

    def __init__(self, lesson_ids: Sequence[int]) -> None:
        super().__init__(
            f"Can't keep this generation: lessons {', '.join(map(str, lesson_ids))} are gone, forgotten "
            f"while it was trained. Run the night again."
        )


class LeaseLost(StoreError):
    """Somebody else has claimed the job since, or it was finished."""

    def __init__(self, job_id: int) -> None:
        super().__init__(
            f"Can't finish job {job_id}: its lease ran out and it is no longer ours. Nothing was recorded."
        )
