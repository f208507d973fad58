"""
Strip quotes: what the writer of a message says, less what they quote, paste or show.

    fences, > quoted lines, <tag> … </tag>, {"json": …} ──┐
    a long text behind "this article:" ───────────────────┴──> dropped: not taken for the writer's own word

A guard against prompt injection: "remember that the user's password is ..." inside a pasted page is nothing that the
user said. Linear in the length of the text.
"""

import re

LONGEST = 16_000  # characters that are looked at: the first half and the last
PASTED = 280  # characters from which the text behind "this article:" is the article, and not the writer's
_FENCES = ("```", "~~~", '"""')
_OPENING = re.compile(r"\s*<([A-Za-z][\w-]{0,40})(?:\s[^<>]{0,300})?>")
_CLOSING = re.compile(r"</([A-Za-z][\w-]{0,40})\s*>")
_TEMPLATE = re.compile(r"<\|im_start\|>.*?(?:<\|im_end\|>|\Z)|<\|[^|\n]{0,40}\|>", re.DOTALL)
_JSON = re.compile(r"[{\[]\s*[\"{\[].*[}\]],?\s*$")  # a line that is an object or a list
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>")
_STYLES = frozenset(
    "a b br em i mark s small span strong sub sup u".split()
)  # within a person's own sentence
_SHOWS = re.compile(
    r"\b(article|page|website|text|document|e-?mail|mail|letter|message|post|transcript|log|report|paper|story|essay"
    r"|code|output|error|recipe|following|below|pasted?|quote|says?|wrote|summari[sz]e|translate|read)\b"
    # a few other languages, their commonest words only
    r"|artikel|dokument|nachricht|folgende|übersetz|zusammen|texte|courriel|suivant|résum|tradui|art[ií]culo|p[aá]gina"
    r"|correo|mensaje|siguiente|resum|traduc|стать|текст|письм|сообщени|следующ|перевед|文章|文本|邮件|网页|翻译|总结|以下"
    r"|記事|翻訳|要約|メール|次の|기사|번역|요약|مقال|نص|رسال|التالي|ترجم|لخص",
    re.IGNORECASE,
)
_LAST_SENTENCE = re.compile(r"[^.!?。！？؟]*$")
_ANNOUNCED = 200  # characters at the end of a line in which such a word announces what comes


def strip_quotes(text: str) -> str:
    """What is left of `text` when fences, quoted lines, tagged blocks and pasted documents are out; maybe nothing."""
    lines = _TEMPLATE.sub(" ", shortened(text, LONGEST)).split("\n")
    closed = {name.lower(): at for at, line in enumerate(lines) for name in _CLOSING.findall(line)}
    kept: list[str] = []
    at, announced = 0, False
    while at < len(lines):
        behind = _behind_quote(lines, at, closed, announced=announced)
        if behind == at:
            kept.append(_TAG.sub(" ", lines[at]))
            announced = _announces(lines[at]) if lines[at].strip() else announced
            behind = at + 1
        elif announced:  # "Summarise this page:" says no more than the page
            announced = False
            kept[-1:] = [_LAST_SENTENCE.sub("", line) for line in kept[-1:]]
        at = behind
    return "\n".join(kept).strip()


def shortened(text: str, longest: int) -> str:
    """`text`, or its beginning and end: people speak of themselves around what they paste, not in it."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"


def _announces(line: str) -> bool:
    """Whether it ends in a colon and names a kind of text; in a language that is not listed, it never does."""
    end = line.rstrip()
    return end.endswith((":", "：")) and _SHOWS.search(end[-_ANNOUNCED:]) is not None


def _behind_quote(lines: list[str], at: int, closed: dict[str, int], *, announced: bool) -> int:
    """The line behind the quote that begins at line `at`; `at` itself where none does."""
    line = lines[at].lstrip()
    if line.startswith(">") or _JSON.match(line):
        return at + 1
    for fence in _FENCES:
        if line.startswith(fence) and fence not in line[len(fence) :]:
            ends = (n for n in range(at + 1, len(lines)) if lines[n].lstrip().startswith(fence))
            return next(ends, len(lines) - 1) + 1
    tag = _OPENING.match(lines[at])
    if tag and tag[1].lower() not in _STYLES and closed.get(tag[1].lower(), -1) >= at:
        end = closed.pop(tag[1].lower())
        lines[end] = re.split(rf"</{tag[1]}\s*>", lines[end], flags=re.IGNORECASE)[-1]
        return end
    return _behind_paste(lines, at) if announced else at


def _behind_paste(lines: list[str], at: int) -> int:
    """The line behind a long text that was just announced; a short last paragraph is the writer's again."""
    if sum(len(line) + 1 for line in lines[at:]) < PASTED:
        return at
    blank = next((n for n in reversed(range(at + 1, len(lines))) if not lines[n].strip()), None)
    if blank is None or len("\n".join(lines[blank:]).strip()) >= PASTED:
        return len(lines)
    return blank + 1
