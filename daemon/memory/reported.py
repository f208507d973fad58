"""
Reported: what of a message may be another's words, as its form shows it, in any language.

    "quoted." | Anna: ... Ben: ... | who: several sentences | a line ending in a colon, and prose behind it | a letter
    lines of code, with the comments beside them

`strip_quotes` takes out what is marked as pasted for certain. Here nothing is taken out: what only such a part tells is
held as reported, so that it replaces nothing and is never taught. A person's own list behind a colon is their own, and
so is what "about me" announces; of that, only words tell: an announcement that holds any other is another's.
"""

import re
from collections.abc import Iterator

from daemon.memory import hearsay
from store.text import pairs

LONGEST_NAME = 40  # characters before the colon of somebody's line
LONGEST_GREETING = 6  # words of the line that begins or ends a letter
LONG_QUOTE = (
    6  # words, or pairs of letters of a script without spaces, from which a quote is no name of something
)
_QUOTED = re.compile(
    r"“([^“”]+)”|„([^„“”]+)[“”]|«([^«»]+)»|»([^«»]+)«|「([^「」]+)」|『([^『』]+)』|\"([^\"\n]+)\""
)
_END = re.compile(r"[.!?。！？؟।]+[\"'”“»」』)]*(?=\s|$)|[。！？]")
_COLON = re.compile(r"[:：](?:\s+|$)|：")
_ITEM = re.compile(r"\s*(?:[-*•–·]|\d{1,3}[.)])\s")
_STAMP = re.compile(r"\s*[\[(]?[\d./:,\- ]{4,25}(?:[ap]\.?m\.?)?[\])]?\s*[-–]?\s*", re.IGNORECASE)
_CODE = re.compile(  # a line that is code whatever stands beside it; "Emil(7)" is none
    r"\s*(?:(?:async )?(?:def|function|fn|func) \w+ ?[(<].*|class \w+.*[:{]|(?:const|let|var|val) [\w{\[].*=.*"
    r"|(?:public|private|protected|static) .*[({;].*|#include [<\"].*|from [\w.]+ import .*"
    r"|SELECT .* FROM .*|INSERT INTO .*|CREATE TABLE .*|UPDATE .* SET .*|DELETE FROM .*"
    r"|(?:\w[\w.]*\.\w+\(.*|\w+\((?:.*[\"'+=()\[\]].*)?)\)[;,]?(?:\s*(?:#|//).*)?"
    r"|[\w.]+(?:\[.*\])? = [\[{(].*|.*[=()\[\]{}].*;|.*[\w)>] ?\{|[}\])]+[;,)]*)\s*"
)
_BESIDE_CODE = re.compile(  # one that may be: a comment, an indented line, an assignment
    r"\s*(?:#|//|--|/\*)|\s{2,}\S|\s*(?:import|return|raise|export) |\s*[\w.]+(?:\[.*\])? ?[-+]?= ?\S"
)
_ABOUT_ME = (  # "about me", as it ends an announcement
    "about me", "about myself", "zu mir", "über mich", "von mir", "zu meiner person", "über mich selbst",
    "sur moi", "de moi", "à propos de moi", "sobre mí", "de mí", "acerca de mí", "sobre mim", "de mim", "su di me",
    "di me", "over mij", "over mezelf", "om mig", "om meg", "om mig själv", "o mnie", "o sobie", "o mně", "o sobě",
    "o meni", "o sebi", "despre mine", "обо мне", "о себе", "про мене", "про себе", "за мен", "για μένα", "minusta",
    "itsestäni", "rólam", "magamról", "hakkımda", "kendim hakkında", "benim hakkımda", "मेरे बारे में", "अपने बारे में",
    "عني", "عن نفسي", "על עצמי", "עליי", "về tôi", "tentang saya", "关于我", "关于我自己", "自我介绍", "私について",
    "自己紹介", "저에 대해", "자기소개",
)  # fmt: skip
_BEFORE_IT = frozenset(  # what may stand before that
    """a an the just some something little bit few more words facts things info first quick quickly briefly so well and
    hi hello hey now also here again
    ein eine einen paar etwas was kurz kurzes kurze noch mehr worte wörter sätze fakten infos info eckdaten stichworte
    erstmal zuerst vorab schnell hallo hi moin hey also nun und dann jetzt hier wichtiges neues ganz zunächst bisschen
    un peu quelques mots en bref bonjour salut plus court encore
    un poco algo unas palabras hola breve más um pouco algumas palavras olá ciao qualcosa due parole su po più
    iets een beetje kort hoi hallo lite något hej kort litt kilka słów krótko trochę cześć něco pár slov krátce
    немного коротко пару слов привет кратко вкратце трохи коротко kısaca biraz merhaba थोड़ा कुछ संक्षेप""".split()
)


