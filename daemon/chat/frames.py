"""
Frames: what a person typed, out of what a client sent around it: documents, search results, notes, instructions.

    <context> … </context> · numbered sources · ----- · "Context:" … "Question: where do I live?" · "Answer:"
                                                                      └── these words are the person's

A frame is known by its structure, whoever made it: tags that name what they hold, labelled sections, numbered sources.
What may as well have been typed is taken as typed: a list of "Name: Ravi", a pasted page, a heading.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

LONGEST_LABEL = 60  # characters of a line that names the section behind it
SECTION = 160  # characters from which a section holds a document
MOST_TAGS = 1_000
SOURCE = 100  # characters of a numbered source, on average
_TAG = re.compile(r"<(/?)([A-Za-z][\w.:-]{0,60})((?:\s[^<>]{0,400})?)(/?)>")
_WORDS_OF_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ASKED = frozenset(  # a tag that holds what the person typed, also without "user" in its name
    "query question request prompt ask task feedback frage anfrage pregunta consulta domanda pergunta vraag".split()
)
_BROUGHT = frozenset(  # a tag that holds what the client brought
    """
    context contexts source sources document documents doc docs file files search result results reminder system
    environment instruction instructions attachment attachments attached knowledge memory memories workspace editor
    tool output background reference references retrieved web page pages webpage citation citations guidelines info
    information chunk chunks passage passages snippet snippets rule rules skill skills note notes excerpt excerpts
    selection diagnostics summary permissions collaboration kontext quelle quellen contexte contexto contesto fuente
    fuentes fonti bron bronnen material
    """.split()
)
_ASKING = re.compile(  # the label of what the person asks
    r"\b(?:user|my|human|benutzer|nutzer|mein\w*|utilisateur|usuario|utente)\W+(?:\w+\W+)?(?:query|question|request"
    r"|input|message|prompt|frage|anfrage|eingabe|nachricht)|^\W*(?:query|question|frage|anfrage|requête|demande"
    r"|pregunta|consulta|domanda|richiesta|pergunta|vraag|pytanie|fråga|spørgsmål|spørsmål|kysymys|otázka|kérdés|soru"
    r"|запрос|вопрос|питання|سؤال|السؤال|प्रश्न|सवाल|câu hỏi|pertanyaan)\b|问题|問題|提问|质问|質問|질문|用户输入",
    re.IGNORECASE,
)
_ASKING_IN = re.compile(_ASKING.pattern, re.IGNORECASE | re.MULTILINE)  # in any line
_CONTEXT = re.compile(  # and of what was brought
    r"\b(?:context|sources?|references?|documents?|knowledge|results?|excerpts?|passages?|files?|guidelines|ide"
    r"|kontext|quellen?|auszüge|dokumente?|unterlagen|contexte|documents|contexto|fuentes|documentos|contesto|fonti"
    r"|bronnen|kontekst|źródła|контекст|источники|документы|السياق|المصادر|संदर्भ|ngữ cảnh|konteks)\b"
    r"|上下文|资料|参考|資料|背景|来源|문맥|컨텍스트|자료|コンテキスト|出典",
    re.IGNORECASE,
)
_LABEL = re.compile(
    rf"\s*(?:#{{1,6}}\s*)?\**([^\n:：#*`]{{1,{LONGEST_LABEL}}}?)\**\s*(?:[:：]\**[ \t]+|：|[:：]\**$)(.*)$"
)
_HEADING = re.compile(rf"\s*#{{1,6}}\s+([^\n#]{{1,{LONGEST_LABEL}}}?)\s*[:：]?\s*$")
_RULER = re.compile(r"\s*([-=_*~])\1{3,}\s*$")
_NUMBERED = re.compile(
    r"\s*(?:[\[【(]\s*(?:\w+\s+)?\d{1,3}(?:\s+\w+)?\s*[\]】)]"
    r"|\W{0,4}(?:source|citation|document|context|result|webpage|chunk|excerpt|passage|quelle|fuente|fonte|bron|источник"
    r"|来源|资料|出典|출처)\s*#?\d{1,3}\b)",
    re.IGNORECASE,
)
_NUMBERED_END = re.compile(
    r"\s*[\[【(](?:end\s+\w+\s*\d*|\w+\s+\d{1,3}\s+end|/\w+\s*\d*)[\]】)]\s*$", re.IGNORECASE
)
_ADDRESS = re.compile(r"https?://|\w\.(?:pdf|md|txt|docx?|html?|csv|json|py)\b", re.IGNORECASE)


def own_words(text: str) -> str:
    """
    What of `text` the person typed: all of it where no frame is certain, nothing where all of it was brought.

    The first thousand tags are looked at.
    """
    blocks = _blocks(text)
    asked = [block for block in blocks if block.asks(certain=len(blocks) > 1)]
    if asked:
        return asked[-1].inside.strip()
    brought = [block for block in blocks if block.is_brought]
    if not brought:
        return _within_sections(text) or text
    before, behind = text[: brought[0].start], text[brought[-1].end :]
    if behind.strip() and sum(_label_of(line) is not None for line in before.split("\n")) > 1:
        before = ""  # the instructions of a template
    between = [text[one.end : two.start] for one, two in zip(brought, brought[1:], strict=False)]
    rest = "\n".join([before, *between, behind]).strip()
    return _within_sections(rest, is_frame=True) or rest


@dataclass(frozen=True, slots=True)
class _Block:
    """One <tag> … </tag> that stands in no other."""

    name: frozenset[str]
    start: int
    end: int
    inside: str
    begins_line: bool  # or stands behind another one

    @property
    def is_brought(self) -> bool:
        return self.begins_line and bool(self.name & _BROUGHT)

    def asks(self, *, certain: bool) -> bool:
        """Whether it holds the person's words; `certain`: other blocks stand beside it, as no person types them."""
        if "user" in self.name and self.name & (_ASKED | {"message", "input"}):
            return True
        return certain and self.begins_line and bool(self.name & _ASKED) and not self.name & _BROUGHT


