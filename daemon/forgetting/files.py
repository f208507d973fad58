"""
Files that tell what is to be forgotten: exports in the inbox, read or not, and those dropped onto the page.

They are looked into as the importer reads them, by words. Nothing deletes them but a person who says so.
"""

import hashlib
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from daemon.home import Home, drop_upload, held_upload
from daemon.inbox.errors import InboxError
from daemon.inbox.importer import read_file
from daemon.text import content_words, normalised, value_words
from store.export import Archive
from store.forgotten_facts import BY_WORDS

LARGEST = 256 * 1024 * 1024  # bytes of a file that is looked into
LOOK_S = 20.0  # for all files together


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingFile:
    """A file that tells it."""

    path: str
    certain: bool
    why: str


def telling_files(home: Home, texts: Sequence[str], digests: Collection[str] = ()) -> list[TellingFile]:
    """
    The files of this home that tell one of the facts `texts`, or that could not be looked into.

    Args:
        digests: sha256 of imported files that brought what tells it.
    """
    until = time.monotonic() + LOOK_S
    found = (_look(file, texts, digests, until) for file in _files(home))
    return [one for one in found if one is not None]


def delete(home: Home, paths: Collection[str]) -> list[str]:
    """Delete those of these files that lie in the inbox or among the uploads of `home`; which."""
    deleted = []
    for file in _files(home):
        if str(file) in paths:
            if file.parent.parent == home.uploads:
                drop_upload(file)
            file.unlink(missing_ok=True)
            deleted.append(str(file))
    return deleted


def _files(home: Home) -> list[Path]:
    folders = [home.inbox, home.inbox / "done", home.inbox / "failed"]
    every = [file for folder in folders for file in folder.glob("*")] + list(home.uploads.glob("*/*"))
    own = (file for file in every if file.is_file() and (not file.is_symlink() or held_upload(file)))
    return sorted(file for file in own if not file.name.endswith(".report.json"))


def _look(file: Path, texts: Sequence[str], digests: Collection[str], until: float) -> TellingFile | None:
    try:
        if digests and _digest(file) in digests:
            return TellingFile(path=str(file), certain=True, why="what tells it came from this file")
        if time.monotonic() > until or file.stat().st_size > LARGEST:
            return TellingFile(path=str(file), certain=False, why="not looked into: too much to read")
        certain = [_how(text, texts) for text in _texts(file)]
    except (OSError, InboxError):  # gone meanwhile; or no export, which nothing takes in
        return None
    if True in certain:
        return TellingFile(path=str(file), certain=True, why="it tells it")
    if False in certain:
        return TellingFile(path=str(file), certain=False, why="it may tell it")
    return None


def _texts(file: Path) -> Iterator[str]:
    found = read_file(file, LARGEST)
    if isinstance(found, Archive):
        yield from (one.text for one in found.messages)
        yield from (one.text for one in found.memories)
    else:
        yield from (turn.text for session in found.sessions for turn in session)


def _how(said: str, texts: Sequence[str]) -> bool | None:
    """Whether `said` tells one of the facts: for certain (True), maybe (False), or not (None)."""
    words, how = set(content_words(said)), None
    for text in texts:
        wanted, names = set(content_words(text)), value_words(text)
        if wanted and (wanted == words or normalised(text) in normalised(said)):
            return True
        if wanted and (names <= words if names else len(wanted & words) >= BY_WORDS * len(wanted)):
            how = False
    return how


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
