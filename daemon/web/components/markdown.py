"""
What a model wrote, as HTML that is safe to show: markup in it is shown as text, links lead out in a new tab.

No HTML of the model's own, no picture (it would be asked for from its server), no link that runs something. The
browser sanitises the result again. A module of its own, because all that keeps a model's text harmless stands here.
"""

from functools import cache
from html import escape

from markdown_it import MarkdownIt
from nicegui import ui
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

LONGEST_COLOURED = 20_000  # characters of code; longer is left plain


def markdown(text: str, classes: str = "") -> ui.html:
    """An element that shows `text`; `show` puts another one in."""
    return ui.html(rendered(text), sanitize=True).classes(f"prose {classes}")


def show(element: ui.html, text: str) -> None:
    """Have `element` show `text`."""
    element.set_content(rendered(text))


def rendered(text: str) -> str:
    """`text` as HTML."""
    html = str(_reader().render(text))
    return html.replace("<pre>", '<pre tabindex="0">')  # so that the keyboard can scroll wide code


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": _coloured})
    return reader.enable(["table", "strikethrough"]).disable(["image"])


def _coloured(code: str, language: str, _: str) -> str:
    if not language or len(code) > LONGEST_COLOURED:
        return escape(code)
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return escape(code)
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))
