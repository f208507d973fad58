"""The page's icons: the symbols of static/icons.svg, in the colour of the text around them."""

import re
from functools import cache
from pathlib import Path

from nicegui import ui

FILE = Path(__file__).parents[1] / "static" / "icons.svg"


def icon(name: str, *, classes: str = "") -> ui.html:
    """An icon that only decorates; the words next to it, or its button's label, say what it means."""
    picture = (
        '<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="1.6" '
        f'stroke-linecap="round" stroke-linejoin="round" focusable="false" aria-hidden="true">{strokes(name)}</svg>'
    )
    return ui.html(picture, sanitize=False, tag="span").classes(f"icon {classes}").props("aria-hidden=true")


def strokes(name: str) -> str:
    """The markup of one symbol."""
    return _symbols()[name]


@cache
def _symbols() -> dict[str, str]:
    return dict(re.findall(r'<symbol id="(\w+)"[^>]*>(.*?)</symbol>', FILE.read_text(encoding="utf-8")))
