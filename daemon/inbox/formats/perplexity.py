"""
Read a thread of Perplexity, as its page exports it in Markdown.

    <img src="https://r2cdn.perplexity.ai/pplx-full-logo-….png" …/>
    # what was asked
    the answer[^1_1]
    <div align="center">⁂</div>         then the sources, a ruler, and the next question as a heading

Only the first line of a question is told from its answer: nothing ends a longer one. The marks of sources are no words
of the answer, and the lists of them are left out. The export has no times.
"""

import re

from daemon.inbox.formats.reader import EMPTY, Place
from store.chats import NewMessage

FORMAT = "Perplexity thread"
LOGO = "r2cdn.perplexity.ai/pplx-"
_HIDDEN = re.compile(r"<span style=\"display:none\">[^<]*</span>")
_MARK = re.compile(r"\[\^[\d_]+\]")
_SOURCE = re.compile(r"\[\^[\d_]+\]:")
_HEADING = re.compile(r"#\s+(?P<asked>\S.*)")


def looks_like(text: str) -> bool:
    """Whether it begins with Perplexity's picture, and asks something."""
    return LOGO in text[:300] and any(_HEADING.match(line) for line in text.splitlines())


def read(place: Place, text: str) -> list[list[NewMessage]]:
    """The one session."""
    session: list[NewMessage] = []
    for asked, answered in _exchanges(text):
        for role, said in (("user", asked), ("assistant", answered)):
            if said:
                session.append(NewMessage(role=role, text=said))
            else:
                place.leave_out(EMPTY)
    return [session]


def _exchanges(text: str) -> list[tuple[str, str]]:
    """Each question with its answer."""
    found: list[tuple[str, list[str]]] = []
    fenced, is_over = False, True  # the answer before is: behind its sources, a heading asks
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if heading and is_over:
            found.append((heading["asked"].strip(), []))
            is_over = False
        elif not fenced and "⁂" in line and line.lstrip().startswith("<div"):
            is_over = True
        elif found and not is_over:
            found[-1][1].append(line)
    return [(_plain(asked), _plain("\n".join(lines))) for asked, lines in found]


def _plain(text: str) -> str:
    kept = [line for line in text.split("\n") if not _SOURCE.match(line)]
    bare = _MARK.sub("", _HIDDEN.sub("", "\n".join(kept))).strip()
    while bare.endswith(("---", "***")) or bare.startswith(("---", "***\n")):
        bare = bare.removesuffix("---").removesuffix("***").removeprefix("---").removeprefix("***").strip()
    return bare
