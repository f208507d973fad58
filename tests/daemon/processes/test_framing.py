"""Frames: whole or not at all."""

import asyncio
import io
import struct

import pytest

from daemon.processes import framing
from daemon.processes.errors import FrameBroken, FrameTooLarge


async def read(data: bytes) -> list[framing.Frame]:
    """All frames in `data`, read by both readers, which must agree."""
    file, reader = io.BytesIO(data), asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    found = []
    while (frame := framing.receive_blocking(file)) is not None:
        found.append(frame)
        assert frame == await framing.receive(reader)

    assert await framing.receive(reader) is None
    return found


async def test_frames_come_out_as_they_went_in():
    data = framing.pack({"op": "a"}) + framing.pack({"text": "né\n"}, b"\x00" * 9) + framing.pack({})

    assert [({"op": "a"}, b""), ({"text": "né\n", "blob": 9}, b"\x00" * 9), ({}, b"")] == await read(data)


async def test_a_frame_that_is_cut_off_anywhere_is_the_end():
    whole = framing.pack({"op": "a"}, b"1234")

    for length in range(len(whole)):
        assert [] == await read(whole[:length])


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", 2**31) + b"x",
        struct.pack(">I", 0),
        struct.pack(">I", 3) + b"[1]",
        struct.pack(">I", 3) + b"nul",
        struct.pack(">I", 2) + b"\xff\xfe",
        struct.pack(">I", len(text := b'{"blob": -1}')) + text,
        struct.pack(">I", len(text := b'{"blob": "9"}')) + text,
    ],
    ids=["too long", "empty", "not an object", "not JSON", "not UTF-8", "negative blob", "blob of text"],
)
async def test_bytes_that_are_no_frame_are_refused(data):
    with pytest.raises(FrameBroken):
        await read(data)


def test_a_header_that_the_other_end_would_refuse_is_not_sent():
    with pytest.raises(FrameTooLarge, match=f"{framing.LONGEST_HEADER:,} is the most"):
        framing.pack({"text": "x" * framing.LONGEST_HEADER})
