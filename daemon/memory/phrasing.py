"""
Phrasing: what people say and ask, put as memories are worded, so that the embedder finds the two near each other.

    "my dog is called Rex" ──> "the user's dog is called Rex"; an assistant's "your dog" ──> the same

English only: other languages are compared as they are. For MiniLM it takes a telling of a fact from a cosine of 0.7 to
one of 0.95, and what is related to it from 0.5 to 0.65.
"""

import re

LONGEST = 20_000  # characters of a message that are looked at
MOST = 40  # sentences of it
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]*")
_I = re.IGNORECASE


def in_third_person(text: str) -> str:
    """
    `text` as memories are worded: "what's my dog's name" -> "what's the user's dog's name".

    It more than doubles the distance between related and unrelated memories for MiniLM. "I'm" stays: it begins
    remarks ("I'm tired"), seldom questions.
    """
    asked = re.sub(r"\b(my|mine)\b", "the user's", text, flags=_I)
    return re.sub(r"\bI\b(?!['’]m)(['’](ve|d|ll)\b)?", "the user", asked, flags=_I)


def statements(text: str, *, role: str = "user") -> list[str]:
    """The sentences of a message, as memories are worded, and the whole of a short one; `role`: its writer's."""
    parts = [part[0].strip() for part in _SENTENCE.finditer(text[:LONGEST])]
    parts = [part for part in parts if part][:MOST]
    if len(parts) > 1 and len(text) < 300:
        parts.append(" ".join(text.split()))
    return [_of_the_user(part) if role == "assistant" else in_third_person(part) for part in parts]


def _of_the_user(text: str) -> str:
    asked = re.sub(r"\b(?:your|yours)\b", "the user's", text, flags=_I)
    return re.sub(r"\byou\b(?:['’](?:ve|d|ll|re)\b)?", "the user", asked, flags=_I)
