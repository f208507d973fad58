"""
Text: sentences compared by their words, and counts and names as the page, the command line and the log write them.

    "The user's dogs aren't called Rex" ──> normalised ──> content words: dog, not, rex ──> root: enough of each to
    find "studied" by "study"
    "用户的狗叫Rex" ──> content words: 用户, 户的, 的狗, 狗叫, rex ──> values: rex

The words of a sentence go through the same steps everywhere: one stop list (of English: other languages keep all their
words), one stemmer; scripts and irregular forms are in `store/text.py`, for the full-text index needs them too.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

from store.text import BASES, folded, pairs
from store.text import WORD as ANY_WORD

WORD = re.compile(rf"{ANY_WORD}(?:['’]{ANY_WORD})*")  # a word of any script, with an inner apostrophe
STOP_WORDS = frozenset(  # words that every sentence has; negations and numbers are none
    """
    a an the this that these those there here it its of in on at to for from with by as about into
    and or but so if then than too very just also still now
    i me my mine myself we us our you your yours he him his she her hers they them their
    am is are was were be been being do does did done have has had having will would can could
    shall should may might
    what which who whom whose when where why how
    """.split()
)
WORDS_OF_TELLING = frozenset(  # how a memory or a question words that something is told: no content either
    """
    user user's users called named name names say says said tell tells told know knows remember currently
    please yes hi hello hey thanks thank
    """.split()
)
WORDS_OF_RELATION = frozenset(  # how things relate: content of a sentence, and no help to a search
    """
    after again against all any because before between both d doing down during ever get got ll m many more most much
    must no not off only other out over own re s same some such t through under until up ve while
    """.split()
)
GERMAN_WORDS = frozenset(  # that nearly every sentence has one of, and of Luxembourgish
    """
    der das dem ein eine einen einem einer und ist sind haben nicht mit vom zum zur im auf für bei als nach aus
    sich ihr ihre sein seine seinen mein meine meinen ich er sie wird wurde heißt von den des die
    dëst eng deen déi ass
    """.split()
)
_OTHERS_TOO = frozenset(  # English words of telling that other languages write the same
    """
    a also am an and as at be by can do for from had has have he her here him his i in into is it its may me mine
    more of on or over so than then there to too us was we were will with
    hello hey hi name users
    """.split()
)
_ENGLISH_WORDS = (STOP_WORDS | WORDS_OF_TELLING) - _OTHERS_TOO
ENGLISH = 0.15  # share of the words of an English sentence that only English has, at least
UNCASED = re.compile(  # letters of scripts without capitals: Hebrew to Georgian, Hangul, and on to Han
    "[\u0590-\u109f\u1100-\u139f\u1700-\u1c7f\u2d30-\u2dff\u3005-\ua4cf\ua840-\uab2f\uabc0-\ufaff\uff66-\uffdc"
    "\U00020000-\U0003ffff]+"
)
MONTHS = "january february march april may june july august september october november december".split()
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_FILE = re.compile(r"\n\n<file name=\"([^\"\n]*)\">\n(.*)\n</file>\Z", re.DOTALL)  # behind a question
_ENDING = re.compile(r"(?<=\w\w\w)(?:ing|ed|e)$|(?<=\w\w)(?:ing|e)$")
IMPORT_FORMATS = (  # what `daemon.inbox` reads, by the names that it gives them; a test compares the two
    "AnythingLLM chats",
    "ChatGPT export",
    "Cherry Studio backup",
    "Claude Code session",
    "Claude export",
    "Codex session",
    "Cursor chats",
    "DeepSeek export",
    "Gemini activity",
    "Grok export",
    "Jan thread",
    "JSONL chat log",
    "LibreChat conversation",
    "llama.cpp conversation",
    "llm logs.db",
    "LM Studio conversation",
    "LoCoMo JSON",
    "Markdown",
    "Mistral chat",
    "Open WebUI export",
    "Perplexity thread",
    "ShareGPT conversations",
    "SillyTavern chat",
    "Telegram chat",
    "Tsubasa export",
    "WhatsApp chat",
)
WHY_WAITING = {  # why a memory is not taught yet
    "secret": "it looks like a password, a key or an account: it is recalled, never learned",
    "volatile": "it will pass by itself",
    "contradicted": "something else was told lately",
    "untrusted": "you did not say it yourself, or not for certain: it is recalled, never learned",
    "unseen": "it changed an older memory and waits for your look at it, a day at most",
    "later": "the night was too short for it: a coming one teaches it",
    "unasked": "no lesson could be made of its words; a coming night tries again",
    "untried": "its lessons are not made yet: a coming night goes on with them",
}
# marks that turn the direction of what follows, each as a sign
TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")


def normalised(text: str) -> str:
    """`text` in one case and spacing, without punctuation: equal for two tellings of the same sentence."""
    return " ".join(WORD.findall(folded(text).replace("’", "'")))


def content_words(text: str) -> list[str]:
    """
    The content words of `text` in their order, in lower case, possessive and plural endings dropped.

    "The user's dogs aren't called Rex" -> ["dog", "not", "rex"]; a script without spaces gives pairs of letters:
    "我住在柏林" -> ["我住", "住在", "在柏", "柏林"]
    """
    words = []
    for word in pairs(normalised(text)).split():
        if word.endswith("n't") or word in ("not", "no", "never", "cannot"):
            words.append("not")
        elif word not in STOP_WORDS and word not in WORDS_OF_TELLING:
            words.append(_singular(word))
    return words


def value_words(text: str) -> set[str]:
    """
    The content words that carry a value for sure: numbers, and names where writing tells them.

    A name is a word with a capital letter after the first word; not in German and Luxembourgish, which begin every
    noun with one. In a script without capitals it is a word in letters that have them: "Rex" in "用户的狗叫Rex".
    Numbers are in the digits 0 to 9, however they are written: "３" and "٣" are "3".
    """
    by_capital = not _capitals_are_nouns(text)
    found: set[str] = set()
    for place, part in enumerate(text.split()):
        if part[0].isdigit() or (by_capital and place and part[0].isupper()):
            found.update(content_words(part) if part.isascii() else _cased(part))
        elif not part.isascii() and UNCASED.search(part):
            found.update(_cased(part))
    return found


def numbers(text: str) -> list[str]:
    """The numbers of `text` in their order, in the digits 0 to 9: "٣٠" -> "30"."""
    return re.findall(r"\d+", folded(text))


def in_english(text: str) -> bool:
    """Whether as many of its words as of an English sentence are English only; a few words may have none."""
    return share_of_english(text) >= ENGLISH


def share_of_english(text: str) -> float:
    """The share of words that English sentences have and those of other languages don't, 0 to 1."""
    words = normalised(text).split()
    return sum(word.split("'")[0] in _ENGLISH_WORDS for word in words) / max(len(words), 1)


