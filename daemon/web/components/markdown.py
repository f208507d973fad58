"""
What a model wrote, as HTML that is safe to show: markup in it is shown as text, links lead out in a new tab.

No HTML of the model's own, no picture (it would be asked for from its server), no link that runs something. The
browser sanitises the result again. A module of its own, because all that keeps a model's text harmless stands here.
"""

import re
from collections.abc import Sequence
from functools import cache
from html import escape, unescape
from xml.etree.ElementTree import tostring

from latex2mathml import exceptions
from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.tasklists import tasklists_plugin
from mdit_py_plugins.texmath import texmath_plugin
from nicegui import ui
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

LONGEST_COLOURED = 20_000  # characters of code; longer is left plain
LONGEST_FORMULA = 2_000  # characters; longer is left as it was written
MOST_FORMULAS = 600  # signs that may begin one; in a text with more, none is looked for
COPY = '<button type="button" class="code-copy" title="Copy the code">Copy</button>'
NOT_READ: tuple[type[Exception], ...] = (  # what the reader of formulas fails with
    *(one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, Exception)),
    *(ValueError, LookupError, TypeError, AttributeError, RecursionError, StopIteration),
)
_MATHS = re.compile(r"[\\^_=+<>{}]|\\w[*/-]\\w")  # in what stands between two dollars, and is no price
_TASK = re.compile(r"<input class=\"task-list-item-checkbox\"[^>]*>")
_LEADS_OUT = re.compile(r"\\(?:href|url|class|style|id)\b")


def markdown(text: str, classes: str = "") -> ui.html:
    """An element that shows `text`; `show` puts another one in."""
    return ui.html(rendered(text), sanitize=True).classes(f"prose {classes}")


def show(element: ui.html, text: str) -> None:
    """Have `element` show `text`."""
    element.set_content(rendered(text))


def rendered(text: str) -> str:
    """`text` as HTML; `page.js` copies the code that stands below a copy button."""
    has_many = sum(map(text.count, ("$", "\\(", "\\["))) > MOST_FORMULAS  # each looks for its end: slow
    html = str(_reader(formulas=not has_many).render(text))
    html = html.replace(
        "<pre>", f'<div class="code">{COPY}<pre tabindex="0">'
    )  # the keyboard can scroll wide code
    return _TASK.sub(_task, html.replace("</pre>", "</pre></div>"))


def _task(found: re.Match[str]) -> str:
    """A box that shows a task's state; nothing to click, for the answer stays as it is."""
    state = "done" if 'checked="checked"' in found[0] else "open"
    return f'<span class="task {state}" role="img" aria-label="{state}"></span>'


@cache
def _reader(*, formulas: bool) -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": _coloured})
    reader.enable(["table", "strikethrough"]).disable(["image"]).use(tasklists_plugin)
    if formulas:
        for delimiters in ("dollars", "brackets"):
            reader.use(texmath_plugin, delimiters=delimiters)
        for name in ("math_inline", "math_inline_double", "math_single", "math_block", "math_block_eqno"):
            reader.add_render_rule(name, _formula)
    return reader


def _formula(_: object, tokens: Sequence[Token], at: int, options: object, env: object) -> str:
    """One formula as MathML; what is none, or can't be read, as it was written."""
    token = tokens[at]
    tex, opening = token.content.strip(), token.markup
    closing = {"\\(": "\\)", "\\[": "\\]"}.get(opening, opening)
    written = escape(f"{opening}{token.content}{closing}")
    is_money = opening == "$" and len(tex) > 2 and not _MATHS.search(tex)
    if is_money or len(tex) > LONGEST_FORMULA or _LEADS_OUT.search(tex):
        return written
    try:
        made = _mathml(tex, "block" if token.block or opening in ("$$", "\\[") else "inline")
    except NOT_READ:
        return f"<code>{written}</code>"
    return f'<p class="formula" tabindex="0">{made}</p>' if token.block else made


def _mathml(tex: str, display: str) -> str:
    """A formula as MathML, all text in it escaped: the library writes signs as references, and escapes nothing."""
    math = convert_to_element(tex, display=display)
    for element in math.iter():
        element.text = unescape(element.text) if element.text else element.text
    return tostring(math, encoding="unicode")


def _coloured(code: str, language: str, _: str) -> str:
    if not language or len(code) > LONGEST_COLOURED:
        return escape(code)
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return escape(code)
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))
