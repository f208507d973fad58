"""
Look into a ZIP: the texts of the chats in it, read one by one from where it lies.

Nothing is unpacked to the disk, and no name inside is ever used as a path. What is read has a limit in bytes, in
number and in how far it may swell; pictures, sound and video cost nothing. An archive inside the archive and an
encrypted one are refused.
An archive with a conversations.json or conversations-NNN.json in it (ChatGPT, Claude) is read for those and its
memories.json alone; of another one every .json, .jsonl, .md, .markdown, .txt and .db is. What is not read is counted.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from daemon.inbox.errors import InboxError
from daemon.inbox.formats.reader import OTHER_FILES, PROJECTS, Place

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")  # of an archive, and of one with nothing in it
MOST_ENTRIES = 10_000  # that are read
MOST_LISTED = 24 * 2**20  # bytes of the list of all entries: some 200,000 of them
MOST_SWELLING = 200  # bytes out of one byte; chats in JSON come to ten or twenty
_SMALL = 64 * 1024  # bytes; a small file may swell as it likes
_CHATS = re.compile(r"conversations(?:-\d+)?\.json")
_MEMORIES = re.compile(r"memories\.json")
_KINDS = {".json", ".jsonl", ".md", ".markdown", ".txt", ".db"}
_END_MARK, _END_64_MARK = b"PK\x05\x06", b"PK\x06\x06"
_TAIL = 2**16 + 256  # bytes at the end in which the place of the list is told
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
    RuntimeError,
    OverflowError,
)


def looks_like(data: bytes) -> bool:
    """Whether `data` begins like a ZIP."""
    return data.startswith(MAGIC)


def is_chats(entry: str) -> bool:
    """Whether a file of an archive has the name under which ChatGPT and Claude export all chats."""
    return _CHATS.fullmatch(PurePosixPath(entry).name) is not None


def is_memories(entry: str) -> bool:
    """Whether it has the name under which an assistant exports what it keeps of a person."""
    return _MEMORIES.fullmatch(PurePosixPath(entry).name) is not None


def contents(place: Place, source: bytes | Path, *, largest: int) -> Iterator[tuple[str, bytes]]:
    """
    Name and bytes of each file of the archive that may hold chats, in the order of their names.

    Args:
        largest: bytes that all of them together may have.

    Raises:
        InboxError: it is damaged, encrypted, too large, or holds another archive.
    """
    try:
        with _opened(source) as file, ZipFile(_checked(place.file, file)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            chosen = _chosen(place.file, entries)
            if len(chosen) > MOST_ENTRIES:
                raise _too_many(place.file)
            projects = sum(PurePosixPath(one.filename).parts[:1] == ("projects",) for one in entries)
            place.leave_out(PROJECTS, projects)
            place.leave_out(OTHER_FILES, len(entries) - len(chosen) - projects)
            _check(place.file, chosen, largest)
            for entry in chosen:
                yield entry.filename, _bytes(place.file, archive, entry)
    except _DAMAGE as error:
        raise place.broken(f"the ZIP is damaged or of a rare kind ({error})") from error


def _opened(source: bytes | Path) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _checked(name: str, file: BinaryIO) -> BinaryIO:
    """The file, if its list of entries is of a size that can be read."""
    end = file.seek(0, io.SEEK_END)
    begin = file.seek(max(0, end - _TAIL))
    tail = file.read()
    found = tail.rfind(_END_MARK)
    if found >= 0 and begin + found + 16 <= end:
        (size,) = struct.unpack_from("<I", tail, found + 12)
        large = tail.rfind(_END_64_MARK)
        if size == 2**32 - 1 and large >= 0:
            (size,) = struct.unpack_from("<Q", tail, large + 40)
        if size > MOST_LISTED:
            raise _too_many(name)
    file.seek(0)
    return file


def _too_many(name: str) -> InboxError:
    return InboxError(name, f"it holds more than {MOST_ENTRIES:,} files", "Put the chats alone into one")


def _chosen(name: str, entries: list[ZipInfo]) -> list[ZipInfo]:
    """The files to read, by name; hidden ones (a Mac adds some) are passed over."""
    if any(entry.flag_bits & 0x41 for entry in entries):
        raise InboxError(name, "it is encrypted", "Make one without a password")
    seen = {entry: PurePosixPath(entry.filename) for entry in entries}
    visible = sorted((e for e in entries if not seen[e].name.startswith(".")), key=lambda e: e.filename)
    chats = [entry for entry in visible if is_chats(entry.filename)]
    if chats:
        return chats + [entry for entry in visible if is_memories(entry.filename)]
    if any(seen[entry].suffix.lower() == ".zip" for entry in visible):
        raise _nested(name)
    return [entry for entry in visible if seen[entry].suffix.lower() in _KINDS]


def _check(name: str, chosen: list[ZipInfo], largest: int) -> None:
    """Refuse by what the archive says of itself; it can't deliver more than that."""
    size = sum(entry.file_size for entry in chosen)
    if size > largest:
        raise InboxError(
            name,
            f"its chats have {size:,} bytes, {largest:,} are the most",
            "Raise max_import_mb, or split it",
        )
    for entry in chosen:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InboxError(name, "it is packed in a rare way", "Make an ordinary ZIP of it")
        if entry.file_size > max(_SMALL, MOST_SWELLING * entry.compress_size):
            why = f"{entry.filename!r:.80} would swell to more than {MOST_SWELLING} times its size"
            raise InboxError(name, why, "Make a new one from the chats")


def _bytes(name: str, archive: ZipFile, entry: ZipInfo) -> bytes:
    with archive.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if looks_like(data):
        raise _nested(name)
    return data


def _nested(name: str) -> InboxError:
    return InboxError(name, "it holds another archive", "Unpack it, and drop the inner one")
