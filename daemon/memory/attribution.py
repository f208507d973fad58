"""
Attribution: who said what a sentence says, out of a window of a chat.

    sentence + window ──> names spelt as they were said ──> the messages that say it ──> whose word it is

What only the assistant said about the user is nobody's word, unless the user said yes to it: a guess that came back
as a fact is how stores fill with junk. A sentence with a name or a number that nobody said is not trusted.

A model that names the turns which tell a sentence is believed as far as its numbers, its names (where writing tells
them) and its likeness to those turns bear it out, in any language. For one that names none, the words decide: by rules
of English, that a taught model keeps to.
"""

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from unicodedata import normalize

import numpy as np

from daemon.embedding.choices import MINILM, Limits
from daemon.embedding.client import Embedder
from daemon.memory import hearsay, modality, reported
from daemon.memory.secret_values import holds_secret, without_secrets
from daemon.text import MONTHS, SMALL, WEEKDAYS, content_words, numbers, root, value_words
from store.chats import Message

CLOSE = 0.8  # likeness from which a name that nobody said is a slip for one that was said
SHORTEST_SLIP = 3  # letters of a name that was cut off
EMBEDDED = 1_000  # characters of a message: its end, where the answer to the question before it stands
RECENT = timedelta(days=40)  # a date as near as this to what was said may be reckoned from "last Sunday"
_ASSISTANT = "The assistant"  # how a sentence about what the assistant said begins
_YES = re.compile(  # in many languages; of any other, what only the assistant said stays the assistant's
    r"\W*(?:yes|yeah|yep|yup|right(?! now)|correct|exactly|indeed|true|that's right|that is right"
    r"|ja|jawohl|genau|stimmt|richtig|klopt|precies|oui|ouais|exactement|sí|sì|claro|correcto|certo|esatto|sim|exato"
    r"|да|ага|верно|точно|igen|kyllä|joo|evet|doğru|ναι|نعم|أجل|صحيح|بله|آره|כן|נכון|हाँ|हां|হ্যাঁ|ใช่|vâng|đúng|benar"
    r"|是的?|对的?|對的?|嗯|没错|沒錯|はい|うん|ええ|そう(?:です)?|네|예|응|맞아요?"
    r"|(?:da|si|ya|iya|jo|tak|так|ano)(?=\s*(?:[,.!]|$)))(?!\w)",  # other words, too, where others follow
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？؟]")
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-Þ][^\W\d_]+")  # as it was said: with a capital
_VOWELS = "aeiouyаеиоуыэюяєіαεηιουω"
_CALENDAR = frozenset([*MONTHS, *WEEKDAYS, "today", "yesterday"])
_DATE = re.compile(
    r"(?:(\d{4})[-年] ?)?(\d{1,2})[-月] ?(\d{1,2})(?:日|\b)"
    rf"|(\d{{1,2}}) ({'|'.join(MONTHS)})(?: (\d{{4}}))?",
    re.IGNORECASE,
)
_IN_WORDS = {one: place for place, one in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_HAN_NUMBER = re.compile(f"[{''.join([*_IN_WORDS, *_UNITS])}]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """A sentence and whose word it is."""

    text: str
    sources: tuple[int, ...]  # ids of the messages that tell it
    trust: str  # "user" | "assistant" | "import" | "untrusted"


def attribute(
    text: str,
    window: Sequence[Message],
    *,
    named: Sequence[int] | None = None,
    likeness: Sequence[float] | None = None,
    limits: Limits = MINILM,
) -> Attributed | None:
    """
    Who said `text`; None when it is only what the assistant said about the user.

    Args:
        named: the turns that the model says it comes from, as places in `window` from 0; what is no place in it is
            passed over. None: the model names none, and words decide.
        likeness: cosine of `text` and each turn of `window`, in the same order (`likenesses`); None: not embedded.
        limits: of the embedder that made `likeness`.
    """
    found = _attributed(text, window, named, likeness, limits)
    if found is None or found.trust not in ("user", "import"):
        return found
    told_by = [turn for turn in window if turn.id in found.sources and turn.role == "user"]
    return replace(found, trust="untrusted") if _is_reported(found.text, told_by, window) else found


def _attributed(
    text: str,
    window: Sequence[Message],
    named: Sequence[int] | None,
    likeness: Sequence[float] | None,
    limits: Limits,
) -> Attributed | None:
    places = sorted({place for place in named or () if 0 <= place < len(window)})
    if places:
        return _by_turns(text, window, places, likeness, limits)
    sources = _sources(text, window)
    trust = _trust(text, sources, window)
    if trust == "assistant" and not text.startswith(_ASSISTANT):
        return None
    return Attributed(text=_as_spelt(text, window), sources=tuple(turn.id for turn in sources), trust=trust)


def _is_reported(text: str, told_by: Sequence[Message], window: Sequence[Message]) -> bool:
    """
    Whether the user only passes it on, or says that it may be so or came to nothing: a name or number, or half of its
    words, stand in such words alone. So do those of a secret called something else: "Their address is 44051401359."
    """
    parts = {turn.id: _split(turn.text, text) for turn in window if turn.role == "user"}
    others = _said([replace(turn, speaker="", text=parts[turn.id][1]) for turn in told_by])
    own = _said([replace(turn, text=parts[turn.id][0]) for turn in window if turn.role == "user"])
    if any(_is_told([one], others) and not _is_told([one], own) for one in _values(text, window)):
        return True
    words = {_stem(word) for word in content_words(text)} - {"user"}
    return len((words & others) - own) >= max(1, len(words & own))


def _split(said: str, told: str) -> tuple[str, str]:
    """What of `said` the user says for certain themselves, and the rest; a secret is rest where `told` tells none."""
    text, kept = (said, "") if holds_secret(told) else without_secrets(said)
    own, others = reported.split(text)
    own, heard = hearsay.split(own)
    own, off = modality.without_called_off(own, told=told)
    sure, hedged = modality.split(own)
    return sure, f"{others}\n{heard}\n{off}\n{hedged}\n{kept}"


def says_yes(text: str) -> bool:
    """Whether somebody says yes, in one of many languages, and asks nothing."""
    return _YES.match(text) is not None and not _ASKS.search(text)


async def likenesses(
    embedder: Embedder, texts: Sequence[str], window: Sequence[Message]
) -> list[list[float]]:
    """For each text its cosine to every turn, or to the turn with the question it answers, where that is higher."""
    turns = [turn.text[-EMBEDDED:] for turn in window]
    joined = [
        f"{turns[place - 1]} {said}" if place and _ASKS.search(turns[place - 1]) else said
        for place, said in enumerate(turns)
    ]
    vectors = await embedder.embed([*texts, *turns, *joined])
    told = vectors[: len(texts)] @ vectors[len(texts) :].T
    highest: list[list[float]] = np.maximum(told[:, : len(turns)], told[:, len(turns) :]).tolist()
    return highest


def _by_turns(
    text: str,
    window: Sequence[Message],
    places: list[int],
    likeness: Sequence[float] | None,
    limits: Limits,
) -> Attributed | None:
    """Who said `text`, which the model has from the turns at `places`, as far as that is borne out."""
    text = _as_spelt(text, window)
    wanted, everybody = _values(text, window), _said(window)
    by_user = _said(_heard(window, places))
    borne_out = bool(wanted) and _is_told(wanted, _said([window[place] for place in places]))
    if likeness is not None and not borne_out:
        nearest = max(range(len(window)), key=lambda place: likeness[place])
        if likeness[nearest] > max(likeness[place] for place in places) + limits.astray:
            places = [nearest]
    sources = [window[place] for place in places]
    if not _is_told(wanted, everybody):
        trust = "untrusted"
    elif not _is_told(wanted, by_user) or _is_guess(text, sources, _heard(window, places)):
        trust = "assistant"
    elif likeness is not None and not borne_out and max(likeness[place] for place in places) < limits.told:
        trust = "untrusted"
    else:
        trust = "import" if any(turn.source == "import" for turn in sources) else "user"
    if trust == "assistant" and not text.startswith(_ASSISTANT):
        return None
    told_by = [turn for turn in sources if turn.role == "user"] if trust in ("user", "import") else sources
    return Attributed(text=text, sources=tuple(turn.id for turn in told_by), trust=trust)


def _heard(window: Sequence[Message], places: Sequence[int]) -> list[Message]:
    """What the user said, and what the assistant said, named with the user's answer, if that is yes."""
    heard = [turn for turn in window if turn.role == "user"]
    for place in places:
        after = place + 1
        if window[place].role == "assistant" and after in places and window[after].role == "user":
            if says_yes(window[after].text):
                heard.append(window[place])
    return heard


def _is_guess(text: str, sources: Sequence[Message], heard: Sequence[Message]) -> bool:
    """Whether it is the assistant's alone: words of it are, and none is the user's."""
    unheard = [turn for turn in sources if turn.role == "assistant" and turn not in heard]
    if len(unheard) == len(sources):
        return True
    words = {_stem(word) for word in content_words(text)}
    guessed, told = words & _said(unheard), words & _said(heard)
    return bool(guessed) and not told


def _values(text: str, window: Sequence[Message]) -> set[str]:
    """The numbers of `text`, and its names as compared; not of dates that can be reckoned from when it was said."""
    near = [turn.said_at.date() for turn in window]
    bare = _DATE.sub(lambda found: " " if _is_near(found, near) else found[0], text)
    names = {_stem(word) for word in value_words(bare) - _CALENDAR if not word.isdigit()}
    return {*names, *_numbers(bare)}


def _said(turns: Sequence[Message]) -> set[str]:
    """All words as they are compared, and all numbers."""
    texts = [f"{turn.role} {turn.speaker} {turn.text}" for turn in turns]
    return {
        *(_stem(word) for text in texts for word in content_words(text)),
        *(number for text in texts for number in (*_numbers(text), *_han_numbers(text), *_spelled(text))),
    }


def _stem(word: str) -> str:
    """A word as it is compared: of other alphabets than ASCII's whole, for these mostly bend names (`_is_told`)."""
    return root(word) if word.isascii() else word


def _is_told(wanted: Collection[str], said: Collection[str]) -> bool:
    """Whether all numbers and names are among what was said, names in any of their cases."""
    bent = [(word, _cases(word)) for word in said if not word.isascii()]
    return all(
        one in said
        or (
            not one.isascii()
            and any(_is_case(one, word) or not _cases(one).isdisjoint(of) for word, of in bent)
        )
        for one in wanted
    )


def _cases(word: str) -> set[str]:
    """A name without endings that begin with a vowel: "Анна", "Анной" -> "Анн"; not "Марк" as "Мария"."""
    return {word} | {
        word[:-letters]
        for letters in (1, 2)
        if len(word) - letters >= SHORTEST_SLIP and normalize("NFD", word[-letters])[0] in _VOWELS
    }


def _is_case(one: str, other: str) -> bool:
    """Whether one is the other with an ending: "Väinö", "Väinölle"."""
    short, long = sorted((one, other), key=len)
    return len(short) > SHORTEST_SLIP and long.startswith(short) and len(long) - len(short) <= SHORTEST_SLIP


def _numbers(text: str) -> list[str]:
    """Numbers without what parts their thousands: "1,200" and "1.200" are 1200."""
    return numbers(re.sub(r"(?<=\d)[.,'’\u00a0\u202f](?=\d{3}(?!\d))", "", text))


def _spelled(text: str) -> list[str]:
    """Numbers in words, of English: "twelve" is 12."""
    return [str(SMALL.index(word)) for word in re.findall(r"[a-z]+", text.lower()) if word in SMALL]


def _han_numbers(text: str) -> list[str]:
    """Numbers in Han letters: "三十" is 30, and "二〇一九" 2019."""
    found = []
    for run in _HAN_NUMBER.findall(text):
        total, digits = 0, ""
        for one in run:
            if one in _UNITS:
                total += int(digits or 1) * _UNITS[one]
                digits = ""
            else:
                digits += str(_IN_WORDS[one])
        found.append(str(total + int(digits or 0)))
    return found


def _is_near(found: re.Match[str], near: Sequence[date]) -> bool:
    """Whether a written date is close to one of `near`; without its year, in one of theirs."""
    year, month, day, other_day, name, other_year = found.groups()
    number = MONTHS.index(name.lower()) + 1 if name else int(month)
    for said in near:
        try:
            meant = date(int(year or other_year or said.year), number, int(day or other_day))
        except ValueError:
            return False
        if abs(meant - said) <= RECENT:
            return True
    return False


def _as_spelt(text: str, window: Sequence[Message]) -> str:
    """`text` with names that nobody said put right, where the slip is plain: "Tngrid" becomes "Ingrid"."""
    roots = {root(word) for turn in window for word in _words(turn)}
    slips = [name for name in value_words(text) - _CALENDAR if name.isalpha() and root(name) not in roots]
    if not slips:
        return text
    said = {word.lower(): word for turn in window for word in _NAME.findall(f"{turn.speaker} {turn.text}")}
    for slip in slips:
        cut_off = [name for name in said if len(slip) >= SHORTEST_SLIP and name.startswith(slip)]
        meant = cut_off or difflib.get_close_matches(slip, said, n=1, cutoff=CLOSE)
        if meant:
            text = re.sub(rf"\b{re.escape(slip)}\b", said[meant[0]], text, flags=re.IGNORECASE)
    return text


def _sources(text: str, window: Sequence[Message]) -> list[Message]:
    """
    The messages that share most words with the sentence: of the user, or where it tells of the assistant or
    shares none with the user, of the assistant. All of the user's when it shares none with anybody.
    """
    first = "assistant" if text.startswith(_ASSISTANT) else "user"
    said = set(content_words(text))
    for role in (first, "assistant" if first == "user" else "user"):
        shared = [(len(said & set(content_words(turn.text))), turn) for turn in window if turn.role == role]
        most = max((count for count, _ in shared), default=0)
        if most:
            return [turn for count, turn in shared if count == most]
    return [turn for turn in window if turn.role == "user"]


def _trust(text: str, sources: Sequence[Message], window: Sequence[Message]) -> str:
    """Whose word it is, by its names and its last word, which mostly is the news."""
    by_user = {root(word) for turn in _of_user(window) for word in _words(turn)}
    by_assistant = {root(word) for turn in window if turn.role == "assistant" for word in _words(turn)}
    names = {root(word) for word in value_words(text) - _CALENDAR if word.isalpha()}
    news = {*names, *(root(word) for word in content_words(text)[-1:])}
    every = by_user | by_assistant
    told = {value for value in _values(text, window) if value.isdigit()}
    is_told = not every.isdisjoint(root(word) for word in content_words(text))
    if not (names <= every and told <= _said(window) and is_told):
        return "untrusted"
    if text.startswith(_ASSISTANT) or (news & by_assistant) - by_user:
        return "assistant"
    return "import" if any(turn.source == "import" for turn in sources) else "user"


def _of_user(window: Sequence[Message]) -> list[Message]:
    """What the user said, and what the assistant said that the user said yes to."""
    said = [turn for turn in window if turn.role == "user"]
    pairs = zip(window, window[1:], strict=False)
    agreed = [before for before, after in pairs if after.role == "user" and _YES.match(after.text)]
    return said + [turn for turn in agreed if turn.role == "assistant"]


def _words(turn: Message) -> list[str]:
    return content_words(f"{turn.role} {turn.speaker} {turn.text}")
