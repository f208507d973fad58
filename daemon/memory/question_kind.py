"""
Asking: what kind of question a message is, by its wording.

Promises: pure functions over English; a message in another language counts as a plain question when it has a question
mark. Knows nothing of models or of the store.
"""

import re

_I = re.IGNORECASE
_ASKS = re.compile(
    r"[?？؟]|^\W*(?:(?:hi|hey|hello|so|ok|and|btw|please|well)\W+)*"
    r"(?:what|whats|what's|who|whose|whom|which|where|when|why|how|do|does|did|is|are|was|were|can|could|will|would|should"
    r"|have|has|had|am|remind me|tell me|remember|name|list)\b",
    _I,
)
_PAST = re.compile(
    r"\b(?:before|used? to|previous(?:ly)?|former(?:ly)?|earlier|originally|ever|back then|in the past|at first"
    r"|any ?more|last (?:year|month|week|summer|winter|spring|autumn)|my (?:old|ex)|(?:19|20)\d\d|chang(?:e|ed|es)"
    r"|was|were|did)\b",
    _I,
)
_MANY = re.compile(
    r"\b(?:all|every|everything|everyone|both|each|list|how many|how often|which of|compare|between|summar\w+|any of"
    r"|what (?:are|were) (?:my|the)|who are|names of|know about me|tell me about)\b"
    r"|\band\b.{0,200}\b(?:who|what|where|when|how)\b",
    _I,
)
_OF_ASSISTANT = re.compile(
    r"\b(?:you|your)\b.{0,200}\b(?:said|say|told|tell|recommend\w*|suggest\w*|promis\w*|mention\w*|advi[sc]e\w*|wrote|explain\w*"
    r"|propos\w*|answer\w*|idea)\b|\b(?:recommendation|suggestion|advice)\b",
    _I,
)


def in_third_person(question: str) -> str:
    """
    `question` as memories are worded: "what's my dog's name" -> "what's the user's dog's name".

    It more than doubles the distance between related and unrelated memories for MiniLM. "I'm" stays: it begins
    remarks ("I'm tired"), seldom questions.
    """
    asked = re.sub(r"\b(my|mine)\b", "the user's", question, flags=_I)
    return re.sub(r"\bI\b(?!['’]m)(['’](ve|d|ll)\b)?", "the user", asked, flags=_I)


def asks(message: str) -> bool:
    """Whether it asks for something: a question mark, or it begins as questions do."""
    return _ASKS.search(message) is not None


def asks_past(question: str) -> bool:
    """Whether it may ask for what was true before."""
    return _PAST.search(question) is not None


def wants_many(question: str) -> bool:
    """Whether one memory can hardly answer it: "which towns ... and when", "what do you know about me"."""
    return _MANY.search(question) is not None


def asks_of_assistant(question: str) -> bool:
    """Whether it asks for what the assistant said: "what did you recommend"."""
    return _OF_ASSISTANT.search(question) is not None