def _blocks(text: str) -> list[_Block]:
    found: list[_Block] = []
    tags = list(islice(_TAG.finditer(text), MOST_TAGS))
    closed = {tag[2]: at for at, tag in enumerate(tags) if tag[1]}  # of each name, the last that closes
    at = 0
    while at < len(tags):
        opened = tags[at]
        end = None if opened[1] or opened[4] else _closing(tags, at, closed.get(opened[2], -1))
        if end is not None:
            above = text[found[-1].end if found else 0 : opened.start()].rstrip(" \t")
            name = frozenset(word.lower() for word in _WORDS_OF_NAME.findall(opened[2]))
            inside = text[opened.end() : tags[end].start()]
            begins = not above or above.endswith("\n")
            found.append(_Block(name, opened.start(), tags[end].end(), inside, begins))
        at = (at if end is None else end) + 1
    return found


def _closing(tags: Sequence[re.Match[str]], at: int, last: int) -> int | None:
    """The tag that closes the one at this place, one of its name at the latest at `last`."""
    depth = 0
    for place in range(at, last + 1):
        if tags[place][2] == tags[at][2] and not tags[place][4]:
            depth += -1 if tags[place][1] else 1
            if depth == 0:
                return place
    return None


def _within_sections(text: str, *, is_frame: bool = False) -> str | None:
    """The person's words of a text without tags; None where no frame is certain."""
    lines = text.split("\n")
    sources = _sources(lines)
    if not (is_frame or sources) and _rulers(lines) < 2 and not _ASKING_IN.search(text):
        return None
    labels = {at: label for at, line in enumerate(lines) if (label := _label_of(line)) is not None}
    asks = [at for at, label in labels.items() if _ASKING.search(label)]
    headed = [at for at in asks if _HEADING.match(lines[at])]
    last = max((at for at, line in enumerate(lines) if line.strip()), default=0)
    is_open = last in labels and not _behind_label(lines[last])
    asked = (headed or asks)[-1:]
    if asked and (is_frame or sources or _is_brought(lines, labels, asked[0], is_open=is_open)):
        return _asked_at(lines, labels, asked[0], last if is_open else None)
    before = [at for at in labels if at < last]
    is_long = len("\n".join(lines[: before[-1]])) >= SECTION if before else False
    if is_open and is_long and (is_frame or sources or _rulers(lines) > 1):
        return _asked_at(lines, labels, before[-1], last)
    return _beside(lines, sources) if sources else None


