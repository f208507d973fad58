"""
Who else tells it: memories that hold what another one says, in other words.

Promises: pure; rather one memory too many than one too few, for a person decides. Knows nothing of the store.
"""

from collections.abc import Mapping, Sequence

from daemon.memory.keywords import content_words, value_words

MUCH = 2 / 3  # of the content words of a text without names and numbers


def also_told(texts: Sequence[str], held: Mapping[int, str]) -> list[int]:
    """
    The ids of those `held` that have every name and number of one of the texts; of a text that has none, most words.
    """
    found = {id: set(content_words(text)) for id, text in held.items()}
    return [id for id, words in found.items() if any(_tells(words, text) for text in texts)]


def _tells(words: set[str], text: str) -> bool:
    if values := value_words(text):
        return values <= words
    wanted = set(content_words(text))
    return bool(wanted) and len(wanted & words) >= MUCH * len(wanted)