def split(text: str) -> tuple[str, str]:
    """What of `text` is the writer's for certain, and what may be another's; both together are all of it."""
    lines = text.split("\n")
    theirs = {*_letter(lines), *_talk(lines), *_behind_colons(lines), *_code(lines)}
    own, other = [], [lines[at] for at in sorted(theirs)]
    for at, line in enumerate(lines):
        if at not in theirs:
            said, reported = _within(line)
            own.append(said)
            other += reported
    return "\n".join(own), "\n".join(other)


def _within(line: str) -> tuple[str, list[str]]:
    """A line of the writer's without what it quotes, and that."""
    reported, kept, at = [], "", 0
    for found in _QUOTED.finditer(line):
        before = line[: found.start()].rstrip()
        said = found[0][1:-1]
        if _END.search(said) or before.endswith((":", "：", ",", "，")) or _is_speech(said):
            reported.append(said)
            kept, at = f"{kept}{line[at : found.start()]}\n", found.end()  # what was told ends with it
    line = kept + line[at:]
    if _ITEM.match(line):
        return line, reported
    for colon in _COLON.finditer(line):
        if _is_about_me(line[: colon.start()]):
            continue
        if len(_END.findall(line[colon.end() :])) > 1:
            reported.append(line[colon.end() :])
            line = line[: colon.end()]
        break
    return line, reported


def _is_speech(quoted: str) -> bool:
    """Whether it is too long for the name of something, or somebody says "I" in it."""
    words = pairs(quoted).split()
    return len(words) >= LONG_QUOTE or any(hearsay.FIRST_PERSON.fullmatch(word) for word in _words(quoted))


def _is_about_me(announced: str) -> bool:
    """Whether the words before a colon announce that the writer tells of themselves: "Kurz zu mir"."""
    ends = [found.end() for found in _END.finditer(announced)]
    words = _words(announced[ends[-1] if ends else 0 :])
    for phrase in _ABOUT_ME:
        own = phrase.split()
        if words[-len(own) :] == own and set(words[: -len(own)]) <= _BEFORE_IT:
            return True
    return False


def _words(text: str) -> list[str]:
    """The words in small letters, without the marks around them."""
    return [word for one in text.casefold().split() if (word := one.strip(".,;!?-–—()*_„“\"'"))]


def _talk(lines: list[str]) -> Iterator[int]:
    """The lines of a talk between people with their names: two or more that say something."""
    found = []
    for at, line in enumerate(lines):
        said = _STAMP.sub("", line, count=1) if _STAMP.match(line) else line
        colon = _COLON.search(said)
        if (
            colon
            and 0 < colon.start() <= LONGEST_NAME
            and not (_ITEM.match(line) or _is_about_me(said[: colon.start()]))
        ):
            rest = said[colon.end() :]
            if _END.search(rest) or len(rest.split()) >= LONGEST_GREETING:
                found.append(at)
    if len(found) > 1:
        yield from found


def _behind_colons(lines: list[str]) -> Iterator[int]:
    """The prose behind a line that ends in a colon; a last paragraph after an empty line is the writer's again."""
    for at, line in enumerate(lines[:-1]):
        announces = line.rstrip()
        if not announces.endswith((":", "：")) or _ITEM.match(line) or _is_about_me(announces[:-1]):
            continue
        rest = [n for n in range(at + 1, len(lines)) if lines[n].strip()]
        if not rest or _ITEM.match(lines[rest[0]]) or not any(_END.search(lines[n]) for n in rest):
            continue
        blank = next(
            (n for n in reversed(range(rest[0] + 1, len(lines))) if not lines[n].strip()), len(lines)
        )
        yield from range(rest[0], blank)


def _code(lines: list[str]) -> Iterator[int]:
    """Lines of code: what is plainly code, and what may be, in a run of lines with such a one."""
    run: list[int] = []
    for at, line in enumerate([*lines, "."]):
        if not line.strip() or _CODE.fullmatch(line) or _BESIDE_CODE.match(line):
            run.append(at)
            continue
        if any(lines[one].strip() and _CODE.fullmatch(lines[one]) for one in run):
            yield from run
        run = []


def _letter(lines: list[str]) -> Iterator[int]:
    """A letter within a message: from its greeting, where something stands before it, to the name below it."""
    said = [n for n, line in enumerate(lines) if line.strip()]
    greetings = [n for n in said if _is_greeting(lines[n]) and n != said[-1]]
    if not greetings:
        return
    ends = [
        n for n in greetings if n >= said[-3:][0] and all(_is_short(lines[one]) for one in said if one > n)
    ]
    begins = [n for n in greetings if n not in ends]
    if begins and begins[0] != said[0]:
        yield from range(begins[0], len(lines))
    elif ends:  # greeting and name, or a name alone: all of it is a letter
        yield from range(said[0], len(lines))


def _is_greeting(line: str) -> bool:
    return line.rstrip().endswith((",", "，", "،")) and len(line.split()) <= LONGEST_GREETING


def _is_short(line: str) -> bool:
    return len(line.split()) <= LONGEST_GREETING and not _END.search(line)