def _is_brought(lines: list[str], labels: Mapping[int, str], asked: int, *, is_open: bool) -> bool:
    """Whether more than the person's question stands there, for certain."""
    if _rulers(lines) > 1:
        return True
    is_long = len("\n".join(lines[:asked])) >= SECTION
    if is_long and (is_open or any(_NUMBERED.match(line) for line in lines[:asked])):
        return True
    for at, label in labels.items():
        if at != asked and _CONTEXT.search(label):
            end = asked if asked > at else len(lines)
            both = _HEADING.match(lines[at]) and _HEADING.match(lines[asked])
            if both or len("\n".join(lines[at:end])) >= SECTION:
                return True
    return False


def _asked_at(lines: list[str], labels: Mapping[int, str], asked: int, open_end: int | None) -> str | None:
    """What stands behind the label in line `asked`, up to the next section."""
    said = [_behind_label(lines[asked])]
    for at in range(asked + 1, len(lines)):
        is_section = at in labels and (_HEADING.match(lines[at]) or _CONTEXT.search(labels[at]))
        if at == open_end or is_section or _RULER.match(lines[at]):
            break
        said.append(lines[at])
    return "\n".join(said).strip() or None


def _label_of(line: str) -> str | None:
    found = _HEADING.match(line) or _LABEL.match(line)
    return found[1] if found else None


def _behind_label(line: str) -> str:
    """What stands on the same line."""
    found = None if _HEADING.match(line) else _LABEL.match(line)
    return (found[2] or "").strip() if found else ""


def _rulers(lines: Sequence[str]) -> int:
    return sum(bool(_RULER.match(line)) for line in lines)


def _sources(lines: Sequence[str]) -> list[int]:
    """The lines that begin numbered sources, 1, 2, 3 …; none where a person may have typed them."""
    found = [at for at, line in enumerate(lines) if _NUMBERED.match(line) and not _NUMBERED_END.match(line)]
    numbers = [int(re.findall(r"\d+", lines[at])[0]) for at in found]
    if len(found) < 2 or numbers != list(range(numbers[0], numbers[0] + len(found))) or numbers[0] > 1:
        return []
    parts = ["\n".join(lines[at:end]) for at, end in zip(found, [*found[1:], len(lines)], strict=True)]
    addressed = sum(bool(_ADDRESS.search(part)) for part in parts)
    is_long = sum(map(len, parts)) >= SOURCE * len(parts)
    return found if is_long or addressed >= len(parts) - 1 else []


def _beside(lines: list[str], sources: Sequence[int]) -> str | None:
    """The last paragraph behind numbered sources; where there is none, what stands above them."""
    ends = [at for at in range(sources[-1], len(lines)) if _NUMBERED_END.match(lines[at])]
    behind = lines[(ends[-1] if ends else sources[-1]) + 1 :]
    blank = next((at for at in reversed(range(len(behind))) if not behind[at].strip()), None)
    tail = "\n".join(behind if ends else behind[blank + 1 :] if blank is not None else []).strip()
    if tail:
        return tail
    above = lines[: sources[0]]
    while above and (not above[-1].strip() or (_label_of(above[-1]) and not _behind_label(above[-1]))):
        above.pop()
    return "\n".join(above).strip() or None
