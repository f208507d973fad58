"""
Look into a ZIP: the texts of the chats in it, read in memory.

Nothing is unpacked to the disk, and no name inside is ever used as a path. What is read has a limit in bytes, in
number and in how far it may swell. An archive inside the archive and an encrypted one are refused.
An archive with a conversations.json or conversations-NNN.json in it (ChatGPT, Claude) is read for those alone;
of another one every .json, .jsonl, .md, .markdown and .db is. What is not read is counted.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from zipfile import ZipFile, ZipInfo

from daemon.inbox.errors import InboxError
from daemon.inbox.formats.reader import OTHER_FILES, Place

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")  # of an archive, and of one with nothing in it
MOST_ENTRIES = 10_000
MOST_SWELLING = 200  # bytes out of one byte; chats in JSON come to ten or twenty
_SMALL = 64 * 1024  # bytes; a small file may swell as it likes
_CHATS = re.compile(r"conversations(?:-\d+)?\.json")
_KINDS = {".json", ".jsonl", ".md", ".markdown", ".db"}
_ENTRY_MARK = b"PK\x01\x02"
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


def contents(place: Place, data: bytes, *, largest: int) -> Iterator[tuple[str, bytes]]:
    """
    Name and bytes of each file of the archive that may hold chats, in the order of their names.

    Args:
        largest: bytes that all of them together may have.

    Raises:
        InboxError: it is damaged, encrypted, too large, or holds another archive.
    """
    if data.count(_ENTRY_MARK) > MOST_ENTRIES:
        raise InboxError(
            place.file, f"it holds more than {MOST_ENTRIES:,} files", "Put the chats alone into one"
        )
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            chosen = _chosen(place.file, entries)
            place.leave_out(OTHER_FILES, len(entries) - len(chosen))
            _check(place.file, chosen, largest)
            for entry in chosen:
                yield entry.filename, _bytes(place.file, archive, entry)
    except _DAMAGE as error:
        raise place.broken(f"the ZIP is damaged or of a rare kind ({error})") from error


def _chosen(name: str, entries: list[ZipInfo]) -> list[ZipInfo]:
    """The files to read, by name; hidden ones (a Mac adds some) are passed over."""
    if any(entry.flag_bits & 0x41 for entry in entries):
        raise InboxError(name, "it is encrypted", "Make one without a password")
    seen = {entry: PurePosixPath(entry.filename) for entry in entries}
    visible = sorted((e for e in entries if not seen[e].name.startswith(".")), key=lambda e: e.filename)
    chats = [entry for entry in visible if is_chats(entry.filename)]
    if chats:
        return chats
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
