"""
The terminal that commands print to: what is shown of chats, memories and file names is only ever shown.

Promises: no control character of such a text reaches the terminal, where it could recolour, overwrite, turn or copy
things; it appears as a sign in its place. Knows nothing of what is printed.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment

from daemon.text import TURNING

if TYPE_CHECKING:
    from rich.console import ConsoleOptions

SHOWN = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"} | {
    **TURNING,
    ord("\r"): None,  # ends lines of texts that come from Windows
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # of file names that are no UTF-8
}


class Terminal(Console):
    """A console whose own codes are the only ones."""

    def render(self, renderable: Any, options: "ConsoleOptions | None" = None) -> Iterable[Segment]:
        """The pieces of what is printed, without codes in their words."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(harmless(piece.text), piece.style)


def harmless(text: str) -> str:
    """`text` with a sign in the place of each control character."""
    return text.translate(SHOWN)