def tells_names(text: str) -> bool:
    """Whether names can be told by their writing: it is in letters with capitals, and not every noun has one."""
    return not UNCASED.search(text) and not _capitals_are_nouns(text)


def _cased(part: str) -> list[str]:
    """The words of `part` in letters that have capitals, and those with digits."""
    return [
        word
        for word in content_words(UNCASED.sub(" ", folded(part)))
        if word.isdigit() or word.upper() != word
    ]


def _capitals_are_nouns(text: str) -> bool:
    """Whether it is in a language that begins every noun with a capital: told by words that only such ones have."""
    words = text.split()
    small = [word.lower().strip(".,;:!?") for place, word in enumerate(words) if word.islower() or not place]
    german = sum(word in GERMAN_WORDS for word in small)
    return german > sum(word.split("'")[0] in _ENGLISH_WORDS for word in small)


def root(word: str) -> str:
    """Enough of a content word to tell that "studied" answers "study", "living" "live", and "Japanese" "Japan"."""
    base = BASES.get(word, word)
    return (_ENDING.sub("", base) if len(base) > 3 else base)[:4]


def _singular(word: str) -> str:
    """Just enough that `dog's`, `dogs` and `dog` are one."""
    word = word.split("'")[0] or word
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def upright(text: str) -> str:
    """A text of others as it was written: marks that turn the direction of writing are signs, and turn nothing."""
    return text.translate(TURNING)


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 message", "2,000 messages"; `many` where it isn't `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shorten(text: str, most: int = 100) -> str:
    """`text` in one line of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def listed(parts: Sequence[object]) -> str:
    """ "a", "a and b", "a, b and c"; nothing of nothing."""
    *rest, last = [str(one) for one in parts] or [""]
    return f"{', '.join(rest)} and {last}" if rest else last


def who_answers(generation: int) -> str:
    """ "generation 3", and for 0 "the base model"."""
    return f"generation {generation}" if generation else "the base model"


def generations(numbers: Sequence[int]) -> str:
    """ "Generation 3", "Generations 2 and 3"."""
    return f"Generation{'s' if len(numbers) > 1 else ''} {listed(numbers)}"


def gave_way(to: int) -> str:
    """What is to be said of a generation that had to leave, and of what answers in its place."""
    return (
        "It had learned something that was forgotten since, so it answers no more; "
        f"now {who_answers(to)} answers."
    )


def format_bytes(count: int) -> str:
    """For example 2.5 GB; decimal, as download pages and disks count."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def what_model(architecture: str, quantization: str, size: int, made_for: int) -> str:
    """ "llama, Q4_K_M, 2.5 GB, made for 8,192 tokens"; what a file does not say is left out."""
    made = f"made for {counted(made_for, 'token')}" if made_for else ""
    return ", ".join(filter(None, [architecture, quantization, format_bytes(size), made]))


def can_learn(cannot: str | None) -> str:
    """Whether a model answers only; `cannot`: why no night can train it."""
    return f"answers, but can't learn: {cannot}" if cannot else "answers, and can learn"


SMALL = "no one two three four five six seven eight nine ten eleven twelve".split()


def spelled(number: int, one: str, many: str = "") -> str:
    """ "no memories", "one memory", "three memories", "14 memories"."""
    words = SMALL[number] if number < len(SMALL) else f"{number:,}"
    return f"{words} {one if number == 1 else many or one + 's'}"


def spell(seconds: float) -> str:
    """A length of time as one would say it: "42 seconds", "8 minutes", "2 hours and 5 minutes"."""
    whole = timedelta(seconds=round(seconds))
    if whole < timedelta(minutes=2):
        return counted(round(seconds), "second")
    minutes = round(seconds / 60)
    if minutes < 120:
        return counted(minutes, "minute")
    hours, rest = divmod(minutes, 60)
    return counted(hours, "hour") + (f" and {counted(rest, 'minute')}" if rest else "")


def sentence(text: str) -> str:
    """With a capital at the beginning and a full stop at the end."""
    whole = text.strip()
    end = "" if whole.endswith((".", "!", "?", "…")) else "."
    return f"{whole[:1].upper()}{whole[1:]}{end}" if whole else ""


def split_file(text: str) -> tuple[str, str, str]:
    """What was asked, the name of the file that came along with it, and what stands in it; "" where none did."""
    found = _FILE.search(text) if text.endswith("\n</file>") else None
    return (text[: found.start()], found[1], found[2]) if found else (text, "", "")


def with_file(question: str, name: str, text: str) -> str:
    """A question with a file behind it, in a block that memory work takes for nobody's word (`strip_quotes`)."""
    return f'{question}\n\n<file name="{name}">\n{text}\n</file>'
