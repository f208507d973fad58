"""
A file attached to a question: its text, in a block behind the question that shows whose it is.

    what the user asks

    <file name="report.pdf">
    text of the file
    </file>

What stands in such a block is nobody's word: memory work leaves it out, like any pasted text. A file comes from
outside, so a PDF is read by a process of its own (`main`), with little memory and little time, that reaches nothing.
"""

import asyncio
import contextlib
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import daemon
from daemon.errors import DaemonError

MOST_BYTES = 20 * 2**20  # of a file
MOST_CHARACTERS = 100_000  # of its text; the rest is left out, and that is said
WAIT_S = 30.0
MEMORY = 2 * 2**30  # bytes that the process may take
MOST_PAGES = 500
CUT = "[The rest of the file is left out.]"


class FileNotRead(DaemonError):
    """A file that can't be attached."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} can't be attached: {why}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One file, as it is sent along."""

    name: str
    text: str


async def read(name: str, data: bytes) -> Attachment:
    """The text of a file: of a PDF, or of one in UTF-8. Raises `FileNotRead`."""
    plain = re.sub(r'[\x00-\x1f"<>]', "", name.replace("\\", "/").rpartition("/")[2])[:120] or "file"
    if len(data) > MOST_BYTES:
        raise FileNotRead(plain, f"it is larger than {MOST_BYTES // 2**20} MB")
    text = await _of_pdf(plain, data) if data.startswith(b"%PDF-") else _decoded(plain, data)
    text = text.replace("\x00", "").strip()
    if not text:
        raise FileNotRead(plain, "no text is in it; a scan is a picture, which must be recognised first")
    return Attachment(
        name=plain, text=text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + f"\n{CUT}"
    )


def _decoded(name: str, data: bytes) -> str:
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            if "\x00" not in text:
                return text
    raise FileNotRead(name, "it is no PDF and no text in UTF-8")


async def _of_pdf(name: str, data: bytes) -> str:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "daemon.sandbox.run_module",  # nothing that a file does leaves this machine
        "daemon.web.chat.attachments",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(daemon.__file__ or "").parents[1],
    )
    try:
        async with asyncio.timeout(WAIT_S):
            out, _ = await child.communicate(data)
    except TimeoutError:
        raise FileNotRead(name, f"reading it takes longer than {WAIT_S:.0f} seconds") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        if child.stdin is not None:
            with contextlib.suppress(
                OSError
            ):  # as in `daemon/profiles/daemons.py`: else a traceback in the log
                await child.stdin.wait_closed()
    if child.returncode != 0:
        raise FileNotRead(name, "this PDF can't be read; it may be damaged, or locked by a password")
    return out.decode("utf-8", "replace")


def main() -> None:
    """Text of the PDF on the input, onto the output."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # no such limits on this system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(WAIT_S), int(WAIT_S)))
    from pypdf import PdfReader

    pages = PdfReader(io.BytesIO(sys.stdin.buffer.read())).pages
    length = 0
    for page in pages[:MOST_PAGES]:
        text = page.extract_text() + "\n\n"
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        length += len(text)
        if length > MOST_CHARACTERS:
            break


if __name__ == "__main__":
    main()
