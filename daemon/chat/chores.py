"""
Chores: what a chat page asks the model for by itself: a title, tags, a summary, follow-ups, a search query.

    known by what is asked for (title), of what (this chat), in what form (JSON, "only"), and by the chat that is quoted

Whoever wrote the prompt, and in whatever language of the table; a quoted chat with an example of JSON in any other one.
When in doubt it is a person. Nothing of a chore is kept, and it waits behind people.
"""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

OPENING = 500  # characters of a system turn that says what it is for
FRAME = 4_000  # characters of a chore's own words, at its two ends, around the chat that it quotes
TURN = 20  # characters of a turn that is known again where it is quoted
ORDERS = 2  # about the form, that a person seldom gives together
_JSON = re.compile(r"[{\[]\s*\\?[\"'][\w-]+\\?[\"']\s*:")
_CHAT_TAG = re.compile(
    r"<(?:\w+[_-])?(?:chat|conversation|dialog(?:ue)?|history|transcript)(?:[_-]\w+)?>", re.IGNORECASE
)
_SPEAKER = re.compile(
    r"^\W{0,4}(?:user|human|assistant|ai|model|bot|benutzer|nutzer|assistent|utilisateur|usuario|asistente|assistente"
    r"|utente|gebruiker|пользователь|ассистент|用户|助手|ユーザー|アシスタント|사용자|어시스턴트)\W{0,4}[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_EMPTY_LABEL = re.compile(r"(?:^|\n)[^\n:：]{1,40}[:：]\s*$")


def is_chore(turns: Sequence[tuple[str, str]]) -> bool:
    """Whether a page asks, and no person; `turns`: role and text of each, as they were sent."""
    spoken = [(role, text) for role, text in turns if role in ("user", "assistant")]
    if not spoken or spoken[-1][0] != "user":
        return False
    system = "\n".join(text for role, text in turns if role == "system")
    asked = spoken[-1][1]
    before = [text for _, text in spoken[:-1] if len(text.strip()) >= TURN]
    quotes = _quotes_chat(asked) or any(text.strip() in asked for text in before)
    own = _frame_of(asked)
    if quotes and _is_order(own, about_chat=True):
        return True
    if _is_order(own, about_chat=bool(_chat().search(own))):
        return True
    opening = system[:OPENING]
    alone = sum(role == "user" for role, _ in spoken) == 1
    return alone and (
        _is_order(opening, about_chat=bool(_chat().search(opening))) or _is_translator(system, asked)
    )


def _is_order(text: str, *, about_chat: bool) -> bool:
    """Whether it asks for something about a chat, in a form that a program can read."""
    as_json = bool(_JSON.search(text))
    orders = len(set(map(str.lower, _form().findall(text)))) + as_json
    is_wanted = bool(_wanted().search(text)) and orders >= ORDERS
    return about_chat and (is_wanted or (as_json and _quotes_chat(text)))


def _is_translator(system: str, asked: str) -> bool:
    """Whether a page's own translator asks: a system turn that is for nothing else, or a form to be filled in."""
    told = f"{system[:OPENING]}\n{asked[:OPENING]}"
    orders = bool(_translated().search(told)) and len(_form().findall(told)) > 0
    return orders and bool(
        _EMPTY_LABEL.search(asked) or (_translated().search(system) and system.count("\n") < 30)
    )


def _quotes_chat(text: str) -> bool:
    return bool(_CHAT_TAG.search(text)) or len(_SPEAKER.findall(text)) > 1


def _frame_of(text: str) -> str:
    """A prompt's own words, at its beginning and its end; the chat stands between them."""
    return text if len(text) <= 2 * FRAME else f"{text[:FRAME]}\n{text[-FRAME:]}"


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("daemon.chat").joinpath("chores.toml").read_text(encoding="utf-8"))


def _pattern(kind: str) -> re.Pattern[str]:
    words = (one for line in _table()[kind].values() for one in line.split(", "))
    return re.compile(
        "|".join(_word(one) for one in sorted(set(words), key=len, reverse=True)), re.IGNORECASE
    )


def _word(word: str) -> str:
    """A word, or its beginning before a star; scripts without spaces have words within words."""
    begins = r"\b" if word[0].isalnum() and ord(word[0]) < 0x0E00 else ""
    if word.endswith("*"):
        return f"{begins}{re.escape(word[:-1])}"
    return f"{begins}{re.escape(word)}{begins}"


@cache
def _wanted() -> re.Pattern[str]:
    return _pattern("wanted")


@cache
def _chat() -> re.Pattern[str]:
    return _pattern("chat")


@cache
def _form() -> re.Pattern[str]:
    return _pattern("form")


@cache
def _translated() -> re.Pattern[str]:
    return _pattern("translated")
