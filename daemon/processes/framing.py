"""
The frames between the daemon and its child processes, read and written by both ends.

    4 bytes, big-endian: length of the header | the header, a JSON object | header["blob"] raw bytes

A frame is read whole or not at all; bytes that are no frame raise `FrameBroken`, never a wrong answer.
"""

import asyncio
import json
import struct
from typing import Any, BinaryIO, NamedTuple

from daemon.processes.errors import FrameBroken, FrameTooLarge

LONGEST_HEADER = 64 * 2**20  # bytes
LONGEST_BLOB = 8 * 2**30  # bytes
_LENGTH = struct.Struct(">I")


class Frame(NamedTuple):
    """A JSON object and the raw bytes that travel with it."""

    header: dict[str, Any]
    blob: bytes


def pack(header: dict[str, Any], blob: bytes = b"") -> bytes:
    """The bytes of one frame; raises `FrameTooLarge`."""
    if blob:
        header = {**header, "blob": len(blob)}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(text) > LONGEST_HEADER:
        raise FrameTooLarge(len(text), LONGEST_HEADER)
    return _LENGTH.pack(len(text)) + text + blob


async def receive(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame, or None when the other end has closed the connection."""
    try:
        text = await reader.readexactly(_length(await reader.readexactly(_LENGTH.size)))
        header = _header(text)
        return Frame(header, await reader.readexactly(_blob_length(header)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def receive_blocking(file: BinaryIO) -> Frame | None:
    """The same from a blocking file; for the child's end."""
    try:
        header = _header(_exactly(file, _length(_exactly(file, _LENGTH.size))))
        return Frame(header, _exactly(file, _blob_length(header)))
    except (EOFError, ConnectionError):
        return None


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _length(start: bytes) -> int:
    length = int(_LENGTH.unpack(start)[0])
    if not 0 < length <= LONGEST_HEADER:
        raise FrameBroken(f"a header of {length} bytes")
    return length


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise FrameBroken(f"the header is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise FrameBroken("the header is not a JSON object")
    return header


def _blob_length(header: dict[str, Any]) -> int:
    length = header.get("blob", 0)
    if not isinstance(length, int) or not 0 <= length <= LONGEST_BLOB:
        raise FrameBroken(f"a blob of {length!r} bytes")
    return length
